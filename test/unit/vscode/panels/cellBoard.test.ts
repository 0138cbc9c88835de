import assert from 'node:assert/strict';
import type { Board, Cell } from '../../../../src/protocol/playgroundCells.ts';
import { CellBoard } from '../../../../src/vscode/panels/cellBoard.ts';
import { emptyCell } from '../../../../src/vscode/panels/playgroundRun.ts';

const cell = (row: number, patch: Partial<Cell> = {}): Cell => ({
  ...emptyCell({ column: 'a', row, repeat: 0 }),
  ...patch,
});
const delta = (row: number, text: string) => ({ column: 'a', row, repeat: 0, text, latencyMs: 1, tokens: 1 });

function open() {
  const messages: { cells: Cell[]; append: { row: number; text: string }[]; clear: boolean }[] = [];
  const boards: Board[] = [];
  const board = new CellBoard({ cells: m => messages.push(m), board: b => boards.push(b) }, () => {}, {
    frame: 1e6,
    summary: 1e6,
  });
  return { board, messages, boards };
}

describe('the board of answers', () => {
  it('sends only what happens in the rows that are shown', async () => {
    const { board, messages } = open();
    board.put([cell(0), cell(1), cell(2)]);
    assert.deepEqual(
      (await board.window([1])).map(({ row }) => row),
      [1],
    );
    board.append(delta(0, 'no'));
    board.append(delta(1, 'y'));
    board.append(delta(1, 'es'));
    board.flush();
    assert.deepEqual(messages, [{ cells: [], append: [delta(1, 'yes')], clear: false }]);
    // What streamed out of sight is there when the row comes into view.
    assert.equal((await board.window([0]))[0]!.text, 'no');
    board.dispose();
  });

  it('does not send text twice that a window had already', async () => {
    const { board, messages } = open();
    board.put([cell(0)]);
    await board.window([0]);
    board.append(delta(0, 'half'));
    assert.equal((await board.window([0]))[0]!.text, 'half');
    board.flush();
    assert.deepEqual(messages, []);
    board.dispose();
  });

  it('filters by stars, failures and wrong answers, and keeps its rows while answers stream', () => {
    const { board, boards } = open();
    board.put([cell(0, { status: 'done', right: false }), cell(1, { status: 'failed' }), cell(2, { status: 'done' })]);
    board.mark({ column: 'a', row: 2, repeat: 0 }, { starred: true, pinned: false, note: '' });
    const rows = (filter: 'all' | 'starred' | 'failed' | 'wrong') => {
      board.filter(filter);
      return boards.at(-1)!.rows;
    };
    assert.deepEqual([rows('starred'), rows('failed'), rows('all'), rows('wrong')], [[2], [1], [0, 1, 2], [0]]);
    board.put([cell(1, { status: 'done', right: false })]);
    assert.deepEqual(board.board().rows, [0]);
    board.settle();
    assert.deepEqual(board.board().rows, [0, 1]);
    board.dispose();
  });

  it('shows rows with a pinned answer first, whatever the filter, and keeps marks when an answer is made anew', () => {
    const { board } = open();
    board.put([cell(0), cell(1), cell(2)]);
    board.mark({ column: 'a', row: 2, repeat: 0 }, { starred: false, pinned: true, note: 'good' });
    board.put([cell(2, { status: 'done', text: 'new' })]);
    assert.deepEqual(board.board().rows, [2, 0, 1]);
    assert.deepEqual(board.get({ column: 'a', row: 2, repeat: 0 })!.marks?.note, 'good');
    board.filter('failed');
    assert.deepEqual(board.board().rows, [2]);
    board.dispose();
  });

  it('forgets what was removed', () => {
    const { board, messages } = open();
    board.put([cell(0), cell(1)]);
    board.remove(({ row }) => row === 0);
    assert.deepEqual([board.size, board.rowNumbers(), messages.at(-1)!.clear], [1, [1], true]);
    board.dispose();
  });
});
