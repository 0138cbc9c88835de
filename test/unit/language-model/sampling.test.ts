import assert from 'node:assert/strict';
import fc from 'fast-check';
import { argMax, type SamplingRule, sampleToken, topAlternatives } from '../../../src/language-model/sampling.ts';

/** What the cuts leave, by their definitions: sort all, cut one after the other. */
function survivors(probabilities: Float32Array, { topK = 0, topP = 1, minP = 0 }: SamplingRule): number[] {
  let ids = [...probabilities.keys()].sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
  if (topK > 0) ids = ids.slice(0, topK);
  const total = ids.reduce((sum, id) => sum + probabilities[id]!, 0);
  let reached = 0;
  const nucleus =
    topP >= 1
      ? ids
      : ids.filter((_, i) => {
          const keep = i === 0 || reached < topP * total;
          reached += probabilities[ids[i]!]!;
          return keep;
        });
  return nucleus.filter(id => probabilities[id]! >= minP * probabilities[ids[0]!]!);
}

const distribution = fc
  .array(fc.double({ min: -12, max: 12, noNaN: true }), { minLength: 1, maxLength: 60 })
  .map(logits => {
    const powers = logits.map(Math.exp);
    const total = powers.reduce((a, b) => a + b);
    return Float32Array.from(powers, power => power / total);
  });
const rule = fc.record({
  temperature: fc.constant(1),
  topK: fc.constantFrom(0, 1, 3, 10, 1000),
  topP: fc.constantFrom(0, 0.1, 0.5, 0.9, 0.999, 1),
  minP: fc.constantFrom(0, 0.001, 0.05, 0.5, 1),
});

describe('sampling', () => {
  it('draws only what the cuts leave, and all of it', () => {
    fc.assert(
      fc.property(distribution, rule, (probabilities, rule) => {
        const kept = survivors(probabilities, rule);
        const mass = kept.reduce((sum, id) => sum + probabilities[id]!, 0);
        // The number at the middle of each survivor's share must draw that survivor, in whatever order they stand.
        const drawn = new Set<number>();
        for (let i = 0; i < 400; i++) drawn.add(sampleToken(probabilities, rule, (i + 0.5) / 400));
        for (const id of drawn) assert.ok(kept.includes(id), `${id} was cut`);
        for (const id of kept) {
          if (probabilities[id]! / mass > 1 / 300) assert.ok(drawn.has(id), `${id} is never drawn`);
        }
      }),
    );
  });

  it('gives each token its share of the numbers', () => {
    const probabilities = Float32Array.of(0.1, 0.4, 0.2, 0.3);
    const counts = (rule: Partial<SamplingRule>): number[] => {
      const seen = [0, 0, 0, 0];
      for (let i = 0; i < 1000; i++) seen[sampleToken(probabilities, { temperature: 1, ...rule }, (i + 0.5) / 1000)]!++;
      return seen;
    };
    const near = (actual: number[], expected: number[]) =>
      actual.forEach((count, i) => {
        assert.ok(Math.abs(count - expected[i]!) <= 1, `${actual} instead of ${expected}`);
      });
    near(counts({}), [100, 400, 200, 300]);
    near(counts({ topK: 2 }), [0, 571, 0, 429]);
    near(counts({ topP: 0.6 }), [0, 571, 0, 429]);
    near(counts({ topP: 0.71 }), [0, 444, 222, 333]);
    near(counts({ minP: 0.5 }), [0, 444, 222, 333]);
    near(counts({ topK: 3, topP: 0.5 }), [0, 571, 0, 429]);
  });

  it('draws from a huge, peaked vocabulary without losing its tail', () => {
    const probabilities = new Float32Array(50_000).fill(1e-9);
    probabilities[7] = 1 - 5e-5;
    assert.equal(sampleToken(probabilities, { temperature: 1, topK: 40 }, 0.5), 7);
    assert.equal(sampleToken(probabilities, { temperature: 1, topK: 2 }, 1 - 1e-12), 0);
    assert.notEqual(sampleToken(probabilities, { temperature: 1 }, 1 - 1e-12), 7);
  });

  it('finds the likeliest, the first of equals', () => {
    assert.equal(argMax(Float32Array.of(1, 3, 3, 2)), 1);
    const logProbs = Float32Array.of(-3, -1, -2, -1);
    assert.deepEqual(topAlternatives(logProbs, 3), [
      { id: 1, logProb: -1 },
      { id: 3, logProb: -1 },
      { id: 2, logProb: -2 },
    ]);
    assert.deepEqual(topAlternatives(logProbs, 0), []);
  });
});
