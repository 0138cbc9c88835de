import assert from 'node:assert/strict';
import {
  countPairs,
  type Draft,
  emptyDraft,
  groups,
  isComplete,
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
      assert.deepEqual(draft.ranks, ranks);
      assert.equal(draft.focus, focus);
      assert.equal(isComplete(draft), !ranks.includes(null));
    });
  }

  it('groups and counts as the mock: B > A = D > C, 5 pairs and 1 tie', () => {
    const draft = play(4, '21↓24');
    assert.deepEqual(groups(draft), [[1], [0, 3], [2]]);
    assert.deepEqual(countPairs(draft), { pairs: 5, ties: 1 });
  });

  it('sets and takes back a flag', () => {
    const flagged = toggleFlag(toggleFlag(emptyDraft(2), 'unsafe'), 'invented-fact');
    assert.deepEqual(flagged.flags, ['unsafe', 'invented-fact']);
    assert.deepEqual(toggleFlag(flagged, 'unsafe').flags, ['invented-fact']);
  });
});
