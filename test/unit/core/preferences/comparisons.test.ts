/** What each kind of judgement says of two answers, by hand. */
import assert from 'node:assert/strict';
import { comparisonsOf } from '../../../../src/core/preferences/comparisons.ts';
import type { ItemRecord, JudgementRecord } from '../../../../src/core/preferences/judgement.ts';

const record = { format: 1 as const, at: '2026-01-01T00:00:00.000Z', author: 'ada' };
const item: ItemRecord = {
  ...record,
  type: 'item',
  id: 'i',
  set: 's',
  messages: [{ role: 'user', content: 'Hello?' }],
  answers: ['a', 'b', 'c', 'd'].map(id => ({ id, text: id, model: 'm' })),
};

describe('comparisons', () => {
  const check = (name: string, given: Partial<JudgementRecord>, expected: string) =>
    it(name, () => {
      const judgement: JudgementRecord = {
        ...record,
        type: 'judgement',
        id: 'j',
        item: 'i',
        ranking: [],
        shown: ['d', 'c', 'b', 'a'],
        verdict: 'ranked',
        flags: [],
        milliseconds: 1,
        ...given,
      };
      const words = [...comparisonsOf([judgement], new Map([['i', item]]))].map(
        ({ first, second, outcome }) => `${first.id}${{ 1: '>', 0: '<', 0.5: '=' }[outcome]}${second.id}`,
      );
      assert.equal(words.join(' '), expected);
    });

  const bestFirst = [['b'], ['a', 'c'], ['d']];
  check('a ranking with a tie', { ranking: bestFirst }, 'a<b a=c a>d b>c b>d c>d');
  check('a rating is a ranking by numbers', { kind: 'rating', ranking: bestFirst }, 'a<b a=c a>d b>c b>d c>d');
  check(
    'best and worst leave the middle uncompared',
    { kind: 'best-worst', ranking: bestFirst },
    'a<b a>d b>c b>d c>d',
  );
  check(
    'accept or reject compares across alone',
    {
      kind: 'accept-reject',
      ranking: [
        ['a', 'b'],
        ['c', 'd'],
      ],
    },
    'a>c a>d b>c b>d',
  );
  check('of a pair the other answers say nothing', { kind: 'pairwise', ranking: [['c'], ['a']] }, 'a<c');
  check('all bad ties all', { verdict: 'all-bad' }, 'a=b a=c a=d b=c b=d c=d');
  check('both bad ties the two that were shown', { kind: 'pairwise', verdict: 'all-bad', shown: ['d', 'b'] }, 'b=d');
  check('skipped says nothing', { verdict: 'skipped' }, '');
});
