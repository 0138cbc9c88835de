import assert from 'node:assert/strict';
import { expertPresets, ppoPresets, reinforcePresets, rlhfPresets } from '../../../src/core/jobs/presets.ts';
import { createSession, float32, Graph, gradients, int64 } from '../../../src/engine/index.ts';
import {
  approximateKl,
  bestRows,
  policyMethod,
  type Scored,
  tokenRatioLoss,
} from '../../../src/training/policyMethods.ts';

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-5, `${actual} is not ${expected}`);

/** Two answers to one prompt, of two tokens and one; l = 1, −2 and 0.5. */
const scored: Scored = {
  answers: [[7, 8], [9]].map(ids => ({ prompt: { ids: [1], text: 'p' }, ids, text: '', ended: true })),
  scores: [3, 1],
  old: [Float32Array.of(-1, -3), Float32Array.of(-0.5)],
  reference: [Float32Array.of(-2, -1), Float32Array.of(-1)],
  kl: [-1, 0.5],
  entropy: 1,
  values: [Float32Array.of(0, 0), Float32Array.of(0)],
};
const k3 = (l: number) => Math.exp(-l) - 1 + l;
const penalties = {
  k1: [1 - 2, 0.5],
  k2: [0.5 + 2, 0.125],
  k3: [k3(1) + k3(-2), k3(0.5)],
} as const;

describe('the KL inside the reward', () => {
  for (const [estimator, [first, second]] of Object.entries(penalties)) {
    for (const preset of [rlhfPresets.quick, reinforcePresets.quick, ppoPresets.quick]) {
      it(`${preset.algorithm}, ${estimator}`, () => {
        const method = policyMethod({
          ...preset,
          samplesPerPrompt: 2,
          beta: 0.5,
          klEstimator: estimator as keyof typeof penalties,
        });
        const { rewards } = method.lesson(scored);
        close(rewards[0]!, 3 - 0.5 * first);
        close(rewards[1]!, 1 - 0.5 * second);
      });
    }
  }

  it('PPO pays it token by token', () => {
    const settings = { ...ppoPresets.quick, beta: 0.5, klEstimator: 'k2', gamma: 1, lambda: 1 } as const;
    // λ 1 and values of 0: what a token returns is the sum of its own and later rewards.
    const returns = policyMethod(settings).lesson(scored).returns!;
    close(returns[0]![0]!, 3 - 0.5 * 2.5);
    close(returns[0]![1]!, 3 - 0.5 * 2);
    close(returns[1]![0]!, 1 - 0.5 * 0.125);
  });
});

describe('the KL in the loss of GRPO', () => {
  for (const [estimator, value, slope] of [
    ['k2', (l: number) => (l * l) / 2, (l: number) => l],
    ['k3', k3, (l: number) => 1 - Math.exp(-l)],
  ] as const) {
    it(estimator, async () => {
      const graph = new Graph();
      const logProbs = graph.input('logProbs', 'float32', ['N']);
      const names = ['advantages', 'weight', 'share', 'oldLogProbs', 'reference'] as const;
      const inputs = Object.fromEntries(names.map(name => [name, graph.input(name, 'float32', ['N'])]));
      const rows = graph.input('rows', 'int64', ['N']);
      const out = { logProbs, rows, entropy: logProbs, scores: logProbs, values: logProbs, hidden: logProbs };
      const { loss, metrics } = tokenRatioLoss(0.2, 0.2, { beta: 0.3, estimator }, true)(graph, out, inputs);
      const [gradient] = gradients(graph, loss, [logProbs]);
      const session = await createSession(graph, { loss, gradient: gradient!, approximate: metrics![approximateKl]! });
      try {
        const results = await session.run({
          logProbs: float32([-1, -2]),
          oldLogProbs: float32([-1.5, -2]),
          reference: float32([-2, -1]),
          advantages: float32([0, 0]),
          weight: float32([0.25, 0.5]),
          share: float32([0.5, 0.5]),
          rows: int64([0, 0]),
        });
        close(Number(results.loss!.data[0]), 0.3 * (0.25 * value(1) + 0.5 * value(-1)));
        for (const [token, [l, weight]] of (
          [
            [1, 0.25],
            [-1, 0.5],
          ] as const
        ).entries()) {
          close(Number(results.gradient!.data[token]), 0.3 * weight * slope(l));
        }
        // (ρ − 1) − log ρ of ρ = e^0.5 and of 1, each with half the weight.
        close(Number(results.approximate!.data[0]), 0.5 * (Math.exp(0.5) - 1 - 0.5));
      } finally {
        await session.dispose();
      }
    });
  }
});

describe('expert iteration', () => {
  it('keeps the best answers to each prompt that reach the lowest score', () => {
    assert.deepEqual(bestRows([1, 3, 2, 0, 0, 5], 3, 1, null), [1, 5]);
    assert.deepEqual(bestRows([1, 3, 2, 0, 0, 5], 3, 2, null), [1, 2, 3, 5]);
    assert.deepEqual(bestRows([1, 3, 2, 0, 0, 5], 3, 2, 2), [1, 2, 5]);
    assert.deepEqual(bestRows([1, 1, 1, 1], 2, 1, null), [0, 2], 'of equal scores the earlier answer');
    assert.deepEqual(bestRows([1, 1], 2, 1, 9), []);
  });

  it('gives every token of them the same weight, and says how many there were', () => {
    const method = policyMethod({ ...expertPresets.quick, samplesPerPrompt: 2, keepBest: 2 });
    const both = method.lesson(scored);
    assert.deepEqual([both.learned, both.metrics], [[0, 1], { kept_ratio: 1, kept_reward: 2 }]);
    assert.deepEqual(both.feed([1, 0]), { weights: [1 / 3, 1 / 3, 1 / 3] });
    const best = policyMethod({ ...expertPresets.quick, samplesPerPrompt: 2 }).lesson(scored);
    assert.deepEqual([best.learned, best.feed([0])], [[0], { weights: [0.5, 0.5] }]);
    const none = policyMethod({ ...expertPresets.quick, samplesPerPrompt: 2, minimumScore: 4 }).lesson(scored);
    assert.deepEqual([none.learned, none.metrics], [[], { kept_ratio: 0 }]);
  });
});
