import assert from 'node:assert/strict';
import * as v from 'valibot';
import { Rng } from '../../../../src/base/rng.ts';
import { RewardReportSchema, rewardReport, type ScoredPair } from '../../../../src/core/jobs/rewardReport.ts';

const repeat = (count: number, pair: ScoredPair): ScoredPair[] => Array.from({ length: count }, () => pair);
const right = { margin: 1, chosen: 30, rejected: 30 };
const wrong = { margin: -1, chosen: 30, rejected: 30 };

describe('report on a reward model', () => {
  it('counts length by hand', () => {
    const report = rewardReport([
      { margin: 1, chosen: 40, rejected: 20 },
      { margin: 1, chosen: 40, rejected: 20 },
      { margin: -1, chosen: 40, rejected: 37 },
      { margin: 1, chosen: 10, rejected: 40 },
      { margin: 1, chosen: 20, rejected: 20 },
    ]);
    v.assert(RewardReportSchema, report);
    assert.equal(report.lengthRule.prefers, 'longer');
    assert.equal(report.lengthRule.accuracy.estimate, 3.5 / 5);
    // 37 of 40 and 20 of 20 are alike.
    assert.deepEqual([report.alikeLengths.n, report.alikeLengths.estimate], [2, 0.5]);
  });

  it('bins confidence, and its error is zero for a model that knows what it knows', () => {
    // σ(ln 3) = ¾ and three of four right; σ(ln 9) = 0.9 and nine of ten right.
    const pairs = [
      ...repeat(3, { ...right, margin: Math.log(3) }),
      { ...wrong, margin: -Math.log(3) },
      ...repeat(9, { ...right, margin: Math.log(9) + 1e-9 }),
      { ...wrong, margin: -Math.log(9) - 1e-9 },
    ];
    const { calibration, calibrationError } = rewardReport(pairs);
    assert.deepEqual(
      calibration.map(({ confidence, right: { estimate, n } }) => [confidence.toFixed(3), estimate, n]),
      [
        ['0.750', 0.75, 4],
        ['0.900', 0.9, 10],
      ],
    );
    assert.ok(calibrationError < 1e-6);
    // Sure of everything and right half of the time: σ(5) − ½.
    const sure = rewardReport([...repeat(5, { ...right, margin: 5 }), ...repeat(5, { ...wrong, margin: -5 })]);
    assert.ok(Math.abs(sure.calibrationError - (1 / (1 + Math.exp(-5)) - 0.5)) < 1e-12);
  });

  it('is not ready where guessing would do', () => {
    assert.match(rewardReport([...repeat(6, right), ...repeat(4, wrong)]).notReady!, /guessing may do as well/);
    assert.equal(rewardReport([...repeat(60, right), ...repeat(20, wrong)]).notReady, null);
  });

  it('is not ready where it only measures length, in either direction', () => {
    const longer = [
      ...repeat(70, { margin: 1, chosen: 40, rejected: 20 }),
      ...repeat(30, { margin: -1, chosen: 20, rejected: 40 }),
    ];
    assert.match(rewardReport(longer).notReady!, /longer answer is right on 70 % of these pairs/);
    const shorter = longer.map(({ margin, chosen, rejected }) => ({ margin, chosen: rejected, rejected: chosen }));
    assert.match(rewardReport(shorter).notReady!, /shorter answer is right on 70 % of these pairs/);
    // Right in twelve more of the thirty that the rule gets wrong, by luck once in 2,000.
    const better = longer.map((pair, i) => (i >= 88 ? { ...pair, margin: 1 } : pair));
    assert.equal(rewardReport(better).notReady, null);
  });

  it('calls a model that guesses ready in at most one of twenty runs', () => {
    let ready = 0;
    for (let seed = 0; seed < 300; seed++) {
      const rng = Rng.seeded(seed);
      const pairs = Array.from({ length: 40 }, () => ({ ...right, margin: rng.normal(), chosen: 20 + rng.int(20) }));
      if (rewardReport(pairs).notReady === null) ready++;
    }
    assert.ok(ready <= 15, `${ready} of 300`);
  });

  it('says nothing of no pairs', () => {
    const report = rewardReport([]);
    v.assert(RewardReportSchema, report);
    assert.equal(report.notReady, null);
    assert.deepEqual(report.calibration, []);
  });
});
