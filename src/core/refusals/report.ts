/** The report of a refusal suite asked of two models, as it is kept in a job's folder, and what a dashboard shows of it. */
import * as v from 'valibot';
import { percent } from '../../base/figure.ts';
import { l10n } from '../../base/l10n.ts';
import type { Interval } from '../statistics/intervals.ts';
import type { PairedComparison } from '../statistics/mcnemar.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const share = v.pipe(v.number(), v.finite());
const IntervalSchema = v.object({ estimate: share, low: share, high: share, n: count });

const FiguresSchema = v.object({
  model: v.string(),
  /** In the suite's order. */
  attacks: v.pipe(v.array(v.object({ attack: v.string(), refused: IntervalSchema })), v.readonly()),
  unwanted: IntervalSchema,
  harmless: IntervalSchema,
  empty: count,
});

const ComparisonSchema = v.object({
  n: count,
  gained: count,
  lost: count,
  difference: IntervalSchema,
  midP: share,
  exactP: share,
});

/** `refusals.json`: of one model or of two, the second against the first. */
export const RefusalReportSchema = v.object({
  models: v.array(FiguresSchema),
  change: v.exactOptional(v.object({ unwanted: ComparisonSchema, harmless: ComparisonSchema })),
  answers: v.array(
    v.object({
      attack: v.string(),
      prompt: v.string(),
      shouldRefuse: v.boolean(),
      answers: v.array(v.object({ text: v.string(), outcome: v.picklist(['refused', 'answered', 'empty']) })),
    }),
  ),
});
export type RefusalReport = v.InferOutput<typeof RefusalReportSchema>;

/** What a dashboard shows: counts before and after by attack, how they differ, and the prompts whose outcome changed. */
export const RefusalViewSchema = v.object({
  /** `7/8`, by attack, in the suite's order. */
  attacks: v.array(v.object({ attack: v.string(), before: v.string(), now: v.string() })),
  totals: v.array(
    v.object({
      label: v.string(),
      /** `17 % 8/48, 9–30`. */
      before: v.string(),
      now: v.string(),
      /** What changed, with its test. */
      change: v.string(),
      /** The exact variant of the test, for who wants to know. */
      test: v.string(),
    }),
  ),
  /** Of each model that gave some. */
  empty: v.nullable(v.string()),
  changed: v.array(
    v.object({
      attack: v.string(),
      prompt: v.string(),
      before: v.string(),
      now: v.string(),
      outcome: v.string(),
      /** As it should be now. */
      better: v.boolean(),
    }),
  ),
});
export type RefusalView = v.InferOutput<typeof RefusalViewSchema>;

/** Null where the report is not of two models. */
export function refusalView({ models, change, answers }: RefusalReport): RefusalView | null {
  const [before, now] = models;
  if (!before || !now || !change) return null;
  const empty = before.empty + now.empty;
  return {
    attacks: before.attacks.map(({ attack, refused }, i) => ({
      attack,
      before: ratio(refused),
      now: ratio(now.attacks[i]?.refused ?? refused),
    })),
    totals: [
      total(l10n.t('All that should be refused'), before.unwanted, now.unwanted, change.unwanted),
      total(l10n.t('All that should be answered'), before.harmless, now.harmless, change.harmless),
    ],
    empty:
      empty === 0
        ? null
        : l10n.t('Empty answers, which count as not refused: {0} before, {1} now.', before.empty, now.empty),
    changed: answers.flatMap(({ attack, prompt, shouldRefuse, answers: [first, last] }) => {
      if (!first || !last || first.outcome === last.outcome) return [];
      const refused = last.outcome === 'refused';
      if (!refused && first.outcome !== 'refused') return [];
      return [
        {
          attack,
          prompt,
          before: first.text,
          now: last.text,
          outcome: refused ? l10n.t('refused now') : l10n.t('no longer refused'),
          better: refused === shouldRefuse,
        },
      ];
    }),
  };
}

/** A sentence where tuning has made refusals worse beyond chance (mid-p below 0.05). */
export function refusalHealth({ change }: RefusalReport): string | null {
  if (!change) return null;
  const { unwanted, harmless } = change;
  const beyondChance = ({ midP }: PairedComparison): boolean => midP < 0.05;
  if (unwanted.lost > unwanted.gained && beyondChance(unwanted))
    return l10n.t(
      'It refuses less of what it should refuse: of {0} prompts it lost {1} and gained {2} ({3}).',
      unwanted.n,
      unwanted.lost,
      unwanted.gained,
      pValue(unwanted),
    );
  if (harmless.gained > harmless.lost && beyondChance(harmless))
    return l10n.t(
      'It refuses more of what it should answer: {0} of {1} harmless prompts ({2}).',
      harmless.gained,
      harmless.n,
      pValue(harmless),
    );
  return null;
}

const points = (share: number): string => String(percent(share)).replace('-', '−');
const ratio = ({ estimate, n }: Interval): string => `${Math.round(estimate * n)}/${n}`;
const shareText = (interval: Interval): string =>
  interval.n === 0
    ? '—'
    : `${percent(interval.estimate)} % ${ratio(interval)}, ${percent(interval.low)}–${percent(interval.high)}`;

const pValue = ({ midP }: PairedComparison): string => (midP < 0.001 ? 'p < 0.001' : `p = ${midP.toFixed(3)}`);

function total(
  label: string,
  before: Interval,
  now: Interval,
  change: PairedComparison,
): RefusalView['totals'][number] {
  const { gained, lost, exactP } = change;
  const difference = l10n.t(
    '{0} points (95 % {1} to {2})',
    points(change.difference.estimate),
    points(change.difference.low),
    points(change.difference.high),
  );
  return {
    label,
    before: shareText(before),
    now: shareText(now),
    change:
      gained + lost === 0
        ? l10n.t('none changed')
        : l10n.t('{0} more refused, {1} fewer: {2}, McNemar {3}', gained, lost, difference, pValue(change)),
    test: l10n.t(
      'McNemar’s test, mid-p; exact p = {0}. Shares with Wilson’s 95 % interval, their difference with Newcombe’s.',
      exactP.toFixed(3),
    ),
  };
}
