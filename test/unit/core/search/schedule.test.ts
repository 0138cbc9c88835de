import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { rowsOfRung, scheduleOf } from '../../../../src/core/search/schedule.ts';

const usual = { callsPerAnswer: 1, dev: 40, heldOut: 40, given: 1, proposing: true };

describe('schedule of a search', () => {
  it('spends no call twice and keeps the shares', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 3, max: 300 }),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        (budget, callsPerAnswer, rows, given, proposing) => {
          const asked = { budget, callsPerAnswer, dev: rows, heldOut: rows, given, proposing };
          let schedule: ReturnType<typeof scheduleOf>;
          try {
            schedule = scheduleOf(asked);
          } catch (error) {
            // What the refusal names is enough.
            const least = Number(/at least (\d+)/.exec((error as Error).message)![1]);
            assert.ok(least > budget);
            scheduleOf({ ...asked, budget: least });
            return;
          }
          const { proposals, scoring, heldOut } = schedule;
          const report = 2 * heldOut * callsPerAnswer;
          const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
          assert.equal(sum(proposals) + sum(scoring) + report, budget);
          assert.ok(report <= 0.4 * budget && heldOut <= rows);
          assert.equal(proposals.length, proposing ? 2 : 1);
        },
      ),
    );
  });

  it('says what a small budget lacks', () => {
    assert.throws(
      () => scheduleOf({ ...usual, budget: 20 }),
      /A budget of 20 calls is too small for this search\. Give it at least \d+/,
    );
  });

  it('brings the pool as far as the calls go', () => {
    const cases: readonly [seen: number[], dev: number, calls: number, each: number, rows: number][] = [
      [[0, 0, 0, 0], 40, 20, 1, 5],
      [[0, 0, 0, 0], 40, 19, 1, 4],
      [[10, 10, 0], 40, 16, 1, 12],
      [[10, 10, 0], 40, 16, 2, 8],
      [[0, 0], 3, 100, 1, 3],
      [[7], 40, 0, 1, 7],
    ];
    for (const [seen, dev, calls, each, rows] of cases) assert.equal(rowsOfRung(seen, dev, calls, each), rows);
  });
});
