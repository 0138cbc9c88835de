/** config.json: defaults of each family, refusals with a sentence, and the way back. */
import assert from 'node:assert/strict';
import { isHumanError } from '../../../src/base/errors.ts';
import { formatLlamaConfig, parseLlamaConfig } from '../../../src/language-model/config.ts';
import { ropeFrequencies } from '../../../src/language-model/layers.ts';
import { tinyConfig } from '../../fakes/tinyLlama.ts';

const smol = {
  model_type: 'llama',
  vocab_size: 49152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 100000,
  tie_word_embeddings: true,
  eos_token_id: 2,
};

describe('parseLlamaConfig', () => {
  it('reads SmolLM2', () => {
    const config = parseLlamaConfig(smol, 'config.json');
    assert.equal(config.headDim, 64);
    assert.equal(config.kvHeads, 3);
    assert.equal(config.ropeTheta, 100000);
    assert.deepEqual(config.eosTokenIds, [2]);
    assert.equal(config.qkvBias, false);
  });

  it('knows what families leave unsaid', () => {
    const { num_key_value_heads: _, ...many } = smol;
    assert.equal(parseLlamaConfig(many, 'f').kvHeads, 9);
    const qwen = parseLlamaConfig({ ...smol, model_type: 'qwen2', eos_token_id: [5, 6] }, 'f');
    assert.deepEqual([qwen.qkvBias, qwen.outputBias, qwen.eosTokenIds], [true, false, [5, 6]]);
    assert.equal(
      parseLlamaConfig({ ...smol, rope_theta: undefined, rope_parameters: { rope_theta: 7 } }, 'f').ropeTheta,
      7,
    );
  });

  it('comes back from what it writes', () => {
    const llama3 = {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    };
    for (const changes of [{}, { attention_bias: true }, { rope_scaling: llama3 }, { model_type: 'qwen2' }]) {
      const config = tinyConfig(changes);
      assert.deepEqual(parseLlamaConfig(JSON.parse(JSON.stringify(formatLlamaConfig(config))), 'f'), config);
    }
  });

  const refused: Readonly<Record<string, readonly [unknown, RegExp]>> = {
    'no object': [[], /no model configuration/],
    'another family': [{ ...smol, model_type: 'gpt_neox' }, /“gpt_neox” are not supported/],
    'no family': [{ ...smol, model_type: undefined }, /unknown/],
    'no size': [{ ...smol, hidden_size: undefined }, /hidden_size has to be a whole number/],
    'a hostile size': [{ ...smol, vocab_size: 2 ** 53 }, /vocab_size/],
    'heads that do not divide': [{ ...smol, num_key_value_heads: 2 }, /multiple of num_key_value_heads/],
    'an odd head': [{ ...smol, head_dim: 7 }, /even/],
    'a hidden size that does not divide': [{ ...smol, hidden_size: 577 }, /multiple of num_attention_heads/],
    'another activation': [{ ...smol, hidden_act: 'gelu' }, /gelu/],
    'a sliding window': [{ ...smol, sliding_window: 512 }, /sliding window/],
    'unknown scaling': [{ ...smol, rope_scaling: { type: 'yarn', factor: 2 } }, /yarn/],
    'a negative epsilon': [{ ...smol, rms_norm_eps: -1 }, /rms_norm_eps/],
  };
  for (const [name, [json, message]] of Object.entries(refused)) {
    it(`refuses ${name}, naming the file`, () => {
      assert.throws(
        () => parseLlamaConfig(json, 'models/x/config.json'),
        (error: unknown) =>
          isHumanError(error) && message.test(error.message) && error.place.file === 'models/x/config.json',
      );
    });
  }

  it('stretches slow rotations as Llama 3 does', () => {
    const scaling = {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    };
    const plain = ropeFrequencies(tinyConfig({ head_dim: 16 }));
    const scaled = ropeFrequencies(tinyConfig({ head_dim: 16, rope_scaling: scaling }));
    assert.equal(scaled[0], plain[0]);
    assert.equal(scaled.at(-1), plain.at(-1)! / 8);
    // Wavelength 19.87 lies between 64/4 and 64/1: smooth = (64/19.87 − 1)/3.
    const smooth = (64 / ((2 * Math.PI) / plain[1]!) - 1) / 3;
    assert.ok(smooth > 0 && smooth < 1);
    assert.ok(Math.abs(scaled[1]! - plain[1]! * (smooth + (1 - smooth) / 8)) < 1e-12);
  });
});
