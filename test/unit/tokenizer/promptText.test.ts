import assert from 'node:assert/strict';
import { encodePromptText } from '../../../src/tokenizer/promptText.ts';
import { createTokenizer } from '../../../src/tokenizer/tokenizer.ts';
import { encodePrompt } from '../../../src/training/promptTokens.ts';
import { tinyTokenizerConfig, tinyTokenizerJson } from '../../fakes/tinyTokenizer.ts';

const tokenizer = (config: unknown) =>
  createTokenizer({ kind: 'huggingface', path: 'tokenizer.json', tokenizer: tinyTokenizerJson(), config });
const chat = tokenizer(tinyTokenizerConfig);
const base = tokenizer({ eos_token: '<|end|>' });
const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'hello' },
] as const;

describe('what a model is given', () => {
  it('a chat model: its template, up to the start of the answer', () => {
    const { text, begin } = encodePromptText(chat, { kind: 'messages', messages });
    assert.equal(text, '<|start|>system\nBe brief.<|end|>\n<|start|>user\nhello<|end|>\n<|start|>assistant\n');
    assert.equal(begin, false);
  });

  it('a base model: the contents, of which it continues the last', () => {
    const { text, begin } = encodePromptText(base, { kind: 'messages', messages });
    assert.equal(text, 'Be brief.\n\nhello');
    assert.equal(begin, true);
  });

  it('is the same in training', () => {
    for (const model of [chat, base]) {
      for (const continueLast of [false, true]) {
        const prompt = { kind: 'messages', messages, continueLast } as const;
        assert.deepEqual(encodePrompt(model, prompt), encodePromptText(model, prompt).ids);
      }
      const plain = { kind: 'text', text: 'hello' } as const;
      assert.deepEqual(encodePrompt(model, plain), encodePromptText(model, plain).ids);
    }
  });
});
