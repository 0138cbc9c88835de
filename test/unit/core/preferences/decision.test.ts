/** Decisions of every kind become judgements and come back as they were. */
import assert from 'node:assert/strict';
import { type Decision, decided, fits, valuesOf } from '../../../../src/core/preferences/decision.ts';
import type { JudgementKind } from '../../../../src/core/preferences/judgement.ts';

const scale = { min: 1, max: 5 };
const shown = ['c', 'a', 'b'];

describe('decisions', () => {
  const check = (name: string, kind: JudgementKind, values: (number | null)[], expected: object | undefined) =>
    it(name, () => {
      const decision: Decision = { kind, shown, values, verdict: 'ranked', scale };
      const made = decided(decision);
      if (expected === undefined) return assert.equal(made, undefined);
      assert.deepEqual(made, { kind, shown, verdict: 'ranked', ...expected });
      // Taken up again: the same values, or for ranks the same order.
      const again = valuesOf(made!, shown, kind);
      assert.deepEqual(decided({ ...decision, values: again }), made);
    });

  check('ranks become groups, gaps mean nothing', 'ranking', [2, 1, 2], { ranking: [['a'], ['c', 'b']] });
  check('a rank is missing', 'ranking', [2, null, 1], undefined);
  check('too few ranks', 'ranking', [2, 1], undefined);
  check('ratings rank downwards and are kept', 'rating', [1, 5, 1], {
    ranking: [['a'], ['c', 'b']],
    ratings: { c: 1, a: 5, b: 1 },
    scale,
  });
  check('a rating beyond the scale', 'rating', [1, 6, 1], undefined);
  check('best and worst', 'best-worst', [-1, 1, 0], { ranking: [['a'], ['b'], ['c']] });
  check('no worst', 'best-worst', [0, 1, 0], undefined);
  check('accepted and rejected', 'accept-reject', [1, 0, 1], { ranking: [['c', 'b'], ['a']], accepted: ['c', 'b'] });
  check('all rejected one by one', 'accept-reject', [0, 0, 0], { ranking: [['c', 'a', 'b']], accepted: [] });
  check('one of them undecided', 'accept-reject', [0, null, 0], undefined);

  it('keeps no order of what was skipped or all bad', () => {
    for (const verdict of ['skipped', 'all-bad'] as const) {
      const made = decided({ kind: 'ranking', shown, values: [1, 2, 3], verdict, scale });
      assert.deepEqual(made?.ranking, []);
      assert.deepEqual(valuesOf(made!, shown, 'ranking'), [null, null, null]);
    }
  });

  it('takes up ranks with a tie over its places, and starts anew under another kind', () => {
    const ranking = [['b'], ['a', 'c']];
    assert.deepEqual(valuesOf({ ranking, verdict: 'ranked' }, shown, 'ranking'), [2, 2, 1]);
    assert.deepEqual(valuesOf({ ranking, verdict: 'ranked' }, shown, 'rating'), [null, null, null]);
  });

  it('knows ranges of another text', () => {
    assert.ok(fits({ start: 0, end: 3 }, 'abc'));
    for (const [start, end] of [
      [0, 4],
      [2, 2],
      [-1, 2],
      [0.5, 2],
    ] as const)
      assert.ok(!fits({ start, end }, 'abc'), `${start}–${end}`);
    assert.ok(!fits({ start: 0, end: 1 }, undefined));
  });
});
