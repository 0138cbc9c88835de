import assert from 'node:assert/strict';
import { curveSizes, runLearningCurve } from '../../../../src/core/jobs/learningCurve.ts';
import { learningCurvePlot } from '../../../../src/core/jobs/learningCurvePlot.ts';
import { wilson } from '../../../../src/core/statistics/intervals.ts';

describe('learning curve', () => {
  const people = { one: { ...wilson(70, 100) }, group: { ...wilson(80, 100) } };

  it('sizes are halves of what there is, and no fewer than 8', () => {
    assert.deepEqual(curveSizes(1000), [62, 125, 250, 500, 1000]);
    assert.deepEqual(curveSizes(20), [10, 20]);
    assert.deepEqual(curveSizes(5), [5]);
  });

  it('every model at every size with every seed; intervals are those of the held-out pairs', async () => {
    const trained: string[] = [];
    const result = await runLearningCurve(
      { models: ['small<1>', 'large'], sizes: [10, 40], seeds: [0, 1], people },
      {
        parametersOf: async model => (model === 'large' ? 135e6 : 1.25e6),
        train: async (model, comparisons, seed) => {
          trained.push(`${model} ${comparisons} ${seed}`);
          const right = 50 + comparisons / 2 + 4 * seed + (model === 'large' ? 6 : 0);
          return { accuracy: wilson(right, 100), metrics: { train_pairs: comparisons - 1 } };
        },
        progress: () => {},
      },
    );
    assert.equal(trained.length, 8);
    const [small, large] = result.models;
    assert.deepEqual(
      small!.points.map(({ comparisons, seeds }) => [comparisons, seeds]),
      [
        [9, [0.55, 0.59]],
        [39, [0.7, 0.74]],
      ],
    );
    const { accuracy } = large!.points[1]!;
    assert.ok(Math.abs(accuracy.estimate - 0.78) < 1e-12);
    assert.deepEqual([accuracy.low, accuracy.n], [wilson(78, 100).low, 100]);

    const plot = learningCurvePlot(result);
    assert.match(plot, /^<svg [^>]*viewBox="0 0 880 /);
    assert.match(plot, /small&lt;1>/);
    assert.match(plot, /one person \(70 %\)/);
    assert.match(plot, /a group of people \(80 %\)/);
    assert.doesNotMatch(plot, /NaN|Infinity|undefined/);
    const alone = learningCurvePlot({ ...result, models: [small!], person: null, group: null });
    assert.match(alone, /viewBox="0 0 440 /);
    assert.doesNotMatch(alone, /NaN|Infinity|undefined|person/);
    const point = { ...small!, points: small!.points.slice(0, 1) };
    assert.doesNotMatch(learningCurvePlot({ ...result, models: [point] }), /NaN|Infinity/);
  });

  it('without held-out pairs there is nothing to draw', async () => {
    const host = { parametersOf: async () => 1, train: async () => ({ metrics: {} }), progress: () => {} };
    await assert.rejects(runLearningCurve({ models: ['m'], sizes: [8], seeds: [0], people }, host), {
      name: 'HumanError',
      message: /No prompt could be held out/,
    });
  });
});
