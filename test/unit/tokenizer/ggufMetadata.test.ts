/** tokenizer.json as GGUF metadata: the same tokens again, and refusals where llama.cpp would split text differently. */
import assert from 'node:assert/strict';
import { ggufTokenizerMetadata, type TokenizerEntry } from '../../../src/tokenizer/ggufMetadata.ts';
import { preTokenizers } from '../../../src/tokenizer/preTokenizers.ts';
import { createTokenizer } from '../../../src/tokenizer/tokenizer.ts';
import { tinyTokenizerConfig, tinyTokenizerJson, tinyVocabularySize } from '../../fakes/tinyTokenizer.ts';

const source = (changes: Readonly<Record<string, unknown>> = {}, config: Readonly<Record<string, unknown>> = {}) => ({
  kind: 'huggingface' as const,
  path: 'tokenizer.json',
  tokenizer: { ...tinyTokenizerJson(), ...changes },
  config: { ...tinyTokenizerConfig, ...config },
});
/** Lists as a reader of GGUF gives them. */
const asRead = (metadata: ReadonlyMap<string, TokenizerEntry>): Map<string, unknown> =>
  new Map([...metadata].map(([key, value]) => [key, ArrayBuffer.isView(value) ? Array.from(value) : value]));

describe('GGUF metadata of a tokenizer', () => {
  const text = 'hello hello, naïve 日本 <|start|>user\n12 ½';

  it('gives the same tokens, special ones and the chat template', () => {
    const before = createTokenizer(source());
    const metadata = ggufTokenizerMetadata(source(), tinyVocabularySize + 3);
    const after = createTokenizer({ kind: 'gguf', path: 'a.gguf', metadata: asRead(metadata) });
    assert.deepEqual(after.encode(text), before.encode(text));
    assert.deepEqual(after.endIds, before.endIds);
    assert.equal(after.chatTemplate?.source, before.chatTemplate?.source);
    assert.equal(after.isSpecial(1), true);
    const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
    assert.equal(tokens.length, tinyVocabularySize + 3);
    assert.equal(tokens.at(-1), `[PAD${tinyVocabularySize + 2}]`);
    assert.deepEqual([...(metadata.get('tokenizer.ggml.token_type') as Int32Array).slice(0, 4)], [3, 3, 3, 1]);
    assert.equal(metadata.get('tokenizer.ggml.add_bos_token'), false);
  });

  it('says that a text begins with a token where tokenizer.json does', () => {
    const template = {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<|start|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    };
    for (const processor of [template, { type: 'Sequence', processors: [{ type: 'ByteLevel' }, template] }]) {
      const metadata = ggufTokenizerMetadata(source({ post_processor: processor }), tinyVocabularySize);
      assert.equal(metadata.get('tokenizer.ggml.add_bos_token'), true);
      assert.equal(metadata.get('tokenizer.ggml.bos_token_id'), 1);
    }
  });

  for (const [name, { preTokenizer, normalizer = null, ignoreMerges = false }] of Object.entries(preTokenizers)) {
    it(`knows ${name} by how it splits text`, () => {
      const model = { ...(tinyTokenizerJson().model as object), ignore_merges: ignoreMerges };
      const metadata = ggufTokenizerMetadata(
        source({ pre_tokenizer: preTokenizer, normalizer, model }),
        tinyVocabularySize,
      );
      assert.equal(metadata.get('tokenizer.ggml.pre'), name);
    });
  }

  it('is kept from another GGUF file, with the types of its lists', () => {
    const first = ggufTokenizerMetadata(source(), tinyVocabularySize);
    const read = asRead(first).set('general.name', 'x').set('tokenizer.ggml.scores', [0.5]);
    const second = ggufTokenizerMetadata({ kind: 'gguf', path: 'a.gguf', metadata: read }, tinyVocabularySize);
    assert.deepEqual(second, new Map([...first, ['tokenizer.ggml.scores', Float32Array.of(0.5)]]));
  });

  const refused: Readonly<Record<string, readonly [Record<string, unknown>, RegExp]>> = {
    'another way of splitting': [{ pre_tokenizer: { type: 'Whitespace' } }, /no name for the way/],
    'another kind of model': [{ model: { type: 'WordPiece', vocab: {} } }, /byte-level BPE/],
    'bytes instead of unknown characters': [
      { model: { ...(tinyTokenizerJson().model as object), byte_fallback: true } },
      /byte-level BPE/,
    ],
  };
  for (const [name, [changes, message]] of Object.entries(refused)) {
    it(`is refused for ${name}`, () => {
      assert.throws(() => ggufTokenizerMetadata(source(changes), tinyVocabularySize), { name: 'HumanError', message });
    });
  }
});
