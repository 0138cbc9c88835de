/** The curves of a job's dashboard, from the metrics in its events. */
import * as v from 'valibot';
import { l10n } from '../../base/l10n.ts';
import type { JobEvent, JobResult, JobSpecification, JobState } from './job.ts';
import { type MetricColumns, meansOf, type Point, thinned } from './metricColumns.ts';

const number = v.pipe(v.number(), v.finite());

const SeriesSchema = v.object({
  label: v.string(),
  /** By what it means, or in comparisons by the job. */
  color: v.picklist(['proxy', 'gold', 'kl', 'loss', 'dim', 'job-1', 'job-2', 'job-3', 'job-4', 'job-5', 'job-6']),
  /** [x, y], in the order of the steps; about `MaxPoints` at most, every peak among them. */
  points: v.array(v.tuple([number, number])),
  /** Means of what lies between, where `points` had to be thinned. */
  trend: v.optional(v.array(v.tuple([number, number]))),
  /** Noisy from step to step: drawn thin under a smoothed line. */
  noisy: v.boolean(),
});
export type Series = v.InferOutput<typeof SeriesSchema>;

export const ChartSchema = v.object({
  id: v.string(),
  title: v.string(),
  xLabel: v.string(),
  unit: v.string(),
  /** Planned end of the x axis; null where it grows with the data. */
  xMax: v.nullable(number),
  /** Fixed ends of the y axis. */
  yRange: v.nullable(v.tuple([number, number])),
  series: v.array(SeriesSchema),
});
export type Chart = v.InferOutput<typeof ChartSchema>;

export type MetricsEvent = Extract<JobEvent, { type: 'metrics' }>;

/** One event a step, the last where a job that was resumed went over a step again; step 0 is before training. */
export function metricSteps(events: readonly JobEvent[]): readonly MetricsEvent[] {
  const bySteps = new Map<number, MetricsEvent>();
  for (const event of events) if (event.type === 'metrics') bySteps.set(event.step, event);
  return [...bySteps.values()].sort((a, b) => a.step - b.step);
}

export interface ChartInput {
  readonly specification: JobSpecification;
  readonly state?: JobState;
  readonly result?: JobResult;
  readonly events: readonly JobEvent[];
}

const colours = ['proxy', 'kl', 'loss', 'dim'] as const;

/** Of a reward of several parts: the mean of each, and how far the models of an ensemble are apart. */
function components(metrics: readonly string[]) {
  const ending = (end: string) =>
    metrics.flatMap((metric): [label: string, metric: string][] =>
      metric.startsWith('rewards/') && metric.endsWith(end)
        ? [[metric.slice('rewards/'.length, -end.length), metric]]
        : [],
    );
  return [
    { id: 'components', title: l10n.t('Parts of the reward'), names: ending('/mean') },
    { id: 'disagreement', title: l10n.t('Disagreement of the reward models'), names: ending('/disagreement') },
  ].filter(({ names }) => names.length > 0);
}

/**
 * The curves of a job, by its kind, four or eight. A metric that it does not report leaves its chart without a line. `hidden` are
 * the metrics without a chart; `all` adds one for each of them.
 */
