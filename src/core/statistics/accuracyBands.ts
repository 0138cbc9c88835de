/** Accuracy over several orders of the same examples: its mean with a band, and how much the order matters. */
import { type BootstrapOptions, bootstrapWeights } from './bootstrap.ts';
import { type Interval, wilson } from './intervals.ts';

/** Graded answers: `[order][row]`; undefined where there is none. */
export type Grades = readonly (readonly (boolean | undefined)[])[];

/**
 * Mean accuracy over all orders with its 95 % interval over rows. One order: Wilson's. Several: bootstrap over rows, except where all
 * or none are right: every resample looks the same then, and Wilson's interval over the rows is the honest one.
 */
export function accuracyBand(grades: Grades, options?: BootstrapOptions): Interval {
  const answers = grades.flat().filter(answer => answer !== undefined);
  const right = answers.filter(Boolean).length;
  if (grades.length === 1) return wilson(right, answers.length);
  const rows = answeredRows(grades);
  if (right === 0 || right === answers.length) return wilson(right === 0 ? 0 : rows.length, rows.length);
  const [band] = bootstrapWeights(rows.length, weights => [meanOf(rows, weights)], options);
  return band!;
}

export interface OrderSpread {
  /** Accuracy of each order alone, with Wilson's interval. */
  readonly orders: readonly Interval[];
  /** Best order minus worst, with its bootstrap interval over rows. */
  readonly range: Interval;
  /** Standard deviation over the orders (n − 1). */
  readonly deviation: number;
  /** Rows whose answer is right in some orders and wrong in others. */
  readonly changed: number;
}

/** How much the order of the same examples matters. Needs two orders at least. */
export function orderSpread(grades: Grades, options?: BootstrapOptions): OrderSpread {
  if (grades.length < 2) throw new RangeError('orderSpread needs two orders');
  const orders = grades.map(order => {
    const answers = order.filter(answer => answer !== undefined);
    return wilson(answers.filter(Boolean).length, answers.length);
  });
  const mean = orders.reduce((sum, { estimate }) => sum + estimate, 0) / orders.length;
  const variance = orders.reduce((sum, { estimate }) => sum + (estimate - mean) ** 2, 0) / (orders.length - 1);
  const columns = grades.map(order => order.map(answer => (answer === undefined ? [] : [answer])));
  const [range] = bootstrapWeights(
    Math.max(...grades.map(order => order.length)),
    weights => {
      const accuracies = columns.map(column => meanOf(column, weights));
      return [Math.max(...accuracies) - Math.min(...accuracies)];
    },
    options,
  );
  const changed = answeredRows(grades).filter(row => row.some(Boolean) && !row.every(Boolean)).length;
  return { orders, range: range!, deviation: Math.sqrt(variance), changed };
}

/** The answers to each row that any order answered. */
function answeredRows(grades: Grades): boolean[][] {
  const count = Math.max(0, ...grades.map(order => order.length));
  return Array.from({ length: count }, (_, row) => grades.flatMap(order => order[row] ?? [])).filter(
    answers => answers.length > 0,
  );
}

/** Share of right answers, each row counted as often as its weight says; NaN where none is drawn. */
function meanOf(rows: readonly (readonly boolean[])[], weights: Float64Array): number {
  let right = 0;
  let count = 0;
  for (const [row, answers] of rows.entries()) {
    const weight = weights[row]!;
    count += weight * answers.length;
    for (const answer of answers) if (answer) right += weight;
  }
  return right / count;
}
