import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { createGenerator, type Generator } from '../../../src/language-model/generate.ts';
import { type ScoreItem, score } from '../../../src/language-model/score.ts';
import { referenceLogProbs } from '../../fakes/referenceLlama.ts';
import { referenceModel } from '../../fakes/referenceModel.ts';
import { randomIds, tinyConfig, tinyWeights } from '../../fakes/tinyLlama.ts';

const config = tinyConfig({ vocab_size: 67, max_position_embeddings: 1200 });
const weights = tinyWeights(config);
const ids = (length: number, seed: number): number[] => randomIds(Rng.seeded(seed), [length], config.vocabSize)[0]!;

const prefix = ids(9, 1);
const long = ids(600, 2);
/** Alone and shared prefixes, short and long, nothing to score, one token, more rows than run at once. */
const items: readonly ScoreItem[] = [
  { prefix, continuation: ids(4, 3) },
  { prefix: [5], continuation: ids(1, 4) },
  { prefix, continuation: ids(7, 5) },
  { prefix: ids(20, 6), continuation: [] },
  { prefix: ids(3, 7), continuation: ids(2, 8) },
  { prefix, continuation: [] },
  { prefix: [5], continuation: ids(70, 9) },
  { prefix: long, continuation: ids(3, 10) },
  { prefix: long, continuation: ids(66, 11) },
  { prefix: ids(2, 12), continuation: ids(150, 13) },
  ...Array.from({ length: 30 }, (_, i) => ({ prefix: ids(1 + i, 20 + i), continuation: ids(1 + (i % 5), 60 + i) })),
];

describe('score', () => {
  let generator: Generator;
  before(async () => {
    generator = await createGenerator({ config, weights, threads: 1 });
  });
  after(() => generator.dispose());

  it('has the log-probs of a float64 forward pass, whatever the items share', async () => {
    const scored = await score(generator, items);
    items.forEach(({ prefix, continuation }, i) => {
      const all = [...Array.from(prefix), ...Array.from(continuation)];
      const expected = referenceLogProbs(referenceModel(config, weights, all).logits, all).slice(prefix.length - 1);
      const { logProbs, logLikelihood } = scored[i]!;
      assert.equal(logProbs.length, expected.length);
      expected.forEach((logProb, t) => {
        assert.ok(Math.abs(logProb - logProbs[t]!) < 1e-4, `item ${i}, token ${t}: ${logProbs[t]} is not ${logProb}`);
      });
      assert.ok(Math.abs(logLikelihood - logProbs.reduce((a, b) => a + b, 0)) < 1e-9);
    });
  });

  it('tells the place of each token, and the likeliest ones in its place', async () => {
    const scored = await score(generator, items.slice(0, 5), { alternatives: 3 });
    items.slice(0, 5).forEach(({ prefix, continuation }, i) => {
      const given = Array.from(prefix);
      for (const [t, id] of Array.from(continuation).entries()) {
        const all = [...given, ...Array.from(continuation).slice(0, t)];
        const { logits } = referenceModel(config, weights, all);
        const last = Array.from(logits.at(-1)!);
        const order = [...last.keys()].sort((a, b) => last[b]! - last[a]!);
        assert.equal(scored[i]!.ranks[t], order.indexOf(id) + 1, `item ${i}, token ${t}`);
        const told = scored[i]!.alternatives[t]!;
        assert.deepEqual(
          told.map(other => other.id),
          order.slice(0, 3),
        );
        const own = told.find(other => other.id === id);
        if (own) assert.ok(Math.abs(own.logProb - scored[i]!.logProbs[t]!) < 1e-5);
      }
    });
    const [plain] = await score(generator, items.slice(0, 1));
    assert.deepEqual(plain!.alternatives[0], []);
  });

  it('gives the same one by one', async () => {
    const together = await score(generator, items);
    for (const [i, item] of items.entries()) {
      const [alone] = await score(generator, [item]);
      alone!.logProbs.forEach((logProb, t) => {
        assert.ok(Math.abs(logProb - together[i]!.logProbs[t]!) < 1e-5, `item ${i}, token ${t}`);
      });
    }
  });

  it('refuses what it cannot run, and stops when it is told to', async () => {
    await assert.rejects(score(generator, [{ prefix: [], continuation: [1] }]), RangeError);
    await assert.rejects(score(generator, [{ prefix: [1], continuation: ids(1200, 1) }]), RangeError);
    await assert.rejects(score(generator, items, { signal: AbortSignal.abort() }), /abort/i);
    assert.deepEqual(await score(generator, []), []);
  });
});
