/** LoRA: names and shapes of PEFT, the fresh adapter, merging, and adapter_config.json. */
import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import type { ModelConfig } from '../../../src/language-model/config.ts';
import {
  formatAdapterConfig,
  initialLora,
  type LoraConfig,
  loraParameters,
  loraScale,
  mergeLora,
  parseAdapterConfig,
} from '../../../src/language-model/lora.ts';
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
    assert.equal(loraScale({ r: 4, alpha: 8, targetModules: [] }), 2);
    assert.equal(loraScale({ r: 4, alpha: 8, targetModules: [], useRslora: true }), 4);
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
      const apart = referenceModel(config, weights, ids, { weights: adapter, r: 2, scale: 1.5 }).logits;
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

  it('reads back its own adapter_config.json, and refuses what it would compute wrongly', () => {
    const lora = { r: 2, alpha: 3, targetModules: ['q_proj'], useRslora: true };
    const format = (lora: LoraConfig, model: ModelConfig) =>
      JSON.parse(JSON.stringify(formatAdapterConfig(lora, { base: 'pebble', taskType: 'CAUSAL_LM', model })));
    const json = format(lora, config);
    assert.deepEqual(parseAdapterConfig(json, 'a.json'), lora);
    const gpt2 = format({ ...lora, targetModules: 'all-linear' }, tinyGpt2Config());
    assert.equal(gpt2.fan_in_fan_out, true);
    assert.deepEqual(gpt2.target_modules, ['c_attn', 'c_proj', 'c_fc']);
    assert.throws(() => parseAdapterConfig({ ...json, use_dora: true }, 'a.json'), /use_dora/);
    assert.throws(() => parseAdapterConfig({ ...json, peft_type: 'IA3' }, 'a.json'), /IA3/);
    assert.throws(() => parseAdapterConfig({ ...json, r: 0 }, 'a.json'), /r has to be/);
  });
});
