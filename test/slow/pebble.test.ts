import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { type Answer, accuracyOf, loadPebble, replyStatistics } from '../../scripts/pebble/evaluate.ts';

describe('pebble', function () {
  this.timeout(600_000);
  const folder = new URL('../../models/pebble/', import.meta.url);
  let answer: Answer;
  let dispose: () => Promise<void>;

  before(async () => {
    ({ answer, dispose } = await loadPebble());
  });
  after(() => dispose());

  it('takes at most 16 MB', () => {
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(new URL(name, folder)).size, 0);
    assert.ok(bytes <= 16e6, `${bytes}`);
  });

  for (const task of [
    'question-answering',
    'sentiment',
    'translation',
    'order',
    'routing',
    'style',
    'problem-few-shot',
    'problem-zero-shot',
  ]) {
    it(`answers at least 80 % of 200 unseen instances: ${task}`, async () => {
      const wrong: string[] = [];
      const share = await accuracyOf(task, answer, 200, wrong);
      console.log(`      ${task}: ${(100 * share).toFixed(1)} %`);
      assert.ok(share >= 0.8, `${share}\n${wrong.slice(0, 5).join('\n')}`);
    });
  }

  it('needs the examples for routing, and the steps for word problems', async () => {
    assert.ok((await accuracyOf('routing, 0 shots', answer, 200)) < 0.3);
    const direct = await accuracyOf('problem-direct', answer, 200);
    const worked = await accuracyOf('problem-few-shot', answer, 200);
    console.log(
      `      direct ${(100 * direct).toFixed(1)} %, few-shot chain of thought ${(100 * worked).toFixed(1)} %`,
    );
    assert.ok(worked > direct + 0.1, `${worked} against ${direct}`);
  });

  it('replies to reviews with room for improvement', async () => {
    const replies = await replyStatistics(answer, 320);
    console.log(`      ${JSON.stringify({ ...replies, examples: undefined })}`);
    for (const rate of [replies.names, replies.offers]) assert.ok(rate > 0.25 && rate < 0.55, JSON.stringify(replies));
    assert.ok(replies.ended > 0.97 && replies.words > 20 && replies.words < 34, JSON.stringify(replies));
  });
});
