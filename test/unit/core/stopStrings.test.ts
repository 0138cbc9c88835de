import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StopStrings } from '../../../src/core/stopStrings.ts';

function run(
  stops: readonly string[],
  pieces: readonly string[],
): { text: string; stopped: boolean; gaveOut: string[] } {
  const matcher = new StopStrings(stops);
  const gaveOut: string[] = [];
  for (const piece of pieces) {
    const { text, stopped } = matcher.push(piece);
    gaveOut.push(text);
    if (stopped) return { text: gaveOut.join(''), stopped, gaveOut };
  }
  gaveOut.push(matcher.end());
  return { text: gaveOut.join(''), stopped: false, gaveOut };
}

describe('stop strings', () => {
  it('are found across pieces, and what may begin one is held back', () => {
    assert.deepEqual(run(['###'], ['a#', '#', '#b']), { text: 'a', stopped: true, gaveOut: ['a', '', ''] });
    assert.deepEqual(run(['###'], ['a##', 'b', '##']), {
      text: 'a##b##',
      stopped: false,
      gaveOut: ['a', '##b', '', '##'],
    });
    assert.deepEqual(run(['\n\n', 'END'], ['x\n', 'EN', 'D']).text, 'x\n');
  });

  it('end at the first of several, wherever the text is cut', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 });
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 6 }), stops, (pieces, stops) => {
        const whole = pieces.join('');
        const result = run(stops, pieces);
        // A stop string that ends first wins over a longer one that begins earlier: the stream cannot know the future.
        const ends = stops.flatMap(stop => (whole.includes(stop) ? [whole.indexOf(stop) + stop.length] : []));
        assert.equal(result.stopped, ends.length > 0);
        if (ends.length === 0) assert.equal(result.text, whole);
        else {
          assert.ok(whole.startsWith(result.text));
          for (const stop of stops) assert.ok(!result.text.includes(stop), `“${result.text}” holds “${stop}”`);
        }
      }),
    );
  });

  it('pass over empty strings', () => {
    assert.deepEqual(run([''], ['a', 'b']), { text: 'ab', stopped: false, gaveOut: ['a', 'b', ''] });
  });
});
