/** What a sweep's cells come to: grades by number of shots, order and row, and the curve through them. */
import { sweepCurve } from '../../core/evaluation/sweep.ts';
import type { BootstrapOptions } from '../../core/statistics/bootstrap.ts';
import { wilson } from '../../core/statistics/intervals.ts';
import type { Cell } from '../../protocol/playgroundCells.ts';
import type { SweepCurve } from '../../protocol/playgroundSweep.ts';
import type { RunCounts } from '../../storage/runList.ts';

export interface SweptColumn {
  readonly id: string;
  readonly model: string;
  readonly modelLabel: string;
  readonly shots: number;
  /** From 0. */
  readonly order: number;
}

type Ended = Pick<Cell, 'right' | 'cached'> & {
  readonly failed: boolean;
  readonly cut: boolean;
  /** Requests that it took, wherever they were answered. */
  readonly requests: number;
};

export class SweepTally {
  /** By column and row. */
  readonly #ended = new Map<string, Map<number, Ended>>();

  /** Takes a cell that has ended in place of the one before it; others do not count. */
  add({ column, row, status, right, cached, warning, stages }: Cell): void {
    if (status !== 'done' && status !== 'failed') return;
    const rows = this.#ended.get(column) ?? new Map<number, Ended>();
    this.#ended.set(column, rows);
    const requests = status === 'failed' ? 0 : Math.max(1, stages.length);
    rows.set(row, { right, cached, failed: status === 'failed', cut: warning !== null, requests });
  }

  counts(): Omit<RunCounts, 'total'> {
    const counts = { done: 0, failed: 0, graded: 0, right: 0 };
    for (const rows of this.#ended.values())
      for (const { failed, right } of rows.values()) {
        counts.done++;
        if (failed) counts.failed++;
        if (right !== null) counts.graded++;
        if (right) counts.right++;
      }
    return counts;
  }

  ended(columns: readonly SweptColumn[]): { done: number; failed: number } {
    const all = columns.flatMap(({ id }) => [...(this.#ended.get(id)?.values() ?? [])]);
    return { done: all.length, failed: all.filter(({ failed }) => failed).length };
  }

  /** Requests that were sent, and answers of the cache. */
  asked(columns: readonly SweptColumn[]): { calls: number; cached: number } {
    const asked = { calls: 0, cached: 0 };
    for (const { id } of columns)
      for (const { cached, requests } of this.#ended.get(id)?.values() ?? [])
        asked[cached ? 'cached' : 'calls'] += requests;
    return asked;
  }

  /** One for each model; orders and numbers of shots that have no graded answer yet are left out. */
  curves(columns: readonly SweptColumn[], seed: number, options: Omit<BootstrapOptions, 'seed'> = {}): SweepCurve[] {
    const models = new Map(columns.map(({ model, modelLabel }) => [model, modelLabel]));
    return [...models].map(([model, label]) => {
      const own = columns.filter(column => column.model === model).map(column => this.#answers(column));
      const graded = own.filter(({ correct }) => correct.some(one => one !== undefined));
      const points = sweepCurve(graded, seed, options).map(({ shots, accuracy, spread, versus }) => {
        const here = own.filter(column => column.shots === shots);
        const sum = (of: (one: (typeof here)[number]) => number): number => here.reduce((n, one) => n + of(one), 0);
        return {
          shots,
          accuracy,
          orders: graded
            .filter(column => column.shots === shots)
            .map(({ correct }) => {
              const known = correct.filter(one => one !== undefined);
              return wilson(known.filter(Boolean).length, known.length);
            }),
          range: spread?.range ?? null,
          failed: sum(({ failed }) => failed),
          cut: sum(({ cut }) => cut),
          versus:
            versus && versus.n > 0 ? { gained: versus.gained, lost: versus.lost, adjustedP: versus.adjustedP } : null,
        };
      });
      return { model, label, points };
    });
  }

  #answers({ id, shots }: SweptColumn) {
    const correct: (boolean | undefined)[] = [];
    let [failed, cut] = [0, 0];
    for (const [row, one] of this.#ended.get(id) ?? []) {
      correct[row] = one.right ?? undefined;
      if (one.failed) failed++;
      if (one.cut) cut++;
    }
    // Rows that are not there yet: places without a value are no values to walk over.
    return { shots, correct: Array.from(correct), failed, cut };
  }
}
