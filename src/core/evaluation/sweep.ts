/** Shot sweeps: accuracy against the number of worked examples, each number in several orders of the same examples. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { shownAs } from '../prompts/render.ts';
import type { Template } from '../prompts/template.ts';
import { accuracyBand, type OrderSpread, orderSpread } from '../statistics/accuracyBands.ts';
import type { BootstrapOptions } from '../statistics/bootstrap.ts';
import type { Interval } from '../statistics/intervals.ts';
import { type ColumnAnswers, type ComparedColumn, compareColumns } from './experiment.ts';
import { withShots } from './variants.ts';

export interface SweepSettings {
  /** Numbers of examples. */
  readonly shots: readonly number[];
  /** Orders of the same examples that are tried, the template's own among them. */
  readonly orders: number;
  /** Of the other orders, and of the bootstrap. */
  readonly seed: number;
}

/** One number of examples in one order. */
export interface SweepColumn {
  readonly shots: number;
  /** From 0. */
  readonly order: number;
  /** Of the order; undefined for the template's own. */
  readonly orderSeed: number | undefined;
  readonly template: Template;
}

/** Throws a HumanError where a template has no shots to sweep. */
export function checkSweep(template: Template): void {
  const place = { file: template.file };
  if (!template.tunesmith.examples)
    throw new HumanError(
      l10n.t('This template names no example bank. Add “examples” under metadata.tunesmith, or use no shots.'),
      { place },
    );
  if (shownAs(template.tunesmith.reasoning.strategy, template) === 'zero-shot-cot')
    throw new HumanError(
      l10n.t('Zero-shot chain of thought shows no examples. Choose another strategy to sweep shots.'),
      { place },
    );
}

/** Numbers in rising order, each with its orders: the first is the template's own, and one example has one order. */
export function sweepColumns(template: Template, { shots, orders, seed }: SweepSettings): SweepColumn[] {
  return [...new Set(shots)]
    .sort((a, b) => a - b)
    .flatMap(number => {
      const shown = withShots(template, number);
      return Array.from({ length: number < 2 ? 1 : orders }, (_, order) => ({
        shots: number,
        order,
        orderSeed: order === 0 ? undefined : seed + order,
        template: shown,
      }));
    });
}

export interface SweepPoint {
  readonly shots: number;
  /** Mean over all orders; the band is a bootstrap over rows (Wilson's where there is one order). */
  readonly accuracy: Interval;
  /** Where there were several orders. */
  readonly spread?: OrderSpread;
  readonly failed: number;
  /** The template's own order, paired with that of the fewest shots; absent for these. */
  readonly versus?: NonNullable<ComparedColumn['versus']>;
}

/** Answers of one number of examples in one order, by row; undefined where there is none that is graded. */
export interface SweptAnswers {
  readonly shots: number;
  readonly correct: ColumnAnswers['correct'];
  readonly failed: number;
}

/** The curve, in the order of the columns; the first of each number of shots is the template's own order. */
export function sweepCurve(
  columns: readonly SweptAnswers[],
  seed: number,
  options: Omit<BootstrapOptions, 'seed'> = {},
): SweepPoint[] {
  const byShots = new Map<number, SweptAnswers[]>();
  for (const column of columns) byShots.set(column.shots, [...(byShots.get(column.shots) ?? []), column]);
  const compared = compareColumns(
    [...byShots.values()].map(([own]) => ({ label: '', model: '', answers: [], ...own! })),
  );
  return [...byShots].map(([shots, orders], i) => {
    const grades = orders.map(({ correct }) => correct);
    const { versus } = compared[i]!;
    return {
      shots,
      accuracy: accuracyBand(grades, { ...options, seed }),
      ...(orders.length > 1 ? { spread: orderSpread(grades, { ...options, seed }) } : {}),
      failed: orders.reduce((sum, { failed }) => sum + failed, 0),
      ...(versus ? { versus } : {}),
    };
  });
}
