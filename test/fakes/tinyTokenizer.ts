/** A byte-level tokenizer small enough to know by heart: 3 special tokens, 256 bytes, and a few merges. */
import { byteLevelAlphabet } from '../../src/tokenizer/byteLevel.ts';

export const tinyTemplate =
  "{% for message in messages %}<|start|>{{ message['role'] }}\n{{ message['content'] }}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|start|>assistant\n{% endif %}";

const merges: readonly (readonly [string, string])[] = [
  ['h', 'e'],
  ['l', 'l'],
  ['he', 'll'],
  ['hell', 'o'],
  ['Ġ', 'hello'],
];

export function tinyTokenizerJson(): Record<string, unknown> {
  const vocab: Record<string, number> = {};
  for (const character of byteLevelAlphabet) vocab[character] = 3 + Object.keys(vocab).length;
  for (const [left, right] of merges) vocab[left + right] = 3 + Object.keys(vocab).length;
  const special = (id: number, content: string) => ({ id, content, special: true, normalized: false });
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    added_tokens: [special(0, '<|pad|>'), special(1, '<|start|>'), special(2, '<|end|>')],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: { type: 'BPE', vocab, merges },
  };
}

export const tinyTokenizerConfig = { eos_token: '<|end|>', chat_template: tinyTemplate };
export const tinyVocabularySize = 3 + 256 + merges.length;
