import assert from 'node:assert/strict';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import type { Cell } from '../../../../src/protocol/playgroundCells.ts';
import { CellBoard } from '../../../../src/vscode/panels/cellBoard.ts';
import { emptyCell } from '../../../../src/vscode/panels/playgroundRun.ts';
import { rankingItems } from '../../../../src/vscode/panels/rankingItems.ts';

const template = parseTemplate('---\nname: n\nmodel: {options: {seed: 7}}\n---\nuser:\nx\n', 'n.prompty');
const answer = (row: number, repeat: number, text: string, patch: Partial<Cell> = {}): Cell => ({
  ...emptyCell({ column: 'm#a', row, repeat }),
  status: 'done',
  text,
  ...patch,
});

function items(cells: readonly Cell[], rows: readonly number[], prompt = [{ role: 'user' as const, content: 'x' }]) {
  const board = new CellBoard({ cells() {}, board() {} }, () => {}, { frame: 1e6, summary: 1e6 });
  board.put(cells);
  return rankingItems(rows, {
    board,
    columns: [{ id: 'm#a', model: 'm' }],
    template,
    prompt: async () => prompt,
  }).finally(() => board.dispose());
}

describe('items for ranking', () => {
  it('are rows with two different answers, in order, with who gave them', async () => {
    const cells = [
      answer(2, 0, 'one'),
      answer(2, 1, 'two'),
      answer(0, 0, 'yes'),
      answer(0, 1, 'no'),
      answer(1, 0, 'same'),
      answer(1, 1, 'same'),
      answer(3, 0, 'alone'),
      answer(3, 1, ' '),
    ];
    const made = await items(cells, [3, 2, 1, 0]);
    assert.deepEqual(
      made.map(({ set, messages, answers }) => [set, messages.length, answers.map(({ text }) => text)]),
      [
        ['n', 1, ['yes', 'no']],
        ['n', 1, ['one', 'two']],
      ],
    );
    assert.deepEqual(made[0]!.answers[1], { text: 'no', model: 'm', seed: 7, repeat: 1 });
  });

  it('leave out what earlier runs answered where there are answers of now, columns that are gone, and what failed', async () => {
    const cells = [
      answer(0, 0, 'then', { earlier: true }),
      answer(0, 1, 'now'),
      answer(0, 2, 'now too'),
      answer(0, 0, 'gone', { column: 'm#gone' }),
      answer(0, 3, 'half', { status: 'failed' }),
    ];
    const [item] = await items(cells, [0]);
    assert.deepEqual(
      item!.answers.map(({ text }) => text),
      ['now', 'now too'],
    );
  });

  it('are refused where nothing differs, or where the prompt is not known any more', async () => {
    await assert.rejects(
      items([answer(0, 0, 'a')], [0]),
      /There is nothing to rank: a row needs two different answers/,
    );
    await assert.rejects(items([answer(0, 0, 'a'), answer(0, 1, 'b')], [0], []), /There is nothing to rank/);
  });
});
