/** The charts of a gold: beside the proxy over the steps and against √KL with Gao's form, and what people say of the answers. */
import { l10n } from '../../base/l10n.ts';
import type { Interval } from '../statistics/intervals.ts';
import { fitFrontier, frontier } from '../statistics/overoptimisation.ts';
import { type Chart, type MetricsEvent, metricSteps } from './dashboardCharts.ts';
import type { GoldPoint } from './humanGold.ts';
import type { JobEvent, JobSpecification } from './job.ts';

type Point = [number, number];

/** A job's charts, with those of its gold where it has one: one more beside the reward, another frontier. */
export function withGold(
  charts: readonly Chart[],
  specification: JobSpecification,
  events: readonly JobEvent[],
  people: readonly GoldPoint[] = [],
): Chart[] {
  if (specification.kind !== 'rlhf') return [...charts];
  const xMax = charts.find(({ id }) => id === 'reward')?.xMax ?? null;
  const judged = peopleCharts(people, xMax);
  if (!specification.gold) return [...charts, ...judged];
  const { beside, frontier: against } = goldCharts(metricSteps(events), xMax);
  return [
    ...charts.flatMap(chart => (chart.id === 'reward' ? [chart, beside] : [chart.id === 'frontier' ? against : chart])),
    ...judged,
  ];
}

/** Share of wins over the answers before training, with its interval: over the steps, and against √KL. The start is a tie with itself. */
export function peopleCharts(curve: readonly GoldPoint[], xMax: number | null): Chart[] {
  if (curve.length === 0) return [];
  const chart = (id: string, title: string, xLabel: string, xOf: (point: GoldPoint) => number | undefined): Chart => {
    const line = (pick: keyof Pick<Interval, 'estimate' | 'low' | 'high'>): Point[] => [
      ...(pick === 'estimate' ? [[0, 0.5] satisfies Point] : []),
      ...curve.flatMap((point): Point[] => {
        const x = xOf(point);
        return x === undefined ? [] : [[x, point.wins[pick]]];
      }),
    ];
    return {
      id,
      title,
      xLabel,
      unit: '',
      xMax: id === 'people' ? xMax : null,
      yRange: [0, 1],
      series: [
        { label: l10n.t('people'), color: 'gold', points: line('estimate'), noisy: false },
        { label: l10n.t('95 % from'), color: 'dim', points: line('low'), noisy: false },
        { label: l10n.t('95 % to'), color: 'dim', points: line('high'), noisy: false },
      ],
    };
  };
  const byStep = chart('people', l10n.t('Wins over before, by people'), l10n.t('step'), ({ step }) => step);
  if (curve.every(({ distance }) => distance === undefined)) return [byStep];
  return [byStep, chart('people-frontier', l10n.t('Wins over √KL'), l10n.t('√KL'), ({ distance }) => distance)];
}

/**
 * Over-optimisation while it happens: the gold has been below its peak for some evaluations, and the reward that is trained on is
 * above what it was there. Null where that is not so.
 */
export function goldHealth(steps: readonly MetricsEvent[]): string | null {
  const seen = steps.filter(({ values }) => values['gold/mean'] !== undefined);
  const last = seen.at(-1);
  const peak = seen.find(({ step }) => step === last?.values['gold/best_step']);
  if (!last || !peak || seen.indexOf(peak) > seen.length - 1 - SinceEvaluations) return null;
  if ((last.values['gold/proxy_mean'] ?? 0) <= (peak.values['gold/proxy_mean'] ?? 0)) return null;
  return l10n.t(
    'The reward rises and the gold does not: it was highest at step {0}. Stop here, raise β, or restore the best step.',
    peak.step,
  );
}

/** Evaluations without a new peak that are more than noise. */
const SinceEvaluations = 3;

/**
 * Both rewards above those of the start, in standard deviations of the answers at the start: they have no unit in common
 * otherwise.
 */
function goldCharts(steps: readonly MetricsEvent[], xMax: number | null): { beside: Chart; frontier: Chart } {
  const seen = steps.filter(({ values }) => values['gold/mean'] !== undefined);
  const first = seen[0]?.values ?? {};
  const above = (name: 'gold/mean' | 'gold/proxy_mean', spread: string, values: MetricsEvent['values']): number =>
    ((values[name] ?? 0) - (first[name] ?? 0)) / (first[spread] || 1);
  const points = seen.map(({ step, values }) => ({
    step,
    d: Math.sqrt(Math.max(0, values['gold/kl'] ?? 0)),
    gold: above('gold/mean', 'gold/std', values),
    proxy: above('gold/proxy_mean', 'gold/proxy_std', values),
  }));
  const series = (x: 'step' | 'd'): Chart['series'] =>
    points.length === 0
      ? []
      : [
          {
            label: l10n.t('reward'),
            color: 'proxy',
            points: points.map((point): Point => [point[x], point.proxy]),
            noisy: false,
          },
          {
            label: l10n.t('gold'),
            color: 'gold',
            points: points.map((point): Point => [point[x], point.gold]),
            noisy: false,
          },
        ];
  const common = { unit: '', yRange: null };
  const fit = fitFrontier(
    points.map(({ d, gold }) => ({ d, reward: gold })),
    'rl',
  );
  const far = Math.max(0, ...points.map(({ d }) => d));
  const fitted: Chart['series'] =
    fit === undefined
      ? []
      : [
          {
            label: l10n.t('fit'),
            color: 'dim',
            points: Array.from({ length: 41 }, (_, i): Point => [(far * i) / 40, frontier(fit, 'rl', (far * i) / 40)]),
            noisy: false,
          },
        ];
  return {
    beside: {
      ...common,
      id: 'gold',
      title: l10n.t('Gold, σ'),
      xLabel: l10n.t('step'),
      xMax,
      series: series('step'),
    },
    frontier: {
      ...common,
      id: 'frontier',
      title: l10n.t('Over √KL'),
      xLabel:
        fit?.peak === undefined || fit.peak > far
          ? l10n.t('√KL')
          : l10n.t('√KL; the fit of the gold peaks at {0}', fit.peak.toFixed(2)),
      xMax: null,
      series: [...series('d'), ...fitted],
    },
  };
}
