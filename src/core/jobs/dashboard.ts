/** What a job's dashboard shows, derived from its files: figures, curves, samples, settings and log, ready to be drawn. */
import * as v from 'valibot';
import { figure, percent } from '../../base/figure.ts';
import { l10n } from '../../base/l10n.ts';
import { type RefusalReport, RefusalViewSchema, refusalHealth, refusalView } from '../refusals/report.ts';
import { ChartSchema, charts, metricSteps } from './dashboardCharts.ts';
import { LogLineSchema, logLines } from './dashboardLog.ts';
import { goldHealth, withGold } from './goldCharts.ts';
import { type GoldPoint, goldSentence } from './humanGold.ts';
import {
  type JobEvent,
  JobKinds,
  type JobResult,
  type JobSpecification,
  type JobState,
  JobStatuses,
  type RewardSource,
  type RlhfJob,
} from './job.ts';
import { MetricColumns } from './metricColumns.ts';
import { rewardFolder, rewardLabel, rewardModelsOf } from './rewardSource.ts';
import { runHealth } from './runHealth.ts';
import { settingDescriptions } from './settingDescriptions.ts';
import { getSetting, settingsKindOf } from './settings.ts';
import { canResume } from './status.ts';

const number = v.pipe(v.number(), v.finite());

const SampleRowSchema = v.object({
  prompt: v.string(),
  before: v.string(),
  now: v.nullable(v.string()),
  rewardBefore: v.nullable(number),
  rewardNow: v.nullable(number),
});

type SampleRow = v.InferOutput<typeof SampleRowSchema>;

export const DashboardSchema = v.object({
  id: v.string(),
  name: v.string(),
  kind: v.picklist(JobKinds),
  kindLabel: v.string(),
  status: v.picklist(JobStatuses),
  phase: v.nullable(v.string()),
  step: v.number(),
  totalSteps: v.number(),
  secondsLeft: v.nullable(number),
  secondsPerStep: v.nullable(number),
  /** What needs saying in one line, with how bad it is. */
  health: v.nullable(v.object({ level: v.picklist(['info', 'good', 'warning', 'error']), text: v.string() })),
  lineage: v.array(
    v.object({
      role: v.string(),
      name: v.string(),
      detail: v.string(),
      here: v.boolean(),
      job: v.nullable(v.string()),
    }),
  ),
  charts: v.array(ChartSchema),
  /** Metrics that only `allCurves` shows. */
  hiddenCurves: v.number(),
  allCurves: v.boolean(),
  /** Answers to the fixed prompts at two steps of those at which they were asked; `now` is null while there is one only. */
  samples: v.nullable(
    v.object({
      steps: v.array(v.number()),
      before: v.number(),
      now: v.nullable(v.number()),
      rows: v.array(SampleRowSchema),
    }),
  ),
  refusals: v.nullable(RefusalViewSchema),
  settings: v.array(v.array(v.object({ label: v.string(), value: v.string() }))),
  log: v.array(LogLineSchema),
  can: v.object({ stop: v.boolean(), resume: v.boolean(), use: v.boolean(), fineTune: v.boolean() }),
});
export type Dashboard = v.InferOutput<typeof DashboardSchema>;

export interface DashboardInput {
  readonly id: string;
  readonly specification: JobSpecification;
  readonly status: (typeof JobStatuses)[number];
  readonly state?: JobState;
  readonly result?: JobResult;
  /** Where the suite was asked before and after. */
  readonly refusals?: RefusalReport;
  readonly events: readonly JobEvent[];
  /** The metrics of the events, where they are kept as columns already. */
  readonly metrics?: MetricColumns;
  /** A chart for every metric. */
  readonly allCurves?: boolean;
  /** Steps whose samples are put beside each other; the first and the last where absent. */
  readonly compared?: { readonly before?: number; readonly now?: number };
  /** What people said of its answers, step by step. */
  readonly people?: readonly GoldPoint[];
  /** The job that made the model in this folder, if it is still in the list. */
  readonly madeBy?: (folder: string) => string | undefined;
}

