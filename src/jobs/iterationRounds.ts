/**
 * Works through an iteration from where it stands: the policy answers, its answers are judged, a reward model learns from all
 * judgements, the policy is tuned on it, and again. Everything is written down before it is begun, so that it goes on where it was
 * left. Who judges, and how jobs are run, is the caller's.
 */
import { join } from 'node:path';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { Rng } from '../base/rng.ts';
import type { Ask } from '../core/evaluation/ask.ts';
import { defaultSampling } from '../core/generation.ts';
import { type Iteration, type IterationRound, iterationStage, policyOf, roundPrompts } from '../core/jobs/iteration.ts';
import type { JobResult, ModelReference } from '../core/jobs/job.ts';
import { type PresetName, rewardSettings, rlhfSettings } from '../core/jobs/presets.ts';
import { rankable } from '../core/preferences/answerSources.ts';
import { drawAnswers, unanswered } from '../core/preferences/drawAnswers.ts';
import { admitted, type JudgeFilter } from '../core/preferences/judgeChoice.ts';
import { writeIteration } from '../storage/iterationFiles.ts';
import { JobFolder } from '../storage/jobFolder.ts';
import type { PreferenceJournal } from '../storage/preferenceJournal.ts';
import type { WorkspaceLayout } from '../storage/workspaceLayout.ts';
import { newRewardJob, newRlhfJob } from './newJobs.ts';

export interface IterationOptions {
  /** Ends after so many rounds in all; absent: as long as somebody judges. */
  readonly rounds?: number | undefined;
  /** Prompts of a round, and different answers to each. */
  readonly items: number;
  readonly samples: number;
  readonly preset: PresetName;
  /** Updates of each policy; absent: the preset's. */
  readonly steps?: number | undefined;
  /** Goes on although not all answers of the round are judged. */
  readonly enough?: boolean | undefined;
}

/** What the rounds need of models and people. */
export interface IterationHost {
  readonly layout: WorkspaceLayout;
  readonly journal: PreferenceJournal;
  /** Whose judgements count. */
  readonly filter: JudgeFilter;
  readonly signal: AbortSignal;
  model(id: string): Promise<{ readonly label: string; readonly ask: Ask }>;
  /** A local model as jobs name it; called also for models that a job has just made. */
  reference(id: string): Promise<ModelReference>;
  /** The id of what the model was tuned from; undefined for a base. */
  tunedFrom(id: string): Promise<string | undefined>;
  parameters(base: string): Promise<number>;
  /** Runs a job to its end, from its checkpoint where it was interrupted; rejects where it did not succeed. */
  run(job: JobFolder): Promise<JobResult>;
  /**
   * Has the answers of the round judged. Resolves with what is to be done then: look `again` whether all are judged, go on with what
   * is judged (`enough`), or `leave` the round to wait.
   */
  judge(iteration: Iteration, round: IterationRound, judged: number): Promise<'again' | 'enough' | 'leave'>;
  onProgress(round: number, done: number, prompts: number): void;
  /** What was done, a sentence. */
  note(message: string): void;
  onRound(round: DoneRound): void;
}

export interface DoneRound {
  readonly number: number;
  readonly round: IterationRound;
  readonly tuned: ModelReference;
  readonly metrics: JobResult['metrics'];
}

/** `Round 1: local:polite-1, reward 0.2 → 0.9, KL to the base 0.1`. */
export function doneRoundText({ number, tuned, metrics }: DoneRound): string {
  const { reward_before: before = 0, reward_after: after = 0, kl = 0 } = metrics;
  return l10n.t(
    'Round {0}: {1}, reward {2} → {3}, KL to the base {4}',
    number,
    tuned.id,
    before.toFixed(3),
    after.toFixed(3),
    kl.toFixed(3),
  );
}

/** Items of the round that were judged, by anybody who counts. */
export function judgedItems(
  { state, author }: PreferenceJournal,
  { set }: IterationRound,
  filter: JudgeFilter,
): number {
  const items = new Set<string>();
  for (const { item } of admitted(state, filter)) if (state.itemById.get(item)?.set === set) items.add(item);
  // Items that were skipped say nothing, but nobody waits for them.
  const own = state.progress(author).find(({ name }) => name === set)?.judged ?? 0;
  return Math.max(items.size, own);
}

/** Resolves when the rounds that were asked for are done, or a round waits for judgements. */
export async function runIteration(start: Iteration, options: IterationOptions, host: IterationHost): Promise<void> {
  const { journal, filter, signal } = host;
  let iteration = start;
  const change = async (rounds: Iteration['rounds']): Promise<void> => {
    iteration = { ...iteration, rounds };
    await writeIteration(host.layout, iteration);
  };
  const changeLast = (part: Partial<IterationRound>): Promise<void> =>
    change([...iteration.rounds.slice(0, -1), { ...iteration.rounds.at(-1)!, ...part }]);
  for (;;) {
    signal.throwIfAborted();
    const isJudged = (round: IterationRound): boolean =>
      options.enough === true || judgedItems(journal, round, filter) >= round.items;
    const { rounds } = iteration;
    switch (iterationStage(iteration, isJudged)) {
      case 'sample':
        if (rounds.length >= (options.rounds ?? Number.POSITIVE_INFINITY)) return;
        await change([...rounds, await sample(iteration, options, host)]);
        break;
      case 'judge': {
        const round = rounds.at(-1)!;
        const then = await host.judge(iteration, round, judgedItems(journal, round, filter));
        if (then === 'leave') return;
        if (then === 'enough') await learnReward(iteration, options, host, changeLast);
        break;
      }
      case 'reward':
        await learnReward(iteration, options, host, changeLast);
        break;
      case 'tune':
        await tune(iteration, host, changeLast);
        break;
    }
  }
}