export function charts(
  { specification, state, events, result }: ChartInput,
  metrics: MetricColumns,
  { all = false }: { readonly all?: boolean } = {},
): { readonly charts: Chart[]; readonly hidden: readonly string[] } {
  // The axis ends where the job will: what is empty is the work left.
  const planned = specification.kind === 'rlhf' ? specification.settings.steps : null;
  const xMax = state && state.totalSteps > 0 ? state.totalSteps : planned;
  const shown = new Set<string>();
  const of = (name: string): Pick<Series, 'points' | 'trend'> => {
    shown.add(name);
    return thinned(metrics.steps, metrics.column(name));
  };
  const byStep = (
    id: string,
    title: string,
    unit: string,
    series: readonly (Omit<Series, 'noisy'> & Partial<Series>)[],
    yRange: Chart['yRange'] = null,
  ): Chart => ({
    id,
    title,
    xLabel: l10n.t('step'),
    unit,
    xMax,
    yRange,
    series: series.filter(one => one.points.length > 0).map(one => ({ noisy: one.points.length > 8, ...one })),
  });
  /** A level line: what was measured once. */
  const level = (value: number | undefined): Point[] =>
    value === undefined || !Number.isFinite(value) || xMax === null
      ? []
      : [
          [0, value],
          [xMax, value],
        ];
  const one = (id: string, title: string, unit: string, color: Series['color'], label: string, name: string): Chart =>
    byStep(id, title, unit, [{ label, color, ...of(name) }], wholeShares.has(name) ? [0, 1] : null);
  const loss = (label = l10n.t('training')): Chart => one('loss', l10n.t('Loss'), '', 'loss', label, 'loss');
  const gradients = (): Chart =>
    one('gradients', l10n.t('Norm of the gradient'), '', 'dim', l10n.t('before clipping'), 'grad_norm');

  const own = (): Chart[] => {
    switch (specification.kind) {
      case 'rlhf': {
        const fixed = events.flatMap((event): Point[] => {
          if (event.type !== 'samples') return [];
          const rewards = event.samples.flatMap(sample => (sample.reward === undefined ? [] : [sample.reward]));
          return rewards.length === 0 ? [] : [[event.step, mean(rewards)]];
        });
        return [
          byStep('reward', l10n.t('Reward'), '', [
            { label: l10n.t('training'), color: 'proxy', ...of('reward') },
            { label: l10n.t('fixed prompts'), color: 'loss', points: [...new Map(fixed).entries()], noisy: false },
          ]),
          frontierChart(metrics),
          ...components(metrics.names).map(({ id, title, names }) =>
            byStep(
              id,
              title,
              '',
              names.map(([label, metric], index) => ({
                label,
                color: colours[index % colours.length]!,
                ...of(metric),
              })),
            ),
          ),
          one('kl', l10n.t('KL to the base'), l10n.t('nats'), 'kl', l10n.t('KL'), 'kl'),
          one('length', l10n.t('Answer length'), l10n.t('tokens'), 'dim', l10n.t('mean'), 'completions/mean_length'),
          ...policyCharts(specification.settings, one).filter(({ series }) => series.length > 0),
        ];
      }
      case 'sft': {
        const perplexity = metrics.column('loss').map(loss => Math.exp(loss));
        return [
          loss(),
          byStep('perplexity', l10n.t('Perplexity'), '', [
            { label: l10n.t('training'), color: 'proxy', ...thinned(metrics.steps, perplexity) },
            {
              label: l10n.t('held out, before'),
              color: 'dim',
              points: level(result?.metrics.eval_perplexity_before),
            },
            { label: l10n.t('held out, now'), color: 'loss', points: level(result?.metrics.eval_perplexity) },
          ]),
          gradients(),
          one('rate', l10n.t('Learning rate'), '', 'kl', l10n.t('AdamW'), 'learning_rate'),
        ];
      }
      case 'dpo':
      case 'kto':
        return [
          loss(),
          one(
            'margin',
            l10n.t('Margin of the implicit rewards'),
            l10n.t('nats'),
            'proxy',
            l10n.t('chosen − rejected'),
            'rewards/margins',
          ),
          byStep('rewards', l10n.t('Implicit rewards'), l10n.t('nats'), [
            { label: l10n.t('chosen'), color: 'proxy', ...of('rewards/chosen') },
            { label: l10n.t('rejected'), color: 'loss', ...of('rewards/rejected') },
          ]),
          specification.kind === 'dpo'
            ? byStep(
                'accuracy',
                l10n.t('Accuracy'),
                '',
                [
                  { label: l10n.t('training'), color: 'proxy', ...of('rewards/accuracies') },
                  { label: l10n.t('held out'), color: 'loss', points: level(result?.accuracy?.estimate) },
                ],
                [0, 1],
              )
            : one('kl', l10n.t('KL to the base'), l10n.t('nats'), 'kl', l10n.t('KL'), 'kl'),
        ];
      case 'reward':
        return [
          loss(),
          byStep(
            'accuracy',
            l10n.t('Accuracy'),
            '',
            [
              { label: l10n.t('training'), color: 'proxy', ...of('accuracy') },
              { label: l10n.t('held out'), color: 'loss', points: level(result?.accuracy?.estimate) },
            ],
            [0, 1],
          ),
          one('margin', l10n.t('Margin'), '', 'proxy', l10n.t('chosen − rejected'), 'margin'),
          // In one row: the mean reward says least once the calibration is known.
          calibrationChart(result) ?? one('rewards', l10n.t('Mean reward'), '', 'dim', l10n.t('mean'), 'mean_reward'),
        ];
    }
  };
  const made = own();
  const rest = metrics.names.filter(name => !shown.has(name) && name !== 'epoch');
  if (!all) return { charts: made, hidden: rest };
  return {
    charts: [...made, ...rest.map(name => one(`metric:${name}`, name, '', 'dim', l10n.t('value'), name))],
    hidden: [],
  };
}