export function dashboard(input: DashboardInput): Dashboard {
  const { specification, status, state, events } = input;
  const metrics = input.metrics ?? MetricColumns.of(events);
  const curves = charts(input, metrics, { all: input.allCurves ?? false });
  return {
    id: input.id,
    name: specification.name,
    kind: specification.kind,
    kindLabel: kindLabel(specification),
    status,
    phase: state?.phase ?? null,
    step: state?.step ?? 0,
    totalSteps: state?.totalSteps ?? 0,
    secondsLeft: status === 'running' ? (state?.secondsLeft ?? null) : null,
    secondsPerStep: secondsPerStep(metrics),
    health: health(input, metrics),
    lineage: lineage(input),
    charts: withGold(curves.charts, specification, events, input.people),
    hiddenCurves: curves.hidden.length,
    allCurves: input.allCurves ?? false,
    samples: samples(input),
    refusals: input.refusals ? refusalView(input.refusals) : null,
    settings: settingRows(specification),
    log: logLines(events),
    can: {
      stop: status === 'running' || status === 'queued',
      resume: canResume(status),
      use: status === 'succeeded' && specification.kind !== 'reward',
      fineTune: status === 'succeeded' && specification.kind === 'reward',
    },
  };
}

export function kindLabel(specification: JobSpecification): string {
  switch (specification.kind) {
    case 'reward':
      return l10n.t('Reward model');
    case 'dpo':
      return l10n.t('Preference tuning, DPO');
    case 'kto':
      return l10n.t('Preference tuning, KTO');
    case 'rlhf':
      return rlhfLabels()[specification.settings.algorithm];
    case 'sft':
      return l10n.t('Supervised fine-tuning');
  }
}

const rlhfLabels = (): Readonly<Record<RlhfJob['settings']['algorithm'], string>> => ({
  rloo: l10n.t('RLHF, RLOO'),
  grpo: l10n.t('RLHF, GRPO'),
  reinforce: l10n.t('RLHF, REINFORCE'),
  ppo: l10n.t('RLHF, PPO'),
  expert: l10n.t('Expert iteration'),
});

/** Median over the last steps, so that one pause does not count. */
function secondsPerStep({ steps, times, length }: MetricColumns): number | null {
  const gaps: number[] = [];
  for (let i = Math.max(1, length - 11); i < length; i++) {
    gaps.push((times[i]! - times[i - 1]!) / 1000 / (steps[i]! - steps[i - 1]!));
  }
  const known = gaps.filter(gap => Number.isFinite(gap) && gap >= 0).sort((a, b) => a - b);
  return known.length === 0 ? null : known[known.length >> 1]!;
}

function health(
  { specification, status, state, result, refusals, events, people = [] }: DashboardInput,
  metrics: MetricColumns,
): Dashboard['health'] {
  const curves = specification.kind === 'rlhf' ? runHealth(metrics) : null;
  const checkpoint = events.findLast(event => event.type === 'checkpoint');
  const kept = checkpoint
    ? l10n.t('Resume goes on from the checkpoint of step {0}.', checkpoint.step)
    : l10n.t('Resume starts again from the beginning.');
  const warning = events.findLast(event => event.type === 'log' && event.level === 'warning');
  switch (status) {
    case 'failed':
      return { level: 'error', text: state?.error?.message ?? l10n.t('The job failed. Open the log to see why.') };
    case 'lost':
      return { level: 'warning', text: `${l10n.t('The process ended without a word.')} ${kept}` };
    case 'waiting':
      return {
        level: 'info',
        text: `${l10n.t('Its reward comes from a model that nobody could ask. It goes on when the editor is back, or by Resume.')} ${kept}`,
      };
    case 'cancelled':
      return { level: 'info', text: `${l10n.t('Stopped at step {0}.', state?.step ?? 0)} ${kept}` };
    case 'succeeded': {
      const { reward_before: before = 0, reward_after: after = before } = result?.metrics ?? {};
      const fell =
        after < before
          ? [l10n.t('The reward did not rise: rank more answers, or train longer with the standard preset.')]
          : [];
      const seen = curves?.level === 'warning' ? [curves.text] : [];
      const refused = refusals ? refusalHealth(refusals) : null;
      const warnings = [...fell, ...seen, ...(refused === null ? [] : [refused]), ...(result?.warnings ?? [])];
      const text = [outcome(specification, result), goldSentence(people), ...warnings]
        .filter(part => part !== '')
        .join(' ');
      return text === '' ? null : { level: warnings.length > 0 ? 'warning' : 'good', text };
    }
    default: {
      if (state?.paused)
        return {
          level: 'info',
          text: l10n.t('Paused: the computer runs on its battery. It goes on when it is plugged in.'),
        };
      const past = specification.kind === 'rlhf' && specification.gold ? goldHealth(metricSteps(events)) : null;
      if (past) return { level: 'warning', text: past };
      if (curves?.level === 'warning') return curves;
      return warning?.type === 'log' ? { level: 'warning', text: warning.message } : curves;
    }
  }
}

