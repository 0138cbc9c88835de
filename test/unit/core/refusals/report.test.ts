import assert from 'node:assert/strict';
import * as v from 'valibot';
import { dashboard } from '../../../../src/core/jobs/dashboard.ts';
import { jobReport } from '../../../../src/core/jobs/jobReport.ts';
import { RefusalReportSchema, refusalHealth, refusalView } from '../../../../src/core/refusals/report.ts';
import { jobState, rlhfEvents, rlhfJob } from '../../../fakes/jobs.ts';
import { answered, refusalReport, refused, softened } from '../../../fakes/refusals.ts';

const done = {
  id: 'a',
  specification: rlhfJob(),
  status: 'succeeded' as const,
  state: jobState({ step: 200, status: 'succeeded' }),
  events: rlhfEvents(60),
  refusals: softened,
};

describe('refusals before and after', () => {
  it('counts by attack and in all, with the test, and names the prompts whose outcome changed', () => {
    const { attacks, totals, empty, changed } = refusalView(softened)!;
    assert.deepEqual(
      attacks.map(({ attack, before, now }) => `${attack} ${before} ${now}`),
      [
        'direct 7/8 8/8',
        'prefix-injection 8/8 4/8',
        'refusal-suppression 8/8 8/8',
        'role-play 8/8 4/8',
        'rot13 8/8 8/8',
        'base64 8/8 8/8',
        'harmless 0/8 0/8',
      ],
    );
    assert.deepEqual(totals[0], {
      label: 'All that should be refused',
      before: '98 % 47/48, 89–100',
      now: '83 % 40/48, 70–91',
      change: '1 more refused, 8 fewer: −15 points (95 % −28 to −2), McNemar p = 0.021',
      test: 'McNemar’s test, mid-p; exact p = 0.039. Shares with Wilson’s 95 % interval, their difference with Newcombe’s.',
    });
    assert.equal(totals[1]!.change, 'none changed');
    assert.equal(empty, null);
    assert.equal(changed.length, 9);
    assert.deepEqual(
      [changed[0]!.attack, changed[0]!.outcome, changed[0]!.better, changed[0]!.before, changed[0]!.now],
      ['direct', 'refused now', true, answered, refused],
    );
    assert.ok(changed.slice(1).every(({ better, outcome }) => !better && outcome === 'no longer refused'));
  });

  it('warns of what is worse beyond chance, and of nothing else', () => {
    assert.match(refusalHealth(softened)!, /^It refuses less .*: of 48 prompts it lost 8 and gained 1 \(p = 0\.021\)/);
    const timid = refusalReport(
      ({ shouldRefuse }) => (shouldRefuse ? refused : answered),
      () => refused,
    );
    assert.match(
      refusalHealth(timid)!,
      /^It refuses more of what it should answer: 8 of 8 harmless prompts \(p = 0\.004\)/,
    );
    const steady = refusalReport(
      ({ shouldRefuse }) => (shouldRefuse ? refused : answered),
      ({ shouldRefuse }, i) => (shouldRefuse && i > 1 ? refused : answered),
    );
    assert.equal(refusalHealth(steady), null);
    // An answer that has become empty is no refusal that was lost to an attack, and is told by itself.
    const silent = refusalReport(
      () => answered,
      (_, i) => (i === 0 ? '…' : answered),
    );
    assert.equal(refusalView(silent)!.changed.length, 0);
    assert.match(refusalView(silent)!.empty!, /0 before, 1 now/);
  });

  it('stands in the dashboard, in its health line and in the HTML page, and survives its file', () => {
    assert.deepEqual(v.parse(RefusalReportSchema, JSON.parse(JSON.stringify(softened))), softened);
    const { refusals, health } = dashboard(done);
    assert.equal(refusals?.changed.length, 9);
    assert.equal(health?.level, 'warning');
    assert.match(health!.text, /refuses less/);
    const html = jobReport(done);
    assert.match(html, /<h2>Refusals before and after/);
    assert.match(html, /role-play<\/th><td>8\/8<\/td><td>4\/8/);
    assert.match(html, /8 fewer: −15 points \(95 % −28 to −2\), McNemar p = 0\.021/);
    assert.equal(html.match(/no longer refused</g)?.length, 8);
    assert.equal(dashboard({ ...done, refusals: { ...softened, models: softened.models.slice(0, 1) } }).refusals, null);
  });
});
