import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  applyChange,
  changeBetween,
  changeOf,
  composeChanges,
  rebaseChange,
  replacementsOf,
  type TextChange,
} from '../../../src/base/textChange.ts';

const word = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', '\n', 'é', '🙂') });

/** Any change of a text: cut it in pieces and keep, delete or insert at each. */
const changeFor = (text: string): fc.Arbitrary<TextChange> =>
  fc.array(fc.record({ at: fc.nat(text.length), length: fc.nat(4), text: word }), { maxLength: 4 }).map(parts => {
    let end = 0;
    const replacements = [];
    for (const part of parts.sort((p, q) => p.at - q.at)) {
      const offset = Math.max(part.at, end);
      const length = Math.min(part.length, text.length - offset);
      end = offset + length;
      replacements.push({ offset, length, text: part.text });
    }
    return changeOf(replacements);
  });
const textAnd = (count: number) =>
  word.chain(text => fc.tuple(fc.constant(text), ...Array.from({ length: count }, () => changeFor(text))));

describe('textChange', () => {
  it('applies replacements and gives them back', () => {
    const change = changeOf([
      { offset: 6, length: 5, text: 'you' },
      { offset: 0, length: 0, text: '>' },
    ]);
    assert.equal(applyChange('hello world', change), '>hello you');
    assert.deepEqual(replacementsOf(change), [
      { offset: 0, length: 0, text: '>' },
      { offset: 6, length: 5, text: 'you' },
    ]);
    assert.throws(() => applyChange('hi', change), RangeError);
  });

  it('composes: one change with the effect of two', () => {
    fc.assert(
      fc.property(
        textAnd(1).chain(([text, first]) => {
          const middle = applyChange(text, first!);
          return fc.tuple(fc.constant(text), fc.constant(first!), changeFor(middle));
        }),
        ([text, first, second]) => {
          assert.equal(applyChange(text, composeChanges(first, second)), applyChange(applyChange(text, first), second));
        },
      ),
    );
  });

  it('converges: two sides that changed the same text meet', () => {
    fc.assert(
      fc.property(textAnd(2), ([text, ours, theirs]) => {
        const left = applyChange(applyChange(text, theirs!), rebaseChange(ours!, theirs!, true));
        const right = applyChange(applyChange(text, ours!), rebaseChange(theirs!, ours!, false));
        assert.equal(left, right);
      }),
    );
  });

  it('keeps every inserted text when it is rebased', () => {
    fc.assert(
      fc.property(textAnd(2), ([, ours, theirs]) => {
        const inserted = (change: TextChange) => change.filter(piece => typeof piece === 'string').join('');
        assert.equal(inserted(rebaseChange(ours!, theirs!, true)), inserted(ours!));
      }),
    );
  });

  it('finds the change between two texts without splitting a character', () => {
    fc.assert(
      fc.property(word, word, (before, after) => {
        const change = changeBetween(before, after);
        assert.equal(applyChange(before, change), after);
        for (const { text } of replacementsOf(change)) assert.ok(text.isWellFormed());
      }),
    );
    assert.deepEqual(changeBetween('a🙂b', 'a🙃b'), [1, '🙃', -2]);
  });
});