/** One sentence: what came of a job. */
export function outcome(specification: Pick<JobSpecification, 'kind'>, result: JobResult | undefined): string {
  if (!result) return '';
  if (result.accuracy) {
    const { estimate, low, high, n } = result.accuracy;
    const figures = [percent(estimate), n, percent(low), percent(high)] as const;
    return specification.kind === 'reward'
      ? l10n.t('Right on {0} % of {1} held-out pairs (95 % interval {2}–{3}).', ...figures)
      : l10n.t('Moved towards the better answer on {0} % of {1} held-out pairs (95 % interval {2}–{3}).', ...figures);
  }
  const { eval_perplexity_before: first, eval_perplexity: last } = result.metrics;
  if (first !== undefined && last !== undefined) {
    const learned = l10n.t('Perplexity of the held-out answers: {0} before, {1} now.', figure(first), figure(last));
    const { unseen } = result.sft ?? {};
    if (!unseen) return learned;
    const { before, after } = unseen.exactMatch;
    const held = l10n.t(
      'Tasks held out: {0} % right before, {1} % now (95 % interval {2}–{3}, {4} rows).',
      percent(before.estimate),
      percent(after.estimate),
      percent(after.low),
      percent(after.high),
      after.n,
    );
    return `${learned} ${held}`;
  }
  const before = result.metrics.reward_before;
  const after = result.metrics.reward_after;
  if (before === undefined || after === undefined) return '';
  const kl = result.metrics.kl;
  const reward = l10n.t('Mean reward of the fixed prompts: {0} before, {1} now.', figure(before), figure(after));
  return [
    reward,
    ...(kl === undefined ? [] : [l10n.t('KL to the base: {0} nats.', figure(kl))]),
    ...goldOutcome(result.metrics),
  ].join(' ');
}

/** What the gold said of a run and which step’s adapter was written, in a sentence or two. */
export function goldOutcome(metrics: JobResult['metrics']): string[] {
  const { steps, written_step: written } = metrics;
  const { gold_before: before, gold_best: best, gold_best_step: peak, gold_last: last } = metrics;
  if (before === undefined || best === undefined || peak === undefined || last === undefined) return [];
  return [
    peak === 0
      ? l10n.t('The gold reward never rose above that of the start, {0}; it ended at {1}.', figure(best), figure(last))
      : l10n.t(
          'Gold reward: {0} before, highest at step {1} with {2}, {3} at the end.',
          figure(before),
          peak,
          figure(best),
          figure(last),
        ),
    ...(written !== undefined && written !== steps ? [l10n.t('The adapter is that of step {0}.', written)] : []),
  ];
}

const lastPart = (path: string): string => path.split(/[\\/]/).findLast(part => part !== '') ?? path;
const modelName = (id: string): string => id.replace(/^[a-z]+:/, '');

function lineage({ specification, madeBy }: DashboardInput): Dashboard['lineage'] {
  const { model } = specification;
  const job = (folder: string): string | null => madeBy?.(folder) ?? null;
  const rows: Dashboard['lineage'] = [
    { role: l10n.t('base'), name: modelName(model.id).split('+')[0]!, detail: '', here: false, job: null },
  ];
  if (model.adapter !== undefined) {
    rows.push({
      role: l10n.t('tuned'),
      name: lastPart(model.adapter),
      detail: '',
      here: false,
      job: job(model.adapter),
    });
  }
  if (specification.kind === 'rlhf') {
    const add = (source: RewardSource, model: string, rule: string): void => {
      for (const one of rewardModelsOf(source)) {
        const folder = rewardFolder(one);
        rows.push({ role: model, name: lastPart(folder), detail: '', here: false, job: job(folder) });
      }
      if (source.kind === 'model') return;
      rows.push({ role: rule, name: rewardLabel(source), detail: '', here: false, job: null });
    };
    add(specification.reward, l10n.t('reward model'), l10n.t('reward'));
    if (specification.gold) add(specification.gold.source, l10n.t('gold'), l10n.t('gold'));
  }
  const full = specification.kind === 'sft' && specification.settings.tuning === 'full';
  rows.push({
    role: {
      reward: l10n.t('reward model'),
      dpo: l10n.t('policy'),
      kto: l10n.t('policy'),
      rlhf: l10n.t('policy'),
      sft: l10n.t('SFT'),
    }[specification.kind],
    name: specification.name,
    detail: full ? l10n.t('all weights') : l10n.t('LoRA, rank {0}', specification.settings.lora.r),
    here: true,
    job: null,
  });
  return rows;
}

