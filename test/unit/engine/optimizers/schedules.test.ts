/** Learning-rate schedules at their corners. */
import assert from 'node:assert/strict';
import { scheduleFactor } from '../../../../src/engine/optimizers/schedules.ts';

const near = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 1e-12, `${actual}`);

describe('scheduleFactor', () => {
  it('warms up without a step of 0', () => {
    const schedule = { kind: 'constant', warmupSteps: 4, totalSteps: 10 } as const;
    for (const [step, factor] of [0.2, 0.4, 0.6, 0.8, 1, 1].entries()) near(scheduleFactor(schedule, step), factor);
  });

  it('falls along a line or half a cosine to its floor, and stays there', () => {
    const linear = { kind: 'linear', totalSteps: 10, floor: 0.1 } as const;
    const cosine = { kind: 'cosine', warmupSteps: 2, totalSteps: 10 } as const;
    near(scheduleFactor(linear, 0), 1);
    near(scheduleFactor(linear, 5), 0.55);
    near(scheduleFactor(linear, 10), 0.1);
    near(scheduleFactor(linear, 99), 0.1);
    near(scheduleFactor(cosine, 2), 1);
    near(scheduleFactor(cosine, 6), 0.5);
    near(scheduleFactor(cosine, 10), 0);
  });
});
