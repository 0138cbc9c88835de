/** Text in pieces: it is what `+=` would make of them, whenever it is read. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { GrowingText } from '../../../src/base/growingText.ts';

describe('a growing text', () => {
  it('is the pieces in their order, whenever it is read', () =>
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.boolean()), { maxLength: 200 }), pieces => {
        const text = new GrowingText();
        let expected = '';
        for (const [piece, read] of pieces) {
          text.add(piece);
          expected += piece;
          assert.equal(text.length, expected.length);
          if (read) assert.equal(`${text}`, expected);
        }
        assert.equal(`${text}`, expected);
        text.clear();
        assert.deepEqual([`${text}`, text.length], ['', 0]);
      }),
    ));
});
