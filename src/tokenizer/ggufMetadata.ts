/** The way back from tokenizer.json to the metadata of a GGUF file, for byte-level BPE. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { preTokenizerNames } from './preTokenizers.ts';
import { isRecord, normalise, type TokenizerData, tokenText } from './tokenizerData.ts';

/** ggml's token types. */
const NORMAL = 1;
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;

export type TokenizerEntry = string | boolean | number | readonly string[] | Int32Array | Float32Array;

/**
 * `tokenizer.*` of a GGUF file for a model of `vocabSize` rows; rows without a token get placeholder names. Throws a HumanError
 * for a tokenizer that llama.cpp would read as another one. The other way round: `tokenizerFromGguf`.
 */
export function ggufTokenizerMetadata(data: TokenizerData, vocabSize: number): Map<string, TokenizerEntry> {
  if (data.kind === 'gguf') return sameMetadata(data.metadata);
  const parts = normalise(data);
  const refuse = (message: string) => new HumanError(message, { place: { file: parts.path } });
  const { model } = parts.tokenizer;
  if (!isRecord(model) || model.type !== 'BPE' || model.byte_fallback === true || !isRecord(model.vocab)) {
    throw refuse(
      l10n.t(
        'Only tokenizers of byte-level BPE can be written to GGUF. Export safetensors and convert them with llama.cpp.',
      ),
    );
  }
  const pre = preTokenizerNames(parts.tokenizer)[0];
  if (pre === undefined) {
    throw refuse(
      l10n.t(
        'llama.cpp has no name for the way in which this tokenizer splits text. Export safetensors and convert them with llama.cpp.',
      ),
    );
  }
  const tokens = Array.from({ length: vocabSize }, (_, id) => `[PAD${id}]`);
  const types = new Int32Array(vocabSize).fill(UNUSED);
  const place = (id: unknown, content: unknown, type: number): void => {
    if (typeof id !== 'number' || !(id >= 0 && id < vocabSize) || typeof content !== 'string') return;
    tokens[id] = content;
    types[id] = type;
  };
  for (const [content, id] of Object.entries(model.vocab)) place(id, content, NORMAL);
  for (const token of [parts.tokenizer.added_tokens].flat()) {
    if (isRecord(token)) place(token.id, token.content, token.special === true ? CONTROL : USER_DEFINED);
  }
  const merges = Array.isArray(model.merges) ? model.merges : [];
  const named = (name: string): number | undefined => {
    const text = tokenText(parts.config[name]);
    const id = text === undefined ? -1 : tokens.indexOf(text);
    return id < 0 ? undefined : id;
  };
  const begin = beginToken(parts.tokenizer.post_processor);
  const bos = begin === undefined ? named('bos_token') : tokens.indexOf(begin);
  const eos = named('eos_token') ?? parts.endTokenIds[0];
  const ids: readonly (readonly [string, number | undefined])[] = [
    ['bos', bos],
    ['eos', eos],
    ['eot', parts.endTokenIds.find(id => id !== eos)],
    ['unknown', named('unk_token')],
    ['padding', named('pad_token')],
  ];
  return new Map<string, TokenizerEntry>([
    ['tokenizer.ggml.model', 'gpt2'],
    ['tokenizer.ggml.pre', pre],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.token_type', types],
    ['tokenizer.ggml.merges', merges.map(merge => (Array.isArray(merge) ? merge.join(' ') : String(merge)))],
    ...ids.flatMap(([name, id]) =>
      id === undefined || id < 0 ? [] : [[`tokenizer.ggml.${name}_token_id`, id] as const],
    ),
    ['tokenizer.ggml.add_bos_token', begin !== undefined],
    ...(parts.chatTemplate === undefined ? [] : [['tokenizer.chat_template', parts.chatTemplate] as const]),
  ]);
}

/** The special token that the post-processor puts before a text, if it does. */
function beginToken(processor: unknown): string | undefined {
  if (!isRecord(processor)) return undefined;
  if (processor.type === 'Sequence' && Array.isArray(processor.processors)) {
    return processor.processors.map(beginToken).find(token => token !== undefined);
  }
  const first = Array.isArray(processor.single) ? processor.single[0] : undefined;
  const special = processor.type === 'TemplateProcessing' && isRecord(first) ? first.SpecialToken : undefined;
  return isRecord(special) && typeof special.id === 'string' ? special.id : undefined;
}

/** What another GGUF file says of its tokenizer, with the types of lists that reading forgets. */
function sameMetadata(metadata: ReadonlyMap<string, unknown>): Map<string, TokenizerEntry> {
  const same = new Map<string, TokenizerEntry>();
  for (const [key, value] of metadata) {
    if (!key.startsWith('tokenizer.')) continue;
    if (key === 'tokenizer.ggml.token_type') same.set(key, Int32Array.from(value as number[]));
    else if (key === 'tokenizer.ggml.scores') same.set(key, Float32Array.from(value as number[]));
    else if (isEntry(value)) same.set(key, value);
  }
  return same;
}

const isEntry = (value: unknown): value is string | boolean | number | readonly string[] =>
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (Number.isInteger(value) && (value as number) >= 0) ||
  (Array.isArray(value) && value.every(item => typeof item === 'string'));
