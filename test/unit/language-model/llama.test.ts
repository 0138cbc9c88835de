/** The Llama graph against a plain float64 forward pass, for each shape of model that the family has. */
import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { mean, neg } from '../../../src/engine/index.ts';
import { modelParameters } from '../../../src/language-model/model.ts';
import { createTrainingProgram, predictFrom } from '../../../src/language-model/trainable.ts';
import { referenceLlama, referenceLogProbs } from '../../fakes/referenceLlama.ts';
import { randomIds, tinyConfig, tinyWeights } from '../../fakes/tinyLlama.ts';

const models: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'grouped queries, tied head': {},
  'one key head for each query head, untied head': { num_key_value_heads: 4, tie_word_embeddings: false },
  'a single key head': { num_key_value_heads: 1 },
  'heads wider than hidden/heads': { head_dim: 8 },
  'biases on queries, keys and values (Qwen2)': { model_type: 'qwen2' },
  'biases everywhere, another rope_theta': { attention_bias: true, mlp_bias: true, rope_theta: 500 },
};

describe('llama', () => {
  for (const [name, changes] of Object.entries(models)) {
    it(`agrees with a plain forward pass: ${name}`, async () => {
      const config = tinyConfig(changes);
      const weights = tinyWeights(config);
      const ids = randomIds(Rng.seeded(3), [9, 4, 12], config.vocabSize);
      const program = await createTrainingProgram({
        config,
        weights,
        head: 'lm',
        trainable: { kind: 'full' },
        inputs: {},
        loss: (_, out) => ({ loss: neg(mean(out.logProbs)) }),
        optimizer: {},
        threads: 1,
      });
      const predictions = predictFrom(ids, [1, 1, 1]);
      const { rows, loss } = await program.forward({ ids, predictions });
      await program.dispose();
      const expected = ids.flatMap(sequence =>
        referenceLogProbs(referenceLlama(config, weights, sequence).logits, sequence),
      );
      assert.equal(rows.logProbs!.length, expected.length);
      for (const [n, value] of expected.entries()) {
        assert.ok(Math.abs(rows.logProbs![n]! - value) < 1e-4, `token ${n}: ${rows.logProbs![n]} against ${value}`);
      }
      const average = expected.reduce((a, b) => a + b) / expected.length;
      assert.ok(Math.abs(loss + average) < 1e-4);
      for (const entropy of rows.entropy!) assert.ok(entropy > 0 && entropy <= Math.log(config.vocabSize) + 1e-6);
    });
  }

  it('names its weights as transformers does', () => {
    const names = [...modelParameters(tinyConfig({ num_hidden_layers: 1, tie_word_embeddings: false })).entries()];
    assert.deepEqual(
      names.map(([name, shape]) => `${name} ${shape.join('×')}`),
      [
        'model.embed_tokens.weight 23×16',
        'model.layers.0.input_layernorm.weight 16',
        'model.layers.0.self_attn.q_proj.weight 16×16',
        'model.layers.0.self_attn.k_proj.weight 8×16',
        'model.layers.0.self_attn.v_proj.weight 8×16',
        'model.layers.0.self_attn.o_proj.weight 16×16',
        'model.layers.0.post_attention_layernorm.weight 16',
        'model.layers.0.mlp.gate_proj.weight 24×16',
        'model.layers.0.mlp.up_proj.weight 24×16',
        'model.layers.0.mlp.down_proj.weight 16×24',
        'model.norm.weight 16',
        'lm_head.weight 23×16',
      ],
    );
  });
});
