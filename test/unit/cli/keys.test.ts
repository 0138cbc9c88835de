import assert from 'node:assert/strict';
import { printable } from '../../../src/cli/cli.ts';
import { type Draft, press } from '../../../src/cli/commands/rank.ts';
import { keysOf } from '../../../src/cli/keys.ts';

describe('keysOf', () => {
  const cases: readonly [chunk: string, keys: readonly string[]][] = [
    ['1t\n', ['1', 't', 'enter']],
    ['\r\n\r', ['enter', 'enter']],
    ['\x1b[A\x1b[B\x1bOA', ['up', 'down', 'up']],
    ['\x1b[1;5C\x1b[3~x', ['x']],
    ['\x7f\x03\x04', ['backspace', 'interrupt', 'interrupt']],
    ['é漢😀', ['é', '漢', '😀']],
    ['\x1b', []],
  ];
  for (const [chunk, keys] of cases) {
    it(`cuts ${JSON.stringify(chunk)}`, () => assert.deepEqual(keysOf(chunk), keys));
  }
});

describe('press', () => {
  const after = (answers: number, keys: string): Draft =>
    keysOf(keys).reduce<Draft>((draft, key) => press(draft, key), {
      ranks: Array.from({ length: answers }, () => null),
      focus: 0,
      last: null,
    });
  const cases: readonly [answers: number, keys: string, ranks: readonly (number | null)[], focus: number][] = [
    [4, '12', [1, 2, null, null], 2],
    [4, '1t3t', [1, 1, 3, 3], 3],
    [3, '\x1b[B\x1b[B1', [null, null, 1], 0],
    [3, '5', [null, null, null], 0],
    [3, 't', [null, null, null], 0],
    [3, '123\x1b[A2', [1, 2, 3], 1],
    [2, '1', [1, 2], 0],
    [2, '2', [2, 1], 0],
    [2, '21', [1, 2], 0],
    [2, 't', [1, 1], 0],
    [3, 'x0', [null, null, null], 0],
  ];
  for (const [answers, keys, ranks, focus] of cases) {
    it(`${JSON.stringify(keys)} of ${answers}`, () => {
      const draft = after(answers, keys);
      assert.deepEqual(draft.ranks, ranks);
      assert.equal(draft.focus, focus);
    });
  }
});

describe('printable', () => {
  it('lets no answer act on the terminal', () => {
    assert.equal(printable('a\x1b[2Jb\x9b31m\x07\u202ec\td\r\ne\x00'), 'a\ufffd[2Jb\ufffd31m\ufffd\ufffdc\td\ne\ufffd');
  });
});