/** Shares that may be anything from none to all: one that stays at nought is to look like it. */
const wholeShares: ReadonlySet<string> = new Set(['frac_reward_zero_std', 'completions/clipped_ratio']);

type OneCurve = (id: string, title: string, unit: string, color: Series['color'], label: string, name: string) => Chart;

/** What else tells how a policy's training goes. */
function policyCharts(settings: Extract<JobSpecification, { kind: 'rlhf' }>['settings'], one: OneCurve): Chart[] {
  const entropy = one('entropy', l10n.t('Entropy of an answer'), l10n.t('nats'), 'dim', l10n.t('policy'), 'entropy');
  const cut = one('cut', l10n.t('Answers cut off'), '', 'dim', l10n.t('share'), 'completions/clipped_ratio');
  if (settings.algorithm === 'ppo') {
    return [
      one('policy', l10n.t('Loss of the policy'), '', 'loss', l10n.t('policy'), 'loss/policy_avg'),
      one('value', l10n.t('Loss of the critic'), '', 'loss', l10n.t('critic'), 'loss/value_avg'),
      one('clipped', l10n.t('Clipped tokens'), '', 'dim', l10n.t('share'), 'policy/clipfrac_avg'),
      entropy,
    ];
  }
  // With one update a rollout the loss is zero by construction: it says something from the second on.
  const many = 'updatesPerRollout' in settings && settings.updatesPerRollout > 1;
  return [
    many
      ? one('loss', l10n.t('Loss'), '', 'loss', l10n.t('policy'), 'loss')
      : one('alike', l10n.t('Prompts with equal rewards'), '', 'dim', l10n.t('share'), 'frac_reward_zero_std'),
    one('gradients', l10n.t('Norm of the gradient'), '', 'dim', l10n.t('before clipping'), 'grad_norm'),
    cut,
    entropy,
  ];
}

/** Both axes are noisy: means over the last five steps keep the path readable. */
function frontierChart(metrics: MetricColumns): Chart {
  const [reward, kl] = [metrics.column('reward'), metrics.column('kl')];
  const path: Point[] = [];
  for (let i = 0; i < Math.min(reward.length, kl.length); i++) {
    if (Number.isFinite(reward[i]!) && Number.isFinite(kl[i]!)) path.push([Math.sqrt(Math.max(0, kl[i]!)), reward[i]!]);
  }
  const few = meansOf(path);
  const smoothed = few.map((_, i): Point => {
    const window = few.slice(Math.max(0, i - 4), i + 1);
    return [mean(window.map(([x]) => x)), mean(window.map(([, y]) => y))];
  });
  return {
    id: 'frontier',
    title: l10n.t('Reward against √KL'),
    xLabel: l10n.t('√KL'),
    unit: '',
    xMax: null,
    yRange: null,
    series: smoothed.length === 0 ? [] : [{ label: l10n.t('reward'), color: 'proxy', points: smoothed, noisy: false }],
  };
}

/** How often a reward model is right where it is so sure. */
function calibrationChart(result: JobResult | undefined): Chart | undefined {
  const calibration = result?.report?.calibration ?? [];
  if (calibration.length < 2) return undefined;
  return {
    id: 'calibration',
    title: l10n.t('Calibration'),
    xLabel: l10n.t('confidence'),
    unit: '',
    xMax: 1,
    yRange: [0, 1],
    series: [
      {
        label: l10n.t('right'),
        color: 'proxy',
        points: calibration.map(({ confidence, right }): Point => [confidence, right.estimate]),
        noisy: false,
      },
      {
        label: l10n.t('calibrated'),
        color: 'dim',
        points: [
          [0.5, 0.5],
          [1, 1],
        ],
        noisy: false,
      },
    ],
  };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