/** Answers of the policy as it is now, put up for ranking. */
async function sample(
  iteration: Iteration,
  { items: count, samples, preset }: IterationOptions,
  { journal, signal, ...host }: IterationHost,
): Promise<IterationRound> {
  const number = iteration.rounds.length + 1;
  const { id } = policyOf(iteration);
  const { label, ask } = await host.model(id);
  const prompts = roundPrompts(iteration, count).map(({ prompt }) => prompt);
  const items = unanswered(prompts);
  const { temperature, maxNewTokens } = rlhfSettings(preset, 1);
  await drawAnswers(prompts, items, {
    model: id,
    wanted: samples,
    most: 4 * samples,
    sampling: { ...defaultSampling, seed: iteration.seed + number, temperature, maxOutputTokens: maxNewTokens },
    signal,
    ask: async request => (await ask(request, { signal })).generation,
    onProgress: done => host.onProgress(number, done, prompts.length),
  });
  signal.throwIfAborted();
  const set = `${iteration.name}-${number}`;
  const { items: different } = rankable(items);
  if (different.length === 0)
    throw new HumanError(
      l10n.t('The policy gives the same answer every time, so there is nothing to judge. Begin from an earlier model.'),
    );
  const made = await journal.addItems(different.map(item => ({ set, ...item })));
  host.note(l10n.t('Round {0}: {1} prompts answered by {2}', number, made.length, label));
  return { policy: id, set, items: made.length };
}

type Change = (part: Partial<IterationRound>) => Promise<void>;

/** A reward model of every judgement of the workspace, old and new, and the job that tunes on it. */
async function learnReward(
  iteration: Iteration,
  { preset, steps }: IterationOptions,
  host: IterationHost,
  change: Change,
): Promise<void> {
  const { layout, journal, filter } = host;
  const round = iteration.rounds.at(-1)!;
  const number = iteration.rounds.length;
  const base = await baseOf(iteration, host);
  const parameters = await host.parameters(base.base);
  let { rewardJob, comparisons = 0 } = round;
  // One that failed is made anew: judgements may have come since.
  if (rewardJob === undefined || (await statusOf(layout, rewardJob)) === 'failed') {
    const pairs = journal.pairs(filter);
    if (pairs.length === 0)
      throw new HumanError(
        l10n.t('There are no judgements to learn from yet. Rank the answers of the set “{0}” first.', round.set),
      );
    const job = await newRewardJob({
      layout,
      name: `${iteration.name}-reward-${number}`,
      model: base,
      seed: iteration.seed + number,
      pairs,
      settings: rewardSettings(preset, parameters),
    });
    rewardJob = job.id;
    comparisons = pairs.length;
    await change({ rewardJob, comparisons });
  }
  const { adapter, accuracy } = await finish(rewardJob, host);
  host.note(
    l10n.t(
      'Round {0}: a reward model of {1} comparisons{2}',
      number,
      comparisons,
      accuracy
        ? `, ${l10n.t('right on {0} % of {1} held-out pairs', Math.round(100 * accuracy.estimate), accuracy.n)}`
        : '',
    ),
  );
  const settings = rlhfSettings(preset, parameters);
  const prompts = Rng.seeded(iteration.seed)
    .stream('held-out')
    .shuffled(iteration.prompts.map(({ prompt }) => prompt));
  const held = Math.min(settings.evaluationPrompts, Math.floor(prompts.length / 5));
  const job = await newRlhfJob({
    layout,
    name: `${iteration.name}-${number}`,
    model: policyOf({ ...iteration, rounds: iteration.rounds.slice(0, -1) }),
    seed: iteration.seed + number,
    prompts: prompts.slice(held),
    heldOut: prompts.slice(0, held),
    reward: { kind: 'model', model: { id: `local:${nameOf(adapter)}`, base: base.base, adapter } },
    // All rounds are held by the same base: they cannot drift away from it one after the other.
    reference: 'base',
    settings: { ...settings, ...(steps === undefined ? {} : { steps }) },
  });
  await change({ tuneJob: job.id });
}

async function tune(iteration: Iteration, host: IterationHost, change: Change): Promise<void> {
  const round = iteration.rounds.at(-1)!;
  const { adapter, metrics } = await finish(round.tuneJob!, host);
  const tuned = await host.reference(`local:${nameOf(adapter)}`);
  await change({ tuned });
  host.onRound({ number: iteration.rounds.length, round: { ...round, tuned }, tuned, metrics });
}

const statusOf = async (layout: WorkspaceLayout, id: string) =>
  (await (await JobFolder.open(join(layout.jobs, id))).status()).status;

/** A job that is done gives what it gave. */
async function finish(id: string, { layout, run }: IterationHost): Promise<JobResult> {
  const job = await JobFolder.open(join(layout.jobs, id));
  const { status } = await job.status();
  return (status === 'succeeded' ? await job.result() : undefined) ?? run(job);
}

/** The weights under the first policy: what reward models stand on. */
async function baseOf({ model }: Iteration, { tunedFrom }: IterationHost): Promise<Iteration['model']> {
  if (model.adapter === undefined) return model;
  const seen = new Set<string>();
  for (let at = model.id; ; ) {
    const below = seen.has(at) ? undefined : await tunedFrom(at);
    if (below === undefined) return { id: at, base: model.base };
    seen.add(at);
    at = below;
  }
}

const nameOf = (folder: string): string => folder.replace(/^.*[\\/]/, '');
