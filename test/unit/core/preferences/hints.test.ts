import assert from 'node:assert/strict';
import { hintOf, hintText } from '../../../../src/core/preferences/hints.ts';
import type { JudgementRecord } from '../../../../src/core/preferences/judgement.ts';

const judged = (winner: number, milliseconds = 1000, answers = 2, verdict: JudgementRecord['verdict'] = 'ranked') => {
  const shown = Array.from({ length: answers }, (_, i) => `x${i}`);
  const ranking = winner < 0 ? [shown] : [[shown[winner]!], shown.toSpliced(winner, 1)];
  return { shown, ranking, verdict, milliseconds } as JudgementRecord;
};
const times = (count: number, make: (i: number) => JudgementRecord) => Array.from({ length: count }, (_, i) => make(i));
const left = (count: number) => times(count, () => judged(0));
const mixed = (count: number, milliseconds: number) => times(count, i => judged(i % 2, milliseconds));

describe('hints', () => {
  const check = (name: string, newestFirst: JudgementRecord[], expected: string | undefined) =>
    it(name, () => {
      const hint = hintOf(newestFirst);
      assert.equal(hint && hintText(hint), expected);
    });
  const side = (letter: string, streak: number, odds: number) =>
    `Answer ${letter} won the last ${streak} times. Places are shuffled: chance does this once in ${odds}.`;
  check('nothing yet', [], undefined);
  check('nine times left is chance', left(9), undefined);
  check('ten times left', left(10), side('A', 10, 512));
  check('a tie ends a streak', [...left(5), judged(-1), ...left(5)], undefined);
  check('a skip does not', [...left(5), judged(0, 1, 2, 'skipped'), ...left(5)], side('A', 10, 512));
  check(
    'with four answers six times are enough',
    times(6, () => judged(2, 1000, 4)),
    side('C', 6, 1024),
  );
  check('a steady pace', mixed(30, 2000), undefined);
  check(
    'much faster than before',
    [...mixed(5, 700), ...mixed(15, 2000)],
    'Your last judgements took 0.7 s, those before 2 s.',
  );
  check(
    'much slower',
    [...mixed(5, 12_000), ...mixed(15, 2000)],
    'Your last judgements took 12 s, those before 2 s. Time for a break?',
  );
  check('too few to know one’s pace', [...mixed(5, 100), ...mixed(14, 2000)], undefined);
});
