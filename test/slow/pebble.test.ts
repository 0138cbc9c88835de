/** What the bundled model can do, by real generation on unseen instances. */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { type Answer, accuracyOf, loadPebble, replyStatistics } from '../../scripts/pebble/evaluate.ts';
import { recordFigures } from './figures.ts';

describe('pebble', function () {
  this.timeout(600_000);
  const folder = new URL('../../models/pebble/', import.meta.url);
  const figures = ['Right answers to 200 unseen instances:', '', '| task | right |', '|---|---|'];
  let answer: Answer;
  let dispose: () => Promise<void>;

  before(async () => {
    ({ answer, dispose } = await loadPebble());
  });
  after(async () => {
    await dispose();
    recordFigures('pebble', figures.join('\n'));
  });

  it('takes at most 16 MB', () => {
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(new URL(name, folder)).size, 0);
    assert.ok(bytes <= 16e6, `${bytes}`);
  });

  for (const task of ['sentiment', 'translation', 'order', 'style']) {
    it(`answers at least 80 % of 200 unseen instances: ${task}`, async () => {
      const wrong: string[] = [];
      const share = await accuracyOf(task, answer, 200, wrong);
      figures.push(`| ${task} | ${(100 * share).toFixed(1)} % |`);
      assert.ok(share >= 0.8, `${share}\n${wrong.slice(0, 5).join('\n')}`);
    });
  }

  it('solves word problems in steps and not at once', async () => {
    const [direct, fewShot, zeroShot] = [
      await accuracyOf('problem-direct', answer, 200),
      await accuracyOf('problem-few-shot', answer, 200),
      await accuracyOf('problem-zero-shot', answer, 200),
    ];
    for (const [name, share] of Object.entries({ direct, fewShot, zeroShot })) {
      figures.push(`| word problem, ${name} | ${(100 * share).toFixed(1)} % |`);
    }
    assert.ok(fewShot > direct + 0.25 && zeroShot > direct + 0.25, `${direct}, ${fewShot}, ${zeroShot}`);
  });

  it('replies to reviews with room for improvement', async () => {
    const replies = await replyStatistics(answer, 320);
    figures.push('', `Replies: ${JSON.stringify({ ...replies, examples: undefined })}`);
    for (const rate of [replies.names, replies.offers]) assert.ok(rate > 0.25 && rate < 0.55, JSON.stringify(replies));
    assert.ok(replies.ended > 0.97 && replies.words > 20 && replies.words < 34, JSON.stringify(replies));
  });
});