function samples({ events, result, compared = {} }: DashboardInput): Dashboard['samples'] {
  // A job that was resumed asks again at a step: the last answers count.
  const byStep = new Map(events.flatMap(event => (event.type === 'samples' ? [[event.step, event.samples]] : [])));
  const steps = [...byStep.keys()].sort((a, b) => a - b);
  const chosen = (step: number | undefined, otherwise: number): number =>
    step !== undefined && byStep.has(step) ? step : otherwise;
  const before = chosen(compared.before, steps[0] ?? 0);
  const now = steps.length < 2 ? null : chosen(compared.now, steps.at(-1)!);
  const answers = now === null ? undefined : byStep.get(now);
  const rows: SampleRow[] =
    byStep.size > 0
      ? byStep.get(before)!.map((sample, i) => ({
          prompt: sample.prompt,
          before: sample.answer,
          now: answers?.[i]?.answer ?? null,
          rewardBefore: sample.reward ?? null,
          rewardNow: answers?.[i]?.reward ?? null,
        }))
      : (result?.samples ?? []).map(sample => ({
          prompt: sample.prompt,
          before: sample.before,
          now: sample.after,
          rewardBefore: sample.rewardBefore ?? null,
          rewardNow: sample.rewardAfter ?? null,
        }));
  if (rows.length === 0) return null;
  const shared = sharedLines(rows.map(row => row.prompt));
  return { steps, before, now, rows: rows.map(row => ({ ...row, prompt: row.prompt.slice(shared) })) };
}

/** Length of the whole lines that all texts begin with: instructions that tell no prompt from another. */
export function sharedLines(texts: readonly string[]): number {
  const [first = '', ...others] = texts;
  if (others.length === 0) return 0;
  let length = 0;
  while (length < first.length && others.every(text => text[length] === first[length])) length++;
  return first.lastIndexOf('\n', length - 1) + 1;
}

/** A job's specification for people: what it starts from, its settings, and the machine's. */
export function settingRows(specification: JobSpecification): Dashboard['settings'] {
  const row = (label: string, value: string | number): { label: string; value: string } => ({
    label,
    value: String(value),
  });
  const { data, kind, model } = specification;
  const what = [row(l10n.t('Starts from'), modelName(model.id))];
  const rows = {
    reward: l10n.t('Pairs'),
    dpo: l10n.t('Pairs'),
    kto: l10n.t('Labelled answers'),
    rlhf: l10n.t('Prompts'),
    sft: l10n.t('Examples'),
  };
  what.unshift(row(rows[kind], data.rows));
  if (kind === 'rlhf') {
    const { reward, gold, heldOut } = specification;
    what.push(row(l10n.t('Reward'), rewardLabel(reward)));
    if (gold) {
      what.push(row(l10n.t('Gold reward'), rewardLabel(gold.source)));
      what.push(row(l10n.t('Gold patience'), gold.patience ?? l10n.t('none')));
      what.push(row(l10n.t('Written adapter'), gold.restoreBest ? l10n.t('of the gold’s peak') : l10n.t('the last')));
    }
    if (heldOut) what.push(row(l10n.t('Fixed prompts'), heldOut.rows));
  }
  const settings = settingDescriptions(settingsKindOf(specification)).map(({ key, label }) =>
    row(label, settingText(getSetting(specification.settings, key))),
  );
  const machine = [row(l10n.t('Seed'), specification.seed)];
  if (specification.threads) machine.push(row(l10n.t('Threads'), specification.threads));
  return [what, settings, machine];
}

/** A setting's value for people. */
export function settingText(value: unknown): string {
  if (value === null) return l10n.t('none');
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'number' && value !== 0 && Math.abs(value) < 0.001)
    return value.toExponential().replace('-', '−');
  return String(value);
}
