import assert from 'node:assert/strict';
import { createSession, Graph, gradients, tensor } from '../../../src/engine/index.ts';
import { valueLoss } from '../../../src/training/critic.ts';

describe('the loss of the critic', () => {
  // ½ max((v − R)², (clip(v, v_old ± 0.5) − R)²); the slope is v − R, or nothing where the clipped error is larger.
  for (const [value, old, target, loss, slope] of [
    [1, 1, 3, 2, -2],
    [1.4, 1, 3, 1.28, -1.6],
    [2, 1, 3, 1.125, 0],
    [0, 1, 3, 4.5, -3],
    [3, 1, 0, 4.5, 3],
  ] as const) {
    it(`v ${value}, before ${old}, return ${target}`, async () => {
      const graph = new Graph();
      const values = graph.input('values', 'float32', ['N']);
      const inputs = {
        oldValues: graph.input('oldValues', 'float32', ['N']),
        returns: graph.input('returns', 'float32', ['N']),
        share: graph.input('share', 'float32', ['N']),
        bias: graph.input('bias', 'float32', []),
      };
      const out = { logProbs: values, rows: values, entropy: values, scores: values, values, hidden: values };
      const made = valueLoss(0.5)(graph, out, inputs);
      const [gradient] = gradients(graph, made.loss, [values]);
      const session = await createSession(graph, { loss: made.loss, gradient: gradient! }, { precision: 'float64' });
      const feed = (...numbers: number[]) => tensor('float64', Float64Array.from(numbers), [numbers.length]);
      try {
        const run = async (v: number) =>
          session.run({
            // The head lacks the bias, and the second token counts nothing.
            values: feed(v - 0.25, 9),
            oldValues: feed(old, 0),
            returns: feed(target, 0),
            share: feed(0.5, 0),
            bias: tensor('float64', Float64Array.of(0.25), []),
          });
        const results = await run(value);
        const near = (actual: unknown, expected: number, tolerance = 1e-12) =>
          assert.ok(Math.abs(Number(actual) - expected) < tolerance, `${actual} is not ${expected}`);
        near(results.loss!.data[0], loss / 2);
        near(results.gradient!.data[0], slope / 2);
        near(results.gradient!.data[1], 0);
        const h = 1e-6;
        const [up, down] = [await run(value + h), await run(value - h)];
        const difference = (Number(up.loss!.data[0]) - Number(down.loss!.data[0])) / (2 * h);
        near(difference, slope / 2, 1e-5);
      } finally {
        await session.dispose();
      }
    });
  }
});
