/** LoRA: names and shapes of PEFT, the fresh adapter, merging, and adapter_config.json. */
import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { initialLora, loraParameters, loraScale, loraTargets, mergeLora } from '../../../src/language-model/lora.ts';
import { referenceModel } from '../../fakes/referenceModel.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { tinyConfig, tinyWeights } from '../../fakes/tinyLlama.ts';

const config = tinyConfig({ num_hidden_layers: 1 });

describe('lora', () => {
  it('names and shapes weights as PEFT does', () => {
    const shapes = loraParameters(config, { r: 3, alpha: 6, targetModules: ['q_proj', 'k_proj'] });
    assert.deepEqual(
      [...shapes],
      [
        ['base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight', [3, 16]],
        ['base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight', [16, 3]],
        ['base_model.model.model.layers.0.self_attn.k_proj.lora_A.weight', [3, 16]],
        ['base_model.model.model.layers.0.self_attn.k_proj.lora_B.weight', [8, 3]],
      ],
    );
    assert.equal(loraParameters(config, { r: 1, alpha: 1, targetModules: 'all-linear' }).size, 14);
    assert.equal(loraParameters(config, { r: 1, alpha: 1, targetModules: ['all-linear'] }).size, 14);
  });

  it('starts with A within ±1/√in and B zero', () => {
    const weights = initialLora(config, { r: 8, alpha: 8, targetModules: ['down_proj'] }, Rng.seeded(1));
    const [a, b] = [...weights.values()] as [Float32Array, Float32Array];
    const bound = 1 / Math.sqrt(24);
    assert.ok(a.every(value => Math.abs(value) <= bound));
    assert.ok(a.some(value => value > bound * 0.8) && a.some(value => value < -bound * 0.8));
    assert.ok(b.every(value => value === 0));
  });

  it('scales by alpha/r, or alpha/√r for rsLoRA', () => {
    assert.equal(loraScale({ r: 4, alpha: 8 }), 2);
    assert.equal(loraScale({ r: 4, alpha: 8, useRslora: true }), 4);
  });

  it('gives some layers their own rank and alpha, the first pattern that fits the end of the path', () => {
    const model = tinyConfig();
    const targets = loraTargets(model, {
      r: 4,
      alpha: 8,
      targetModules: ['q_proj', 'k_proj', 'up_proj'],
      rankPattern: { 'layers.1.self_attn.q_proj': 2, q_proj: 16, proj: 99, '^self_attn.k_proj': 99 },
      alphaPattern: { '.*(k|up)_proj': 1, 'model.layers.0.mlp.up_proj': 99, 'odel.layers.0.self_attn.q_proj': 99 },
    });
    assert.deepEqual(
      targets.map(({ path, r, scale }) => [path.replace(/model\.layers\.|self_attn\.|mlp\./g, ''), r, scale]),
      [
        ['0.q_proj', 16, 0.5],
        ['0.k_proj', 4, 0.25],
        ['0.up_proj', 4, 0.25],
        ['1.q_proj', 2, 4],
        ['1.k_proj', 4, 0.25],
        ['1.up_proj', 4, 0.25],
      ],
    );
    const rooted = { r: 4, alpha: 8, targetModules: ['q_proj'], useRslora: true, rankPattern: { q_proj: 16 } };
    assert.deepEqual(
      loraTargets(model, rooted).map(({ r, scale }) => [r, scale]),
      [
        [16, 2],
        [16, 2],
      ],
    );
  });

  const merged = {
    Llama: { config, targetModules: ['q_proj', 'up_proj'] },
    'GPT-2': { config: tinyGpt2Config({ n_layer: 1 }), targetModules: ['c_attn', 'mlp.c_proj'] },
  };
  for (const [name, { config, targetModules }] of Object.entries(merged)) {
    it(`merges into weights that compute the same: ${name}`, () => {
      const lora = { r: 2, alpha: 3, targetModules };
      const rng = Rng.seeded(2);
      const adapter = initialLora(config, lora, rng);
      for (const data of adapter.values()) for (let i = 0; i < data.length; i++) data[i]! += rng.normal() * 0.3;
      const weights = tinyWeights(config);
      const ids = [3, 1, 4, 1, 5];
      const apart = referenceModel(config, weights, ids, { weights: adapter, scale: 1.5 }).logits;
      const merged = referenceModel(config, mergeLora(config, weights, lora, adapter), ids).logits;
      for (const [t, row] of apart.entries()) {
        for (const [i, value] of row.entries()) assert.ok(Math.abs(merged[t]![i]! - value) < 1e-4);
      }
    });
  }

  it('refuses a module that the model does not have', () => {
    assert.throws(
      () => loraParameters(config, { r: 1, alpha: 1, targetModules: ['c_attn'] }),
      /no layer “c_attn”.*q_proj/,
    );
    assert.throws(() => loraParameters(config, { r: 0, alpha: 1, targetModules: ['q_proj'] }), /rank of an adapter/);
  });
});
