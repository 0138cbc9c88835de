import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { type Draw, type SamplingRule, TokenSampler } from '../../../src/language-model/sampling.ts';
import { acceptableTokens, logProbsOf, survivors } from '../../fakes/referenceSampling.ts';

const rules: readonly SamplingRule[] = [
  { temperature: 0 },
  { temperature: 1 },
  { temperature: 0.7 },
  { temperature: 3 },
  { temperature: 100 },
  { temperature: 1, topK: 1 },
  { temperature: 1.5, topK: 5 },
  { temperature: 1, topK: 1e6 },
  { temperature: 1, topK: 150 },
  { temperature: 0.8, topP: 0.95 },
  { temperature: 1, topP: 0 },
  { temperature: 2.5, topP: 0.999 },
  { temperature: 1, minP: 0.05 },
  { temperature: 5, minP: 0.01 },
  { temperature: 1, minP: 1 },
  { temperature: 1.3, topK: 40, topP: 0.8, minP: 0.1 },
  { temperature: 6, topP: 0.9, minP: 0.2 },
];

/** Rows of random logits, from flat to peaked. */
function randomLogits(rng: Rng, rows: number, vocabSize: number): Float32Array {
  const logits = new Float32Array(rows * vocabSize);
  for (let row = 0; row < rows; row++) {
    const spread = [0.01, 1, 4, 12][row % 4]!;
    for (let i = 0; i < vocabSize; i++) logits[row * vocabSize + i] = spread * rng.normal();
  }
  return logits;
}

async function withSampler(vocabSize: number, check: (sampler: TokenSampler) => Promise<void>): Promise<void> {
  const sampler = new TokenSampler({ vocabSize, threads: 1 });
  try {
    await check(sampler);
  } finally {
    await sampler.dispose();
  }
}

const logitsOf = (probabilities: readonly number[]): Float32Array => Float32Array.from(probabilities, Math.log);

