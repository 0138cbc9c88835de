import assert from 'node:assert/strict';
import type { Board } from '../../../../src/protocol/playgroundCells.ts';
import { emptyCell } from '../../../../src/vscode/panels/playgroundRun.ts';
import { ShownAnswers } from '../../../../src/vscode/panels/shownAnswers.ts';

describe('the answers that are shown', () => {
  it('names its rows to the page when they are others, and only then', () => {
    const heard: (readonly number[] | null)[] = [];
    const page = { cells() {}, columns() {}, board: ({ rows }: { rows: Board['rows'] | null }) => heard.push(rows) };
    const shown = new ShownAnswers({ page, columns: () => [] } as unknown as ConstructorParameters<
      typeof ShownAnswers
    >[0]);
    const put = (...rows: number[]): void => shown.now.put(rows.map(row => emptyCell({ column: 'a', row, repeat: 0 })));
    put(0, 1);
    shown.now.settle();
    shown.now.settle();
    put(2);
    // A page that begins anew has what it was told then.
    shown.now.remove(({ row }) => row === 0);
    assert.deepEqual(shown.state().rows, [1, 2]);
    shown.now.settle();
    assert.deepEqual(heard, [[0, 1], null, null, [0, 1, 2], null]);
    shown.dispose();
  });
});
