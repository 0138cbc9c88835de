/** PEFT folders: what is read, what takes the place of the model's own weights, what is refused. */
import assert from 'node:assert/strict';
import { modelParameters } from '../../../src/language-model/model.ts';
import { openAdapter, withReplaced } from '../../../src/language-model/openAdapter.ts';
import { memoryFolder } from '../../fakes/memoryFile.ts';
import { tinyWeights } from '../../fakes/tinyLlama.ts';
import { tinyAdapterFiles, tinyLora, tinyModelConfig } from '../../fakes/tinyModel.ts';

const config = tinyModelConfig();
const weights = tinyWeights(config);
const base = 'base_model.model';
const whole = [config.vocabSize, config.hiddenSize];

describe('an adapter', () => {
  it('is read with the shapes of its model', async () => {
    const adapter = await openAdapter(memoryFolder(tinyAdapterFiles()), config);
    assert.deepEqual(adapter.config, tinyLora);
    assert.equal(adapter.base, 'tiny');
    assert.equal(adapter.weights.size, 2 * 2 * config.layers);
    assert.equal(adapter.score, undefined);
    assert.equal(adapter.replaced.size, 0);
    const reward = tinyAdapterFiles(config, { tensors: { 'base_model.model.score.weight': [1, config.hiddenSize] } });
    assert.equal((await openAdapter(memoryFolder(reward), config)).score?.length, config.hiddenSize);
  });

  it('may say its targets by a pattern: then the matrices in its file count', async () => {
    for (const changes of [
      { target_modules: '.*proj' },
      { layers_to_transform: [0] },
      { exclude_modules: ['k_proj'] },
    ]) {
      const tensors = Object.fromEntries(
        ['q_proj', 'down_proj'].flatMap(name => {
          const path = `${base}.model.layers.1.${name === 'q_proj' ? 'self_attn' : 'mlp'}.${name}`;
          return [`${path}.lora_A.weight`, `${path}.lora_B.weight`].map(key => [key, undefined] as const);
        }),
      );
      const adapter = await openAdapter(memoryFolder(tinyAdapterFiles(config, { config: changes, tensors })), config);
      const first = ['mlp.down_proj', 'self_attn.q_proj'].map(name => `model.layers.0.${name}`);
      assert.deepEqual([...adapter.config.targetModules].sort(), first);
      assert.equal(adapter.weights.size, 4);
    }
  });

  it('may bring matrices whole, which take the place of the model’s own', async () => {
    const tensors = { [`${base}.lm_head.weight`]: whole, [`${base}.model.norm.weight`]: [config.hiddenSize] };
    const { replaced } = await openAdapter(memoryFolder(tinyAdapterFiles(config, { tensors })), config);
    assert.deepEqual([...replaced.keys()], ['lm_head.weight', 'model.norm.weight']);
    const model = withReplaced(config, weights, replaced);
    assert.equal(model.config.tieWordEmbeddings, false);
    assert.deepEqual([...model.weights.keys()].sort(), [...modelParameters(model.config).keys()].sort());
    assert.equal(model.weights.get('lm_head.weight'), replaced.get('lm_head.weight'));
    assert.equal(model.weights.get('model.embed_tokens.weight'), weights.get('model.embed_tokens.weight'));
    assert.equal(model.weights.get('model.norm.weight'), replaced.get('model.norm.weight'));
  });

  it('that brings new embeddings leaves the output matrix of a tied model what it was', () => {
    const fresh = new Float32Array(config.vocabSize * config.hiddenSize);
    const model = withReplaced(config, weights, new Map([['model.embed_tokens.weight', fresh]]));
    assert.equal(model.weights.get('lm_head.weight'), weights.get('model.embed_tokens.weight'));
    assert.equal(model.weights.get('model.embed_tokens.weight'), fresh);
  });

  const first = 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight';
  const adapters: readonly [string, Readonly<Record<string, Uint8Array | string>>, RegExp][] = [
    ['no configuration', {}, /no adapter_config\.json/],
    ['no weights', { 'adapter_config.json': '{}' }, /no adapter_model\.safetensors/],
    ['another method', tinyAdapterFiles(config, { config: { peft_type: 'IA3' } }), /IA3/],
    ['another rank', tinyAdapterFiles(config, { config: { r: 3 } }), /has the shape/],
    ['a missing matrix', tinyAdapterFiles(config, { tensors: { [first]: undefined } }), /is missing/],
    [
      'a matrix too many',
      tinyAdapterFiles(config, { tensors: { 'base_model.model.model.norm.lora_A.weight': [2, 2] } }),
      /model\.norm/,
    ],
    ['a layer of another model', tinyAdapterFiles(config, { config: { target_modules: ['c_attn'] } }), /c_attn/],
    [
      'an output matrix of another vocabulary',
      tinyAdapterFiles(config, { tensors: { [`${base}.lm_head.weight`]: [3, 16] } }),
      /has the shape/,
    ],
    [
      'low-rank embeddings',
      tinyAdapterFiles(config, { tensors: { [`${base}.model.embed_tokens.lora_embedding_A`]: [2, 16] } }),
      /lora_embedding_A/,
    ],
    [
      'tied embeddings that are trained as one',
      tinyAdapterFiles(config, {
        config: { ensure_weight_tying: true },
        tensors: { [`${base}.lm_head.weight`]: whole },
      }),
      /ensure_weight_tying/,
    ],
    ['magnitudes of DoRA', tinyAdapterFiles(config, { config: { use_dora: true } }), /use_dora/],
  ];
  for (const [what, files, message] of adapters) {
    it(`is refused with ${what}`, async () => {
      await assert.rejects(openAdapter(memoryFolder(files), config), { name: 'HumanError', message });
    });
  }
});