describe('sampling', () => {
  // 5: less than a block; 300: not a multiple of any block; 5000: more than both rounds of candidates.
  for (const vocabSize of [5, 300, 1024, 5000]) {
    it(`draws what the definitions say, with a vocabulary of ${vocabSize}`, () =>
      withSampler(vocabSize, async sampler => {
        const rng = Rng.seeded(vocabSize);
        const rows = 8;
        const logits = randomLogits(rng, rows, vocabSize);
        const row = (i: number) => logits.subarray(i * vocabSize, (i + 1) * vocabSize);
        const draws = rules.flatMap(rule =>
          Array.from({ length: 24 }, (_, i): Draw => ({ row: i % rows, rule, uniform: rng.next() })),
        );
        for (const uniform of [0, 1 - 2 ** -53]) {
          draws.push(...rules.map((rule, i) => ({ row: i % rows, rule, uniform })));
        }
        const choices = await sampler.draw(logits, draws);
        choices.forEach(({ id, logProb }, i) => {
          const { row: at, rule, uniform } = draws[i]!;
          const expected = acceptableTokens(row(at), rule, uniform);
          const what = `${JSON.stringify(rule)} at ${uniform} in row ${at}: ${id}, not ${[...expected]}`;
          assert.ok(expected.has(id), what);
          assert.ok(Math.abs(logProb - logProbsOf(row(at))[id]!) < 1e-4, `${what}: ${logProb}`);
        });
      }));
  }

  it('draws the same whoever else is drawn, bit for bit', () =>
    withSampler(300, async sampler => {
      const rng = Rng.seeded(4);
      const logits = randomLogits(rng, 16, 300);
      const draws = Array.from({ length: 90 }, (_, i): Draw => {
        return { row: (i * 7) % 16, rule: rules[i % rules.length]!, uniform: rng.next() };
      });
      const together = await sampler.draw(logits, draws);
      for (const [i, draw] of draws.entries()) {
        assert.deepEqual(await sampler.draw(logits, [draw]), [together[i]], `draw ${i}`);
      }
      assert.deepEqual(await sampler.draw(logits, [...draws].reverse()), [...together].reverse());
    }));

  it('gives each token its share of the numbers', () =>
    withSampler(4, async sampler => {
      const logits = logitsOf([0.1, 0.4, 0.2, 0.3]);
      const counts = async (rule: Partial<SamplingRule>): Promise<number[]> => {
        const draws = Array.from({ length: 1000 }, (_, i): Draw => {
          return { row: 0, rule: { temperature: 1, ...rule }, uniform: (i + 0.5) / 1000 };
        });
        const seen = [0, 0, 0, 0];
        for (const { id } of await sampler.draw(logits, draws)) seen[id]!++;
        return seen;
      };
      const near = (actual: number[], expected: number[]) =>
        actual.forEach((count, i) => {
          assert.ok(Math.abs(count - expected[i]!) <= 1, `${actual} instead of ${expected}`);
        });
      near(await counts({}), [100, 400, 200, 300]);
      near(await counts({ topK: 2 }), [0, 571, 0, 429]);
      near(await counts({ topP: 0.6 }), [0, 571, 0, 429]);
      near(await counts({ topP: 0.71 }), [0, 444, 222, 333]);
      near(await counts({ minP: 0.49 }), [0, 444, 222, 333]);
      near(await counts({ topK: 3, topP: 0.5 }), [0, 571, 0, 429]);
      // 0.1², 0.4², 0.2², 0.3² in proportion.
      near(await counts({ temperature: 0.5 }), [33, 533, 133, 300]);
    }));

  it('draws from a huge, peaked vocabulary without losing its tail', () =>
    withSampler(50_000, async sampler => {
      const probabilities = new Array<number>(50_000).fill(1e-9);
      probabilities[7] = 1 - 5e-5;
      const logits = logitsOf(probabilities);
      const draw = async (rule: Partial<SamplingRule>, uniform: number): Promise<number> =>
        (await sampler.draw(logits, [{ row: 0, rule: { temperature: 1, ...rule }, uniform }]))[0]!.id;
      assert.equal(await draw({ topK: 40 }, 0.5), 7);
      assert.equal(await draw({ topK: 2 }, 1 - 1e-12), 0);
      assert.ok((await draw({}, 1 - 1e-12)) > 49_000);
      assert.equal(await draw({}, 0), 0);
      // A nucleus of all but the last tokens: more than any round of candidates but the last.
      const wide = await draw({ topP: 1 - 1e-6 }, 1 - 1e-12);
      assert.ok(survivors(logits, { temperature: 1, topP: 1 - 1e-6 }).at(-1)!.id >= wide && wide > 40_000);
    }));

  it('makes tokens less likely that were seen, and reports the model’s own log-probs', () =>
    withSampler(4, async sampler => {
      const logits = Float32Array.of(0, 0, 0, 0, 2, 1.5, -1, -3);
      const own = logProbsOf(logits.subarray(4));
      const draw = async (rule: Partial<SamplingRule>, seen: readonly number[], uniform = 0.5) => {
        const [choice] = await sampler.draw(logits, [{ row: 1, rule: { temperature: 1, ...rule }, uniform, seen }]);
        assert.ok(Math.abs(choice!.logProb - own[choice!.id]!) < 1e-6);
        return choice!.id;
      };
      const greedy = { temperature: 0, repetitionPenalty: 2 };
      assert.equal(await draw(greedy, []), 0);
      // 2 becomes 1; then 1.5 becomes 0.75 as well.
      assert.equal(await draw(greedy, [0]), 1);
      assert.equal(await draw(greedy, [1, 0]), 0);
      // Logits 1, 1.5, −2, −3: the running sum of probabilities is 0.368, 0.975, 0.993, 1.
      const drawn: number[] = [];
      for (const u of [0.36, 0.375, 0.974, 0.98, 0.995]) drawn.push(await draw({ repetitionPenalty: 2 }, [0, 2], u));
      assert.deepEqual(drawn, [0, 1, 1, 2, 3]);
      assert.deepEqual(logits, Float32Array.of(0, 0, 0, 0, 2, 1.5, -1, -3));
    }));

  it('reports targets and the likeliest, the first of equals', () =>
    withSampler(4, async sampler => {
      const logits = Float32Array.of(-3, -1, -2, -1, 0, 5, 0, 0);
      const [first, second] = [logProbsOf(logits.subarray(0, 4)), logProbsOf(logits.subarray(4))];
      const close = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-6);
      const targets = await sampler.targetLogProbs(logits, [2, 1]);
      close(targets[0]!, first[2]!);
      close(targets[1]!, second[1]!);
      const likeliest = await sampler.likeliest(logits, 0, 3);
      assert.deepEqual(
        likeliest.map(({ id }) => id),
        [1, 3, 2],
      );
      likeliest.forEach(({ id, logProb }) => {
        close(logProb, first[id]!);
      });
      assert.equal((await sampler.likeliest(logits, 1, 9)).length, 4);
      assert.deepEqual(await sampler.likeliest(logits, 0, 0), []);
      const [greedy] = await sampler.draw(logits, [{ row: 0, rule: { temperature: 0 }, uniform: 0.9 }]);
      assert.equal(greedy!.id, 1);
    }));
});
