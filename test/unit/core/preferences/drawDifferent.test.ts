import assert from 'node:assert/strict';
import { drawDifferent } from '../../../../src/core/preferences/drawDifferent.ts';

describe('drawing until answers differ', () => {
  const check = (name: string, texts: string[], wanted: number, most: number, expected: string[], drawn: number) =>
    it(name, async () => {
      const asked: number[] = [];
      const result = await drawDifferent({
        wanted,
        most,
        textOf: (text: string) => text,
        draw: async repeat => {
          asked.push(repeat);
          return texts[repeat % texts.length]!;
        },
      });
      assert.deepEqual(result, { answers: expected, drawn });
      assert.deepEqual(asked, [...Array(drawn).keys()]);
    });
  check('the first ones differ', ['a', 'b', 'c'], 2, 8, ['a', 'b'], 2);
  check('asks for what is missing alone', ['a', 'a', 'a', 'b'], 2, 8, ['a', 'b'], 4);
  check('stops at the bound', ['a'], 3, 7, ['a'], 7);
  check('an empty answer is none', ['', 'a'], 2, 4, ['a'], 4);
});
