import assert from 'node:assert/strict';
import type { Cell } from '../../../../src/protocol/playgroundCells.ts';
import { columnScores } from '../../../../src/vscode/panels/columnScores.ts';
import { emptyCell } from '../../../../src/vscode/panels/playgroundRun.ts';

const column = (model: string, variant: number) => ({ id: `${model}#${variant}`, model, variant });

/** One character a row: + right, - wrong, ! failed, . running. */
const cells = (id: string, rows: string): Cell[] =>
  [...rows].map((sign, row) => ({
    ...emptyCell({ column: id, row, repeat: 0 }),
    status: sign === '!' ? 'failed' : sign === '.' ? 'running' : 'done',
    right: sign === '+' ? true : sign === '-' ? false : null,
  }));

describe('scores of columns', () => {
  it('count finished, graded answers only, and say what failed', () => {
    const scores = columnScores(cells('m#0', '++-!.'), [column('m', 0)]);
    const { score, failed, paired } = scores.get('m#0')!;
    assert.deepEqual([score?.right, score?.n, failed, paired], [2, 3, 1, null]);
  });

  it('compare a variant with the first on its model, and models with the first model, over what both have', () => {
    const columns = [column('m', 0), column('m', 1), column('k', 0), column('k', 1)];
    const scores = columnScores(
      [...cells('m#0', '--+-!'), ...cells('m#1', '++++'), ...cells('k#0', '+-+-+'), ...cells('k#1', '!!!!!')],
      columns,
    );
    const pick = (id: string) => {
      const paired = scores.get(id)!.paired;
      return paired && [paired.n, paired.gained, paired.lost, paired.estimate];
    };
    assert.deepEqual(
      columns.map(({ id }) => pick(id)),
      [null, [4, 3, 0, 0.75], [4, 1, 0, 0.25], null],
    );
    assert.ok(Math.abs(scores.get('m#1')!.paired!.midP - 0.125) < 1e-12);
  });

  it('compare with the baseline that was chosen, and correct p for all that are compared', () => {
    const columns = [0, 1, 2].map(variant => ({ ...column('m', variant), baseline: variant === 1 }));
    const scores = columnScores(
      [...cells('m#0', '-------+'), ...cells('m#1', '++++++++'), ...cells('m#2', '+++++++-')],
      columns,
    );
    const pairs = columns.map(({ id }) => scores.get(id)!.paired);
    assert.deepEqual(
      pairs.map(pair => pair && [pair.gained, pair.lost, pair.comparisons]),
      [[0, 7, 2], null, [0, 1, 2]],
    );
    assert.deepEqual(
      [pairs[0]!.adjustedP, pairs[2]!.adjustedP],
      [2 * pairs[0]!.midP, Math.max(2 * pairs[0]!.midP, pairs[2]!.midP)],
    );
  });
});
