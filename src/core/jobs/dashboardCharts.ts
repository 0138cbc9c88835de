/** The curves of a job's dashboard, from the metrics in its events. */
import * as v from 'valibot';
import { l10n } from '../../base/l10n.ts';
import type { JobEvent, JobResult, JobSpecification, JobState } from './job.ts';

const number = v.pipe(v.number(), v.finite());

const SeriesSchema = v.object({
  label: v.string(),
  color: v.picklist(['proxy', 'gold', 'kl', 'loss', 'dim']),
  /** [x, y], in the order of the steps; at most `MaxPoints`. */
  points: v.array(v.tuple([number, number])),
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

export const MaxPoints = 600;

export type MetricsEvent = Extract<JobEvent, { type: 'metrics' }>;

/** One event a step, the last where a job that was resumed went over a step again; step 0 is before training. */
export function metricSteps(events: readonly JobEvent[]): readonly MetricsEvent[] {
  const bySteps = new Map<number, MetricsEvent>();
  for (const event of events) if (event.type === 'metrics') bySteps.set(event.step, event);
  return [...bySteps.values()].sort((a, b) => a.step - b.step);
}

type Point = [number, number];

/** Means of equal buckets, so that a long job stays as light as a short one. */
export function thin(points: readonly Point[], max = MaxPoints): Point[] {
  if (points.length <= max) return [...points];
  return Array.from({ length: max }, (_, i) => {
    const bucket = points.slice(Math.floor((i * points.length) / max), Math.floor(((i + 1) * points.length) / max));
    const mean = (axis: 0 | 1): number => bucket.reduce((sum, point) => sum + point[axis], 0) / bucket.length;
    return [mean(0), mean(1)];
  });
}

export interface ChartInput {
  readonly specification: JobSpecification;
  readonly state?: JobState;
  readonly result?: JobResult;
  readonly events: readonly JobEvent[];
}

const colours = ['proxy', 'kl', 'loss', 'dim'] as const;

/** Of a reward of several parts: the mean of each, and how far the models of an ensemble are apart. */
function components(steps: readonly MetricsEvent[]) {
  const metrics = [...new Set(steps.flatMap(({ values }) => Object.keys(values)))];
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

/** The curves of a job, by its kind. A metric that it does not report leaves its chart without a line. */
export function charts({ specification, state, events, result }: ChartInput, steps: readonly MetricsEvent[]): Chart[] {
  // The axis ends where the job will: what is empty is the work left.
  const planned = specification.kind === 'rlhf' ? specification.settings.steps : null;
  const xMax = state && state.totalSteps > 0 ? state.totalSteps : planned;
  const of = (name: string): Point[] =>
    steps.flatMap(({ step, values }): Point[] => (Number.isFinite(values[name]) ? [[step, values[name]!]] : []));
  const byStep = (
    id: string,
    title: string,
    unit: string,
    series: readonly Omit<Series, 'noisy'>[],
    yRange: Chart['yRange'] = null,
  ): Chart => ({
    id,
    title,
    xLabel: l10n.t('step'),
    unit,
    xMax,
    yRange,
    series: series
      .filter(one => one.points.length > 0)
      .map(one => ({ ...one, points: thin(one.points), noisy: one.points.length > 8 })),
  });

  if (specification.kind === 'rlhf') {
    const fixed = events.flatMap((event): Point[] => {
      if (event.type !== 'samples') return [];
      const rewards = event.samples.flatMap(sample => (sample.reward === undefined ? [] : [sample.reward]));
      return rewards.length === 0 ? [] : [[event.step, rewards.reduce((a, b) => a + b, 0) / rewards.length]];
    });
    const frontier = steps.flatMap(({ values }): Point[] => {
      const { reward, kl } = values;
      return reward === undefined || kl === undefined ? [] : [[Math.sqrt(Math.max(0, kl)), reward]];
    });
    // Both axes are noisy: means over the last five steps keep the path readable.
    const smoothed = frontier.map((_, i): Point => {
      const window = frontier.slice(Math.max(0, i - 4), i + 1);
      return [mean(window.map(([x]) => x)), mean(window.map(([, y]) => y))];
    });
    return [
      byStep('reward', l10n.t('Reward'), '', [
        { label: l10n.t('training'), color: 'proxy', points: of('reward') },
        { label: l10n.t('fixed prompts'), color: 'loss', points: [...new Map(fixed).entries()] },
      ]),
      {
        id: 'frontier',
        title: l10n.t('Reward against √KL'),
        xLabel: l10n.t('√KL'),
        unit: '',
        xMax: null,
        yRange: null,
        series:
          smoothed.length === 0
            ? []
            : [{ label: l10n.t('reward'), color: 'proxy', points: thin(smoothed), noisy: false }],
      },
      ...components(steps).map(({ id, title, names }) =>
        byStep(
          id,
          title,
          '',
          names.map(([label, metric], index) => ({
            label,
            color: colours[index % colours.length]!,
            points: of(metric),
          })),
        ),
      ),
      byStep('kl', l10n.t('KL to the base'), l10n.t('nats'), [{ label: l10n.t('KL'), color: 'kl', points: of('kl') }]),
      byStep('length', l10n.t('Answer length'), l10n.t('tokens'), [
        { label: l10n.t('mean'), color: 'dim', points: of('completions/mean_length') },
      ]),
      // With one update a rollout the loss is zero by construction: it says something from the second on.
      ...('updatesPerRollout' in specification.settings && specification.settings.updatesPerRollout > 1
        ? [byStep('loss', l10n.t('Loss'), '', [{ label: l10n.t('policy'), color: 'loss', points: of('loss') }])]
        : []),
    ];
  }
  const loss = byStep('loss', l10n.t('Loss'), '', [{ label: l10n.t('training'), color: 'loss', points: of('loss') }]);
  if (specification.kind === 'sft') return [loss];
  if (specification.kind === 'dpo' || specification.kind === 'kto') {
    return [
      loss,
      byStep('margin', l10n.t('Margin of the implicit rewards'), l10n.t('nats'), [
        { label: l10n.t('chosen − rejected'), color: 'proxy', points: of('rewards/margins') },
      ]),
      byStep('rewards', l10n.t('Implicit rewards'), l10n.t('nats'), [
        { label: l10n.t('chosen'), color: 'proxy', points: of('rewards/chosen') },
        { label: l10n.t('rejected'), color: 'loss', points: of('rewards/rejected') },
      ]),
      specification.kind === 'dpo'
        ? byStep(
            'accuracy',
            l10n.t('Accuracy'),
            '',
            [{ label: l10n.t('training'), color: 'proxy', points: of('rewards/accuracies') }],
            [0, 1],
          )
        : byStep('kl', l10n.t('KL to the base'), l10n.t('nats'), [
            { label: l10n.t('KL'), color: 'kl', points: of('kl') },
          ]),
    ];
  }
  const heldOut = result?.accuracy;
  return [
    loss,
    byStep(
      'accuracy',
      l10n.t('Accuracy'),
      '',
      [
        { label: l10n.t('training'), color: 'proxy', points: of('accuracy') },
        {
          label: l10n.t('held out'),
          color: 'loss',
          points:
            heldOut && xMax !== null
              ? [
                  [0, heldOut.estimate],
                  [xMax, heldOut.estimate],
                ]
              : [],
        },
      ],
      [0, 1],
    ),
    byStep('margin', l10n.t('Margin'), '', [
      { label: l10n.t('chosen − rejected'), color: 'proxy', points: of('margin') },
    ]),
    // In one row: the mean reward says least once the calibration is known.
    calibrationChart(result) ??
      byStep('rewards', l10n.t('Reward'), '', [{ label: l10n.t('mean'), color: 'dim', points: of('mean_reward') }]),
  ];
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
