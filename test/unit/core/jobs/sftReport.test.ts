import assert from 'node:assert/strict';
import { type AnsweredRow, sftReport } from '../../../../src/core/jobs/sftReport.ts';
import { wilson } from '../../../../src/core/statistics/intervals.ts';

const row = (task: string, unseen: boolean, before: string, after: string, ...references: string[]): AnsweredRow => ({
  task,
  unseen,
  before,
  after,
  references,
});

describe('the report of instruction tuning', () => {
  const report = sftReport([
    row('sum', false, 'It is 7', '7', '7'),
    row('sum', false, '8', '9', '9'),
    row('french', true, 'chat', 'le chat.', 'le chat', 'un chat'),
    row('french', true, 'LE  Chien', 'le chien', 'le chien'),
    row('plural', true, 'cat', 'dog', 'cats'),
  ])!;

  it('keeps learned tasks and tasks held out apart', () => {
    assert.deepEqual(report.seen?.tasks, ['sum']);
    assert.deepEqual(report.seen?.exactMatch, { before: wilson(0, 2), after: wilson(2, 2) });
    assert.deepEqual(report.unseen?.tasks, ['french', 'plural']);
    assert.deepEqual(report.unseen?.exactMatch, { before: wilson(1, 3), after: wilson(2, 3) });
    assert.equal(report.unseen?.p, 1, 'one gained of one');
  });

  it('takes the nearest reference for ROUGE-L, with an interval around the mean', () => {
    const { before, after } = report.unseen!.rougeL;
    assert.ok(Math.abs(before.estimate - (2 / 3 + 1 + 0) / 3) < 1e-12);
    assert.ok(Math.abs(after.estimate - 2 / 3) < 1e-12);
    assert.ok(before.low <= before.estimate && before.estimate <= before.high && after.n === 3);
  });

  it('has a line for each task', () => {
    assert.deepEqual(
      report.tasks.map(({ task, unseen, rows, exactBefore, exactAfter }) => [
        task,
        unseen,
        rows,
        exactBefore,
        exactAfter,
      ]),
      [
        ['french', true, 2, 0.5, 1],
        ['plural', true, 1, 0, 0],
        ['sum', false, 2, 0, 1],
      ],
    );
  });

  it('says nothing of nothing', () => {
    assert.equal(sftReport([]), undefined);
    assert.equal(sftReport([row('', false, 'a', 'b', 'b')])!.unseen, undefined);
  });
});
