import assert from 'node:assert/strict';
import {
  choose,
  countPairs,
  type Draft,
  drop,
  emptyDraft,
  extreme,
  give,
  groups,
  isComplete,
  isTouched,
  moveFocus,
  rank,
  tie,
  toggleFlag,
} from '../../../../media/ranking/draft.ts';

/** Plays keys as the view does: digits rank the focused answer, t ties, ↓ and ↑ move. */
function play(answers: number, keys: string): Draft {
  let draft = emptyDraft(answers);
  for (const key of keys) {
    if (key === 't') draft = tie(draft);
    else if (key === '↓') draft = moveFocus(draft, 1);
    else if (key === '↑') draft = moveFocus(draft, -1);
    else draft = rank(draft, draft.focus, Number(key));
  }
  return draft;
}

describe('ranking draft', () => {
  const cases: readonly [answers: number, keys: string, ranks: (number | null)[], focus: number, why: string][] = [
    [4, '', [null, null, null, null], 0, 'nothing yet'],
    [4, '21', [2, 1, null, null], 2, 'a rank moves on'],
    [4, '214t', [2, 1, 4, 4], 3, 't ties with the one ranked before'],
    [4, '21↓24', [2, 1, 4, 2], 2, 'out of order; the focus comes back to what is left, then stays'],
    [4, '↓↓1', [null, null, 1, null], 3, 'starts where the focus is'],
    [4, '↓↓↓1', [null, null, null, 1], 0, 'goes round to the first without a rank'],
    [4, 't', [null, null, null, null], 0, 'nothing to tie with'],
    [4, '9', [null, null, null, null], 0, 'no such rank'],
    [3, '1tt', [1, 1, 1], 2, 'all the same'],
    [2, '1', [1, 2], 0, 'in a pair the other follows'],
    [2, '12', [2, 1], 0, 'and changes along'],
    [2, '↓1', [2, 1], 1, 'also from the second'],
    [2, 't', [1, 1], 0, 'a pair that is level'],
    [2, '1t2', [2, 1], 0, 'a level pair is decided again'],
    [2, '↑↑↑', [null, null], 0, 'the focus stays inside'],
  ];
  for (const [answers, keys, ranks, focus, why] of cases) {
    it(`${keys || 'no key'} of ${answers}: ${why}`, () => {
      const draft = play(answers, keys);
      assert.deepEqual(draft.values, ranks);
      assert.equal(draft.focus, focus);
      assert.equal(isComplete(draft), !ranks.includes(null));
    });
  }

  it('groups and counts as the mock: B > A = D > C, 5 pairs and 1 tie', () => {
    const draft = play(4, '21↓24');
    assert.deepEqual(groups(draft), [[1], [0, 3], [2]]);
    assert.deepEqual(countPairs(draft), { pairs: 5, ties: 1 });
  });

  it('sets and takes back a flag of the answer in focus', () => {
    const flagged = toggleFlag(moveFocus(toggleFlag(emptyDraft(2), 'unsafe'), 1), 'wrong');
    assert.deepEqual(flagged.flags, [['unsafe'], ['wrong']]);
    assert.deepEqual(toggleFlag(flagged, 'wrong').flags, [['unsafe'], []]);
    assert.deepEqual([isTouched(flagged), isTouched(emptyDraft(2))], [true, false]);
  });

  it('chooses one of a pair, whichever has the focus', () => {
    const pair = moveFocus(emptyDraft(2, 'pairwise'), 1);
    assert.deepEqual(
      [choose(pair, 0).values, choose(choose(pair, 0), 1).values],
      [
        [1, 2],
        [2, 1],
      ],
    );
    assert.deepEqual(choose(pair, 2), pair);
  });

  it('has one best and one worst, taken back by the same again', () => {
    let draft = emptyDraft(4, 'best-worst');
    const press = (position: number, value: 1 | -1) => {
      draft = extreme(draft, position, value);
      return [draft.values, isComplete(draft)];
    };
    assert.deepEqual(press(0, 1), [[1, null, null, null], false]);
    assert.deepEqual(press(2, 1), [[null, null, 1, null], false]);
    assert.deepEqual(press(0, -1), [[-1, null, 1, null], true]);
    assert.deepEqual(groups(draft), [[2], [1, 3], [0]]);
    assert.deepEqual(countPairs(draft), { pairs: 5, ties: 0 });
    assert.deepEqual(press(2, -1), [[null, null, -1, null], false]);
    assert.deepEqual(press(2, -1), [[null, null, null, null], false]);
  });

  it('rates and moves on; higher is better', () => {
    let draft = emptyDraft(3, 'rating');
    for (const value of [2, 5, 2]) draft = give(draft, draft.focus, value);
    assert.deepEqual(
      [draft.values, groups(draft), countPairs(draft)],
      [[2, 5, 2], [[1], [0, 2]], { pairs: 2, ties: 1 }],
    );
  });

  it('counts no tie among the accepted', () => {
    let draft = emptyDraft(3, 'accept-reject');
    for (const value of [1, 0, 1]) draft = give(draft, draft.focus, value);
    assert.deepEqual([groups(draft), countPairs(draft)], [[[0, 2], [1]], { pairs: 2, ties: 0 }]);
  });

  it('drops an answer onto another for a tie, or between', () => {
    const order = play(4, '21↓24');
    const check = (draft: Draft, values: (number | null)[]) => assert.deepEqual(draft.values, values);
    check(drop(order, 2, 0, 'onto'), [3, 1, 1, 3]);
    check(drop(order, 2, 0, 'before'), [3, 2, 1, 3]);
    check(drop(order, 0, 3, 'before'), [4, 1, 3, 2]);
    check(drop(order, 1, 9, 'before'), [1, 4, 3, 1]);
    check(drop(emptyDraft(3), 1, 0, 'before'), [null, 1, null]);
    check(drop(drop(emptyDraft(3), 1, 0, 'before'), 2, 0, 'onto'), [null, 1, 1]);
  });
});
