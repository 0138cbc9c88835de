import assert from 'node:assert/strict';
import type { Cell } from '../../../../src/protocol/playgroundCells.ts';
import { requestOf } from '../../../../src/vscode/panels/cellRequest.ts';
import { changedCells } from '../../../../src/vscode/panels/changedCells.ts';
import type { PlaygroundColumn } from '../../../../src/vscode/panels/playgroundColumns.ts';
import { emptyCell, keyOf } from '../../../../src/vscode/panels/playgroundRun.ts';
import { FakePlayground, load, text } from '../../../fakes/playgroundRuns.ts';

const rows = [
  { q: 'a', a: 'x' },
  { q: 'b', a: 'x' },
];
const cell = (row: number, repeat = 0, column = 'm#current'): Cell => ({
  ...emptyCell({ column, row, repeat }),
  status: 'done',
});

describe('answers that would be asked for differently now', () => {
  let now: FakePlayground;
  let before: Map<string, string>;
  const requests = async (columns: readonly PlaygroundColumn[]): Promise<Map<string, string>> => {
    const made = new Map<string, string>();
    for (const column of columns)
      for (const row of [0, 1])
        for (const repeat of [0, 1])
          made.set(keyOf({ column: column.id, row, repeat }), requestOf(column, row, repeat, await column.render(row)));
    return made;
  };
  const look = (columns: readonly PlaygroundColumn[], cells: readonly Cell[] = [cell(0), cell(1), cell(1, 1)]) =>
    changedCells(cells, columns, one => before.get(keyOf(one)));

  beforeEach(async () => {
    now = new FakePlayground(load(text('say'), rows));
    before = await requests(now.columns());
  });
  afterEach(() => now.close());

  it('are none while nothing has changed', async () => {
    const { changed, same } = await look(now.columns());
    assert.deepEqual([[...changed], same.size], [[], 3]);
  });

  for (const [what, source, data] of [
    ['another prompt', text('tell'), rows],
    ['another sampling', text('say').replace('temperature: 0', 'temperature: 1'), rows],
    ['another grade', text('say', ', grade: contains'), rows],
    ['another answer that is expected', text('say'), rows.map(row => ({ ...row, a: 'y' }))],
  ] as const) {
    it(`are all with ${what}`, async () => {
      const { changed, same } = await look(now.columns(load(source, data)));
      assert.deepEqual([changed.size, same.size], [3, 0]);
    });
  }

  it('are those of a row that is another, with all its samples', async () => {
    const { changed, same } = await look(now.columns(load(text('say'), [rows[0]!, { q: 'other', a: 'x' }])));
    assert.deepEqual([[...changed], [...same]], [['m#current|1|0', 'm#current|1|1'], ['m#current|0|0']]);
  });

  it('are those of which it is not known what they were made from', async () => {
    before.delete('m#current|0|0');
    assert.deepEqual([...(await look(now.columns())).changed], ['m#current|0|0']);
  });

  it('are not those of columns that are gone, or of rows that cannot be rendered now', async () => {
    const columns = now.columns().map(column => ({
      ...column,
      render: (row: number) => (row === 1 ? Promise.reject(new Error('no such input')) : column.render(row)),
    }));
    const { changed, same } = await look(columns, [cell(0), cell(1), cell(0, 0, 'gone#current')]);
    assert.deepEqual([[...changed], [...same]], [[], ['m#current|0|0']]);
  });
});
