/** The GPT-2 graph against a plain float64 forward pass; the names of its weights. */
import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { mean, neg } from '../../../src/engine/index.ts';
import { linearLayers, modelParameters } from '../../../src/language-model/model.ts';
import { createTrainingProgram, predictFrom } from '../../../src/language-model/trainable.ts';
import { referenceGpt2 } from '../../fakes/referenceGpt2.ts';
import { referenceLogProbs } from '../../fakes/referenceLlama.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { randomIds, tinyWeights } from '../../fakes/tinyLlama.ts';

const models: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'tied head': {},
  'untied head, another epsilon': { tie_word_embeddings: false, layer_norm_epsilon: 0.1 },
  'a narrow feed-forward layer': { n_inner: 24 },
};

describe('gpt2', () => {
  for (const [name, changes] of Object.entries(models)) {
    it(`agrees with a plain forward pass: ${name}`, async () => {
      const config = tinyGpt2Config(changes);
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
      const { rows } = await program.forward({ ids, predictions: predictFrom(ids, [1, 1, 1]) });
      await program.dispose();
      const expected = ids.flatMap(sequence =>
        referenceLogProbs(referenceGpt2(config, weights, sequence).logits, sequence),
      );
      assert.equal(rows.logProbs!.length, expected.length);
      for (const [n, value] of expected.entries()) {
        assert.ok(Math.abs(rows.logProbs![n]! - value) < 1e-4, `token ${n}: ${rows.logProbs![n]} against ${value}`);
      }
    });
  }

  it('names its weights as transformers does, with matrices as (in, out)', () => {
    const names = [...modelParameters(tinyGpt2Config({ n_layer: 1, tie_word_embeddings: false }))];
    assert.deepEqual(
      names.map(([name, shape]) => `${name} ${shape.join('×')}`),
      [
        'transformer.wte.weight 23×16',
        'transformer.wpe.weight 32×16',
        'transformer.h.0.ln_1.weight 16',
        'transformer.h.0.ln_1.bias 16',
        'transformer.h.0.attn.c_attn.weight 16×48',
        'transformer.h.0.attn.c_attn.bias 48',
        'transformer.h.0.attn.c_proj.weight 16×16',
        'transformer.h.0.attn.c_proj.bias 16',
        'transformer.h.0.ln_2.weight 16',
        'transformer.h.0.ln_2.bias 16',
        'transformer.h.0.mlp.c_fc.weight 16×64',
        'transformer.h.0.mlp.c_fc.bias 64',
        'transformer.h.0.mlp.c_proj.weight 64×16',
        'transformer.h.0.mlp.c_proj.bias 16',
        'transformer.ln_f.weight 16',
        'transformer.ln_f.bias 16',
        'lm_head.weight 23×16',
      ],
    );
    assert.deepEqual(
      [...linearLayers(tinyGpt2Config({ n_layer: 1 }))],
      [
        ['transformer.h.0.attn.c_attn', [16, 48]],
        ['transformer.h.0.attn.c_proj', [16, 16]],
        ['transformer.h.0.mlp.c_fc', [16, 64]],
        ['transformer.h.0.mlp.c_proj', [64, 16]],
      ],
    );
  });
});
