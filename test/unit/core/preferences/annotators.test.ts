/** Agreement, consistency, biases and the leaderboard from judgements whose figures are known. */
import assert from 'node:assert/strict';
import { agreement, annotatorFigures } from '../../../../src/core/preferences/annotators.ts';
import { comparisonsOf } from '../../../../src/core/preferences/comparisons.ts';
import { JournalState } from '../../../../src/core/preferences/journalState.ts';
import type { JournalRecord, JudgementRecord } from '../../../../src/core/preferences/judgement.ts';
import { leaderboard } from '../../../../src/core/preferences/leaderboard.ts';

let clock = 0;
const stamp = (author: string) => ({
  format: 1 as const,
  id: `r${++clock}`,
  at: new Date(clock).toISOString(),
  author,
});
const item = (id: string, texts: readonly string[]): JournalRecord => ({
  ...stamp('ada'),
  id,
  type: 'item',
  set: 's',
  messages: [],
  answers: texts.map((text, i) => ({ id: 'abc'[i]!, text, model: `model ${'abc'[i]}` })),
});
/** `order` "a>b=c"; shown in the order "abc". */
const judgement = (
  author: string,
  id: string,
  order: string,
  more: Partial<JudgementRecord> = {},
): JudgementRecord => ({
  ...stamp(author),
  type: 'judgement',
  item: id,
  ranking: order === '' ? [] : order.split('>').map(group => group.split('=')),
  shown: ['a', 'b', 'c'],
  verdict: 'ranked',
  flags: [],
  milliseconds: 1,
  ...more,
});

describe('annotators', () => {
  it('agree wholly, by chance, or against each other', () => {
    const check = (orders: readonly (readonly [string, string])[], raw: number, alpha: (value: number) => boolean) => {
      const state = JournalState.of(
        orders.flatMap(([ada, bob], i) => [
          item(`i${i}`, ['x', 'y', 'z']),
          judgement('ada', `i${i}`, ada),
          judgement('bob', `i${i}`, bob),
        ]),
      );
      const found = agreement(comparisonsOf(state.judgements, state.itemById), { repeats: 50 });
      assert.equal(found.units, 3 * orders.length);
      assert.ok(Math.abs(found.raw - raw) < 1e-12, String(found.raw));
      assert.ok(alpha(found.alpha.estimate), String(found.alpha.estimate));
    };
    check(
      [
        ['a>b=c', 'a>c=b'],
        ['c>b>a', 'c>b>a'],
      ],
      1,
      value => value === 1,
    );
    // Always the same order is agreement too: which answer is called the first does not matter.
    check(
      [
        ['a>b>c', 'a>b>c'],
        ['a>b>c', 'a>b>c'],
      ],
      1,
      value => value === 1,
    );
    check(
      [
        ['a>b>c', 'c>b>a'],
        ['a>b>c', 'c>b>a'],
      ],
      0,
      value => value < -0.5,
    );
    check([['a>b>c', 'a>c>b']], 2 / 3, value => value > 0 && value < 1);
  });

  it('have a consistency on repeats, a place and a length that they favour', () => {
    const revised = judgement('ada', 'i1', 'c>b>a');
    const state = JournalState.of([
      item('i0', ['long text', 'short', 's']),
      item('i1', ['x', 'yy', 'zzz']),
      judgement('ada', 'i0', 'a>b>c'),
      judgement('ada', 'i0', 'a>c>b'),
      revised,
      judgement('ada', 'i1', 'a>b>c', { replaces: revised.id }),
      judgement('bob', 'i1', '', { verdict: 'skipped' }),
    ]);
    assert.equal(state.repeats.length, 1, 'a revision is no repeat');
    const [ada, bob] = annotatorFigures(state.judgements, state.repeats, state.itemById, { repeats: 50 });
    assert.deepEqual([ada!.consistency.estimate, ada!.consistency.n], [2 / 3, 3]);
    assert.equal(ada!.firstShownWins.estimate, 5 / 6);
    assert.equal(ada!.longerWins.estimate, 2 / 6);
    assert.deepEqual([bob!.skipped, bob!.firstShownWins.n], [1, 0]);
  });

  it('make a leaderboard, all-bad as ties', () => {
    const state = JournalState.of([
      item('i0', ['x', 'y', 'z']),
      item('i1', ['x', 'y', 'z']),
      judgement('ada', 'i0', 'b>a>c'),
      judgement('ada', 'i1', '', { verdict: 'all-bad' }),
    ]);
    const board = leaderboard(comparisonsOf(state.judgements, state.itemById), { repeats: 20 });
    assert.deepEqual([board.games, board.ties], [6, 3]);
    assert.deepEqual(
      board.ratings.map(({ player }) => player),
      ['model b', 'model a', 'model c'],
    );
    assert.equal(board.winRates[0]![2], 0.75);
  });
});
