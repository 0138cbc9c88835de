/** The two charts of a gold beside the proxy: over the steps, and against √KL with Gao's form. */
import { l10n } from '../../base/l10n.ts';
import { fitFrontier, frontier } from '../statistics/overoptimisation.ts';
import type { Chart, MetricsEvent } from './dashboardCharts.ts';
import type { JobSpecification } from './job.ts';

type Point = [number, number];

/** A job's charts, with those of its gold where it has one: one more beside the reward, another frontier. */
export function withGold(
  charts: readonly Chart[],
  specification: JobSpecification,
  steps: readonly MetricsEvent[],
): Chart[] {
  if (specification.kind !== 'rlhf' || !specification.gold) return [...charts];
  const xMax = charts.find(({ id }) => id === 'reward')?.xMax ?? null;
  const { beside, frontier: against } = goldCharts(steps, xMax);
  return charts.flatMap(chart =>
    chart.id === 'reward' ? [chart, beside] : [chart.id === 'frontier' ? against : chart],
  );
}

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
  const common = { unit: l10n.t('standard deviations above the start'), yRange: null };
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
            label:
              fit.peak === undefined
                ? l10n.t('fit of the gold')
                : l10n.t('fit of the gold, peak at {0}', fit.peak.toFixed(2)),
            color: 'dim',
            points: Array.from({ length: 41 }, (_, i): Point => [(far * i) / 40, frontier(fit, 'rl', (far * i) / 40)]),
            noisy: false,
          },
        ];
  return {
    beside: {
      ...common,
      id: 'gold',
      title: l10n.t('Gold beside reward'),
      xLabel: l10n.t('step'),
      xMax,
      series: series('step'),
    },
    frontier: {
      ...common,
      id: 'frontier',
      title: l10n.t('Reward against √KL'),
      xLabel: l10n.t('√KL'),
      xMax: null,
      series: [...series('d'), ...fitted],
    },
  };
}
