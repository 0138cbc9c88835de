/** A few kills of the extension host while ranking; test/slow/crashEditor.test.ts does twenty. */
import assert from 'node:assert/strict';
import { killWhileRanking } from './crashRanking.ts';

describe('ranking while the extension host is killed', function () {
  this.timeout(300_000);

  it('keeps every judgement that the view acknowledged', async () => {
    const outcome = await killWhileRanking(Number(process.env.TUNESMITH_KILLS ?? 3));
    assert.ok(outcome.acknowledged > 0);
  });
});
