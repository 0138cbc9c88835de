import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { embed } from '../../../src/language-model/embed.ts';
import { createGenerator } from '../../../src/language-model/generate.ts';
import { referenceModel } from '../../fakes/referenceModel.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { randomIds, tinyConfig, tinyWeights } from '../../fakes/tinyLlama.ts';

const lengths = [7, 1, 30, 12, 12, 3, 530];
const models = [
  tinyConfig({ vocab_size: 67, max_position_embeddings: 600 }),
  tinyGpt2Config({ vocab_size: 67, n_positions: 600 }),
];

describe('embed', () => {
  for (const config of models) {
    it(`averages hidden states to vectors of length 1: ${config.modelType}`, async () => {
      const weights = tinyWeights(config);
      const texts = randomIds(Rng.seeded(3), lengths, config.vocabSize);
      const generator = await createGenerator({ config, weights, threads: 1 });
      try {
        const together = await embed(generator.decoder, texts);
        for (const [i, text] of texts.entries()) {
          const { hidden } = referenceModel(config, weights, text);
          const mean = hidden[0]!.map((_, d) => hidden.reduce((sum, state) => sum + state[d]!, 0) / text.length);
          const length = Math.hypot(...mean);
          mean.forEach((x, d) => {
            assert.ok(Math.abs(x / length - together[i]![d]!) < 1e-4, `text ${i}, ${d}: ${together[i]![d]}`);
          });
          const [alone] = await embed(generator.decoder, [text]);
          alone!.forEach((x, d) => {
            assert.ok(Math.abs(x - together[i]![d]!) < 1e-5);
          });
        }
      } finally {
        await generator.dispose();
      }
    });
  }

  it('refuses texts that it cannot run, and stops when it is told to', async () => {
    const config = tinyConfig({ max_position_embeddings: 8 });
    const generator = await createGenerator({ config, weights: tinyWeights(config), threads: 1 });
    try {
      await assert.rejects(embed(generator.decoder, [[]]), RangeError);
      await assert.rejects(embed(generator.decoder, [new Array<number>(9).fill(1)]), RangeError);
      await assert.rejects(embed(generator.decoder, [[1]], { signal: AbortSignal.abort() }), /abort/i);
      assert.deepEqual(await embed(generator.decoder, []), []);
    } finally {
      await generator.dispose();
    }
  });
});
