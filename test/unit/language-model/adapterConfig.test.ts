/** adapter_config.json: there and back, and what is refused. */
import assert from 'node:assert/strict';
import { formatAdapterConfig, parseAdapterConfig } from '../../../src/language-model/adapterConfig.ts';
import type { ModelConfig } from '../../../src/language-model/config.ts';
import type { LoraConfig } from '../../../src/language-model/lora.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { tinyConfig } from '../../fakes/tinyLlama.ts';

const format = (lora: LoraConfig, model: ModelConfig = tinyConfig()) =>
  JSON.parse(JSON.stringify(formatAdapterConfig(lora, { base: 'pebble', taskType: 'CAUSAL_LM', model })));
const plain: LoraConfig = { r: 2, alpha: 3, targetModules: ['q_proj'] };

describe('adapter_config.json', () => {
  it('comes back as it was written', () => {
    const all: LoraConfig = {
      ...plain,
      useRslora: true,
      rankPattern: { 'layers.0.self_attn.q_proj': 4 },
      alphaPattern: { '^model.layers.1.*': 16 },
    };
    for (const lora of [plain, all]) assert.deepEqual(parseAdapterConfig(format(lora), 'a.json'), lora);
  });

  it('names the layers of the base’s family, and how it stores them', () => {
    const gpt2 = format({ ...plain, targetModules: 'all-linear' }, tinyGpt2Config());
    assert.equal(gpt2.fan_in_fan_out, true);
    assert.deepEqual(gpt2.target_modules, ['c_attn', 'c_proj', 'c_fc']);
    assert.equal(format(plain).fan_in_fan_out, false);
  });

  const refused: Readonly<Record<string, readonly [Record<string, unknown>, RegExp]>> = {
    'another method': [{ peft_type: 'IA3' }, /IA3/],
    'no rank': [{ r: 0 }, /r has to be/],
    'alpha that is no number': [{ lora_alpha: '8' }, /lora_alpha/],
    DoRA: [{ use_dora: true }, /use_dora/],
    'trained biases': [{ bias: 'lora_only' }, /bias/],
    'a beginning taken out of the base': [{ init_lora_weights: 'pissa_niter_4' }, /pissa_niter_4/],
    'no layers': [{ target_modules: [] }, /target_modules/],
    'a pattern of layers without its matrices': [{ target_modules: '.*q' }, /target_modules/],
    'a rank that is none': [{ rank_pattern: { q_proj: 0.5 } }, /rank_pattern.*“q_proj”/],
    'a list of ranks': [{ rank_pattern: [1] }, /rank_pattern has to be a JSON object/],
    'a pattern that is no regular expression': [{ alpha_pattern: { 'q_proj(': 1 } }, /“q_proj\(”/],
    'a pattern without end': [{ rank_pattern: { '(a+)+b': 1 } }, /not supported/],
    'a pattern that is a book': [{ rank_pattern: { ['q'.repeat(300)]: 1 } }, /not supported/],
  };
  for (const [name, [changes, message]] of Object.entries(refused)) {
    it(`is refused with ${name}`, () => {
      assert.throws(() => parseAdapterConfig({ ...format(plain), ...changes }, 'a.json'), {
        name: 'HumanError',
        message,
      });
    });
  }
});
