import assert from 'node:assert/strict';
import { formatModelConfig } from '../../../src/language-model/config.ts';
import { modelParameters } from '../../../src/language-model/model.ts';
import { openModelFolder, openModelGguf } from '../../../src/language-model/modelFiles.ts';
import { encodeSafetensors } from '../../../src/language-model/weights/safetensors.ts';
import { join, memoryFile, memoryFolder } from '../../fakes/memoryFile.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { tinyWeights } from '../../fakes/tinyLlama.ts';
import { tinyAdapterFiles, tinyModelConfig, tinyModelFiles, tinyModelGguf } from '../../fakes/tinyModel.ts';
import { tinyVocabularySize } from '../../fakes/tinyTokenizer.ts';

const config = tinyModelConfig();
const weights = tinyWeights(config);
const without = (name: string): Record<string, Uint8Array | string> => {
  const { [name]: _, ...rest } = tinyModelFiles();
  return rest;
};
const withJson = (name: string, json: unknown) => ({
  ...tinyModelFiles(),
  [name]: typeof json === 'string' ? json : JSON.stringify(json),
});
const configJson = JSON.parse(tinyModelFiles()['config.json'] as string) as Record<string, unknown>;

describe('model files', () => {
  for (const tied of [true, false]) {
    it(`are the same model as a folder and as GGUF, ${tied ? 'tied' : 'untied'}`, async () => {
      const config = tinyModelConfig({ tie_word_embeddings: tied, num_key_value_heads: 1, rms_norm_eps: 1e-6 });
      const weights = tinyWeights(config);
      const folder = await openModelFolder(memoryFolder(tinyModelFiles(config, weights)));
      const gguf = await openModelGguf(memoryFile(tinyModelGguf(config, weights)));
      for (const files of [folder, gguf]) {
        assert.deepEqual({ ...files.config, initializerRange: 0 }, { ...config, initializerRange: 0 });
        assert.equal(
          files.parameters,
          [...weights.values()].reduce((n, array) => n + array.length, 0),
        );
        const shares: number[] = [];
        const read = await files.readWeights({ onProgress: share => shares.push(share) });
        assert.deepEqual(read, weights);
        assert.equal(shares.at(-1), 1);
      }
    });
  }

  for (const [kind, strip] of [
    ['a whole model', (name: string) => name],
    ['a bare body', (name: string) => name.replace('transformer.', '')],
  ] as const) {
    it(`of GPT-2 are read with the names of ${kind}`, async () => {
      const config = tinyGpt2Config({ vocab_size: tinyVocabularySize });
      const weights = tinyWeights(config);
      const tensors = new Map(
        [...modelParameters(config)].map(([name, shape]) => [strip(name), { shape, values: weights.get(name)! }]),
      );
      const files = await openModelFolder(
        memoryFolder({
          ...tinyModelFiles(),
          'config.json': JSON.stringify(formatModelConfig(config)),
          'model.safetensors': join(...encodeSafetensors(tensors)),
        }),
      );
      assert.deepEqual(files.config, config);
      assert.deepEqual(await files.readWeights(), weights);
    });
  }

  it('stop being read when cancelled', async () => {
    const files = await openModelFolder(memoryFolder(tinyModelFiles()));
    const controller = new AbortController();
    const reading = files.readWeights({ signal: controller.signal, onProgress: () => controller.abort() });
    await assert.rejects(reading, { name: 'AbortError' });
  });

  const folders: readonly [string, Readonly<Record<string, Uint8Array | string>>, RegExp, string?][] = [
    ['nothing in it', {}, /no config\.json/],
    ['an adapter only', tinyAdapterFiles(), /holds an adapter/],
    ['no tokenizer', without('tokenizer.json'), /no tokenizer\.json/],
    ['no weights', without('model.safetensors'), /no model\.safetensors/],
    ['pickled weights', { ...without('model.safetensors'), 'pytorch_model.bin': 'x' }, /pickles/],
    ['a config that is no JSON', withJson('config.json', '{'), /not valid JSON/, '/folder/config.json'],
    ['a tokenizer that is no JSON', withJson('tokenizer.json', '{'), /not valid JSON/, '/folder/tokenizer.json'],
    [
      'another family',
      withJson('config.json', { ...configJson, model_type: 'gpt_neox' }),
      /gpt_neox/,
      '/folder/config.json',
    ],
    ['no layers', withJson('config.json', { ...configJson, num_hidden_layers: 0 }), /num_hidden_layers/],
    ['2^53 layers', withJson('config.json', { ...configJson, num_hidden_layers: 2 ** 53 }), /num_hidden_layers/],
    [
      'more layers than there are',
      withJson('config.json', { ...configJson, num_hidden_layers: 3 }),
      /“model\.layers\.2.*” is missing/,
    ],
    [
      'a wider state than the tensors have',
      withJson('config.json', { ...configJson, hidden_size: 32 }),
      /has the shape/,
    ],
    [
      'an untied head that is missing',
      withJson('config.json', { ...configJson, tie_word_embeddings: false }),
      /“lm_head\.weight” is missing/,
    ],
  ];
  for (const [what, files, message, place] of folders) {
    it(`refuse a folder with ${what}`, async () => {
      await assert.rejects(openModelFolder(memoryFolder(files)), error => {
        assert.ok(error instanceof Error);
        assert.equal(error.name, 'HumanError', String(error.stack));
        assert.match(error.message, message);
        if (place) assert.equal((error as { place?: { file?: string } }).place?.file, place);
        return true;
      });
    });
  }

  const u32 = (value: number) => ({ type: 'u32', value }) as const;
  const ggufs: readonly [string, Uint8Array, RegExp][] = [
    [
      'another family',
      tinyModelGguf(config, weights, { 'general.architecture': { type: 'string', value: 'mamba' } }),
      /“mamba”/,
    ],
    ['experts', tinyModelGguf(config, weights, { 'llama.expert_count': u32(8) }), /mixture-of-experts/],
    [
      'scaled positions',
      tinyModelGguf(config, weights, { 'llama.rope.scaling.type': { type: 'string', value: 'yarn' } }),
      /scales its positions/,
    ],
    ['no heads', tinyModelGguf(config, weights, { 'llama.attention.head_count': u32(0) }), /num_attention_heads/],
    [
      'heads that do not divide',
      tinyModelGguf(config, weights, { 'llama.attention.head_count': u32(3) }),
      /multiple|shape/,
    ],
    [
      'a width that is a text',
      tinyModelGguf(config, weights, { 'llama.embedding_length': { type: 'string', value: '16' } }),
      /llama\.embedding_length/,
    ],
    [
      'more layers than there are',
      tinyModelGguf(config, weights, { 'llama.block_count': u32(3) }),
      /“model\.layers\.2.*” is missing/,
    ],
    ['a million layers', tinyModelGguf(config, weights, { 'llama.block_count': u32(1e6) }), /num_hidden_layers/],
    [
      'another width than its tensors',
      tinyModelGguf(config, weights, { 'llama.feed_forward_length': u32(16) }),
      /has the shape/,
    ],
  ];
  for (const [what, bytes, message] of ggufs) {
    it(`refuse a GGUF file with ${what}`, async () => {
      await assert.rejects(openModelGguf(memoryFile(bytes)), { name: 'HumanError', message });
    });
  }
});
