import assert from 'node:assert/strict';
import { isLong, type Mark, split } from '../../../../media/common/answerText.ts';

describe('marks in an answer', () => {
  const check = (name: string, marks: Mark[], expected: string) =>
    it(name, () => {
      const pieces = split('leaks daily', 10, marks);
      assert.equal(pieces.map(({ text, kinds }) => (kinds ? `[${text}:${kinds}]` : text)).join(''), expected);
      for (const { text, at } of pieces) assert.equal('leaks daily'.slice(at - 10, at - 10 + text.length), text);
    });
  check('none', [{ start: 0, end: 10, kind: 'differs' }], 'leaks daily');
  check('inside', [{ start: 12, end: 14, kind: 'differs' }], 'le[ak:differs]s daily');
  check('over its ends', [{ start: 0, end: 15, kind: 'marked' }], '[leaks:marked] daily');
  check(
    'two that overlap',
    [
      { start: 10, end: 15, kind: 'differs' },
      { start: 13, end: 21, kind: 'marked' },
    ],
    '[lea:differs][ks:differs marked][ daily:marked]',
  );

  it('folds what is long by characters or by lines', () => {
    assert.deepEqual(['x'.repeat(1600), 'x'.repeat(1601), 'x\n'.repeat(23), 'x\n'.repeat(30)].map(isLong), [
      false,
      true,
      false,
      true,
    ]);
  });
});
