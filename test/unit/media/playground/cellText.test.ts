/** What of an answer a cell of the matrix lays out. */
import assert from 'node:assert/strict';
import { beginning } from '../../../../media/playground/cellText.ts';
import { emptyCell } from '../../../../src/vscode/panels/playgroundRun.ts';

describe('media/playground/cellText', () => {
  const check = (text: string, letters: number, shown: string): void => {
    const cell = { ...emptyCell({ column: 'a', row: 0, repeat: 0 }), text };
    const cut = beginning(cell, letters);
    assert.equal(cut.text, shown);
    assert.equal(cell.text, text);
    if (text === shown) assert.equal(cut, cell);
  };

  it('leaves what fits as it is', () => {
    check('', 10, '');
    check('ten letters', 11, 'ten letters');
  });
  it('cuts what lies beyond, and says so', () => check('ten letters', 3, 'ten…'));
  it('cuts no character in half', () => {
    check('ab😀cd', 3, 'ab…');
    check('ab😀cd', 4, 'ab😀…');
  });
});
