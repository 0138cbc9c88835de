/** The ways of splitting text that llama.cpp has names for, in the words of tokenizer.json. */
import { isRecord } from './tokenizerData.ts';

const LLAMA3_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN2_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

export const byteLevel = (useRegex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
});
const split = (pattern: string) => ({
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
    byteLevel(false),
  ],
});

/** `tokenizer.ggml.pre` → pre-tokenizer. Source: the tokenizer.json files that llama.cpp's converter knows by these names. */
export const preTokenizers: Readonly<
  Record<string, { preTokenizer: unknown; normalizer?: unknown; ignoreMerges?: boolean }>
> = {
  'gpt-2': { preTokenizer: byteLevel(true) },
  smollm: {
    preTokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel(true)] },
  },
  'llama-bpe': { preTokenizer: split(LLAMA3_PATTERN), ignoreMerges: true },
  qwen2: { preTokenizer: split(QWEN2_PATTERN), normalizer: { type: 'NFC' } },
};

/** The names whose way of splitting is that of a tokenizer.json: none, or one. */
export function preTokenizerNames(tokenizer: Readonly<Record<string, unknown>>): string[] {
  const model = isRecord(tokenizer.model) ? tokenizer.model : {};
  const told = canonical({
    preTokenizer: tokenizer.pre_tokenizer ?? null,
    normalizer: tokenizer.normalizer ?? null,
    ignoreMerges: model.ignore_merges === true,
  });
  return Object.entries(preTokenizers)
    .filter(([, { preTokenizer, normalizer = null, ignoreMerges = false }]) => {
      return canonical({ preTokenizer, normalizer, ignoreMerges }) === told;
    })
    .map(([name]) => name);
}

/** JSON with sorted keys and without what does not change the tokens: how offsets are trimmed. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isRecord(value)) return JSON.stringify(value) ?? 'null';
  const defaults = value.type === 'ByteLevel' ? { use_regex: true, ...value } : value;
  const entries = Object.entries(defaults).filter(([key]) => key !== 'trim_offsets');
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${key}:${canonical(item)}`)
    .join()}}`;
}
