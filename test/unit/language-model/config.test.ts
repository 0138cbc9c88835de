/** config.json: defaults of each family, refusals with a sentence, and the way back. */
import assert from 'node:assert/strict';
import { isHumanError } from '../../../src/base/errors.ts';
import { formatModelConfig, parseModelConfig } from '../../../src/language-model/config.ts';
import { ropeFrequencies } from '../../../src/language-model/layers.ts';
import type { LlamaConfig } from '../../../src/language-model/llamaConfig.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
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

const parseLlama = (json: unknown): LlamaConfig => {
  const config = parseModelConfig(json, 'config.json');
  assert.ok(config.modelType !== 'gpt2');
  return config;
};

describe('parseModelConfig', () => {
  it('reads SmolLM2', () => {
    const config = parseLlama(smol);
    assert.equal(config.headDim, 64);
    assert.equal(config.kvHeads, 3);
    assert.equal(config.ropeTheta, 100000);
    assert.deepEqual(config.eosTokenIds, [2]);
    assert.equal(config.qkvBias, false);
  });

  it('knows what families leave unsaid', () => {
    const { num_key_value_heads: _, ...many } = smol;
    assert.equal(parseLlama(many).kvHeads, 9);
    const qwen = parseLlama({ ...smol, model_type: 'qwen2', eos_token_id: [5, 6], sliding_window: 64 });
    assert.deepEqual([qwen.qkvBias, qwen.outputBias, qwen.eosTokenIds], [true, false, [5, 6]]);
  });

  it('reads rope_parameters, where newer versions of transformers keep the rotation', () => {
    const { rope_theta: _, ...rest } = smol;
    const plain = parseLlama({ ...rest, rope_parameters: { rope_type: 'default', rope_theta: 7 } });
    assert.deepEqual([plain.ropeTheta, plain.ropeScaling], [7, undefined]);
    const stretched = { rope_type: 'llama3', rope_theta: 5e5, factor: 32, original_max_position_embeddings: 8192 };
    const llama3 = parseLlama({ ...rest, rope_parameters: { ...stretched, low_freq_factor: 1, high_freq_factor: 4 } });
    assert.equal(llama3.ropeTheta, 5e5);
    assert.deepEqual(llama3.ropeScaling, {
      kind: 'llama3',
      factor: 32,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 8192,
    });
    const yarn = { ...rest, rope_parameters: { rope_type: 'yarn', rope_theta: 7, factor: 4 } };
    assert.throws(() => parseLlama(yarn), /“yarn” is not supported/);
  });

  it('reads GPT-2, whose fields have other names', () => {
    const config = parseModelConfig({ model_type: 'gpt2', bos_token_id: 50256, eos_token_id: 50256 }, 'f');
    assert.deepEqual(config, {
      modelType: 'gpt2',
      vocabSize: 50257,
      hiddenSize: 768,
      intermediateSize: 3072,
      layers: 12,
      heads: 12,
      kvHeads: 12,
      headDim: 64,
      layerNormEps: 1e-5,
      tieWordEmbeddings: true,
      maxPositions: 1024,
      initializerRange: 0.02,
      bosTokenId: 50256,
      eosTokenIds: [50256],
    });
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
      assert.deepEqual(parseModelConfig(JSON.parse(JSON.stringify(formatModelConfig(config))), 'f'), config);
    }
    const gpt2 = tinyGpt2Config({ n_inner: 24, tie_word_embeddings: false });
    assert.deepEqual(parseModelConfig(JSON.parse(JSON.stringify(formatModelConfig(gpt2))), 'f'), gpt2);
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
    'another activation of GPT-2': [{ model_type: 'gpt2', activation_function: 'relu' }, /relu/],
    'heads of GPT-2 that do not divide': [{ model_type: 'gpt2', n_head: 7 }, /multiple of n_head/],
    'another scaling of attention': [{ model_type: 'gpt2', scale_attn_by_inverse_layer_idx: true }, /only as false/],
    'a negative epsilon': [{ ...smol, rms_norm_eps: -1 }, /rms_norm_eps/],
  };
  for (const [name, [json, message]] of Object.entries(refused)) {
    it(`refuses ${name}, naming the file`, () => {
      assert.throws(
        () => parseModelConfig(json, 'models/x/config.json'),
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
