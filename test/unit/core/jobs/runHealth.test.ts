import assert from 'node:assert/strict';
import { Rng } from '../../../../src/base/rng.ts';
import { MetricColumns } from '../../../../src/core/jobs/metricColumns.ts';
import { runHealth } from '../../../../src/core/jobs/runHealth.ts';

/** Steps whose metrics follow these curves over [0, 1], with normal noise of the given size. */
function run(curves: Readonly<Record<string, (at: number) => number>>, { steps = 80, noise = 0.02, seed = 1 } = {}) {
  const rng = Rng.seeded(seed);
  const events = Array.from({ length: steps }, (_, i) => ({
    type: 'metrics' as const,
    time: '',
    step: i + 1,
    values: Object.fromEntries(
      Object.entries(curves).map(([name, curve]) => [name, curve(i / (steps - 1)) + noise * rng.normal()]),
    ),
  }));
  return MetricColumns.of(events);
}

describe('health of a run', () => {
  const saturating = (at: number): number => 1 - Math.exp(-6 * at);

  it('says that the reward rises while KL is paid evenly', () => {
    const line = runHealth(run({ reward: at => at, kl: at => 2 * at }));
    assert.equal(line?.level, 'good');
    assert.match(line.text, /rises: 0\.1\d in the first quarter of the steps, 0\.8\d in the last/);
  });

  it('warns of KL that outruns the reward, by the factor that it does', () => {
    // Gains between the first two quarters and the last two: KL 1 and 3, reward 0.25 and 0.25, by construction.
    const kl = (at: number): number => (at < 0.5 ? 4 * at : 2 + 12 * (at - 0.5));
    const line = runHealth(run({ reward: at => at, kl }, { steps: 400, noise: 0.001 }));
    assert.equal(line?.level, 'warning');
    assert.match(line.text, /KL rises 3× faster/);
  });

  it('says to stop where only the KL still rises', () => {
    assert.match(runHealth(run({ reward: saturating, kl: at => 4 * at }))!.text, /does not: stop here/);
    assert.match(
      runHealth(run({ reward: at => at * (1 - at), kl: at => 4 * at }))!.text,
      /reward falls while the KL rises \(3\.\d nats\)/,
    );
  });

  it('reads the names of PPO as well', () => {
    const line = runHealth(run({ 'objective/scores': saturating, 'objective/kl': at => 4 * at }));
    assert.match(line!.text, /stop here/);
  });

  it('does not take noise for a trend', () => {
    let said = 0;
    for (let seed = 0; seed < 200; seed++)
      if (runHealth(run({ reward: () => 0.5, kl: () => 1 }, { seed, noise: 0.2 }))) said++;
    // One-sided, at two standard errors: 2.3 % of the runs that do nothing seem to rise.
    assert.ok(said <= 12, `${said} of 200`);
  });

  it('warns of rewards that are all equal, answers that are cut off, grow, or become alike', () => {
    const flat = { reward: () => 0.5, kl: () => 0.1 };
    for (const [curves, text] of [
      [{ frac_reward_zero_std: () => 0.97 }, /nothing to learn from/],
      [{ 'completions/clipped_ratio': (at: number) => 0.8 * at }, /70 % of the answers are cut off/],
      [{ 'completions/mean_length': (at: number) => 30 + 30 * at }, /grew from 34 to 56 tokens/],
      [{ entropy: (at: number) => 1.2 * (1 - at) + 0.1 }, /entropy 2\d % of what it was/],
    ] as const)
      assert.match(runHealth(run({ ...flat, ...curves }))!.text, text);
  });

  it('says nothing of a few steps, or of metrics with holes', () => {
    assert.equal(runHealth(run({ reward: at => at, kl: at => at }, { steps: 15 })), null);
    const holes = new MetricColumns();
    for (let step = 1; step <= 80; step++) {
      holes.add([{ type: 'metrics', time: '', step, values: step % 2 ? { reward: step } : { kl: step } }]);
    }
    assert.equal(runHealth(holes), null);
  });
});
