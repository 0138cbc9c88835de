/** Kills of the real extension host while ranking: a few in every run, as many as TUNESMITH_KILLS says in a longer one. */
import assert from 'node:assert/strict';
import { killWhileRanking } from './crashRanking.ts';

describe('ranking while the extension host is killed', function () {
  const kills = Number(process.env.TUNESMITH_KILLS ?? 3);
  this.timeout(120_000 + kills * 60_000);

  it('keeps every judgement that the view acknowledged', async () => {
    const outcome = await killWhileRanking(kills);
    assert.ok(outcome.acknowledged > 0, JSON.stringify(outcome));
  });
});
