/** `tunesmith iterate`: sample from the policy, have its answers judged, learn from all judgements, tune on, and again. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { Rng } from '../../base/rng.ts';
import { defaultSampling } from '../../core/generation.ts';
import {
  type Iteration,
  type IterationRound,
  iterationStage,
  policyOf,
  roundPrompts,
} from '../../core/jobs/iteration.ts';
import type { JobResult } from '../../core/jobs/job.ts';
import { type PresetName, PresetNames, rewardSettings, rlhfSettings } from '../../core/jobs/presets.ts';
import { rankable } from '../../core/preferences/answerSources.ts';
import { drawAnswers, unanswered } from '../../core/preferences/drawAnswers.ts';
import { admitted, type JudgeFilter, peopleOnly } from '../../core/preferences/judgeChoice.ts';
import { compareReplies, describeAnnotator } from '../../core/preferences/simulatedAnnotator.ts';
import { parseTrlPrompts } from '../../core/preferences/trlImport.ts';
import { newRewardJob, newRlhfJob } from '../../jobs/newJobs.ts';
import { readIteration, writeIteration } from '../../storage/iterationFiles.ts';
import { JobFolder } from '../../storage/jobFolder.ts';
import type { NewJudgement, PreferenceJournal } from '../../storage/preferenceJournal.ts';
import { type Cli, numberOption } from '../cli.ts';
import { reviews } from './loopHost.ts';
import { runJob } from './trainJobs.ts';

interface IterateFlags {
  readonly name: string;
  readonly model: string;
  readonly prompts?: string;
  readonly simulated?: boolean;
  readonly rounds?: number;
  readonly items: number;
  readonly samples: number;
  readonly preset: PresetName;
  readonly steps?: number;
  readonly enough?: boolean;
  readonly seed: number;
  readonly json?: boolean;
}

/** Name under which the simulated annotator judges. */
const Simulated = 'simulated annotator';

export function registerIterate(program: Command, cli: Cli): void {
  const count = (flag: string, min = 1) => numberOption(flag, { min, max: 1_000_000 });
  program
    .command('iterate')
    .description(
      l10n.t(
        'rounds of tuning: the policy answers, you judge, a reward model learns from all judgements, the policy is tuned on it',
      ),
    )
    .option('--name <name>', l10n.t('of the iteration; its models are called after it'), 'iterated')
    .option('--model <model>', l10n.t('the first policy, a local model by name or path'), 'pebble')
    .option('--prompts <file>', l10n.t('prompts as TRL JSON Lines; needed the first time'))
    .option('--simulated', l10n.t('the sample reviews, judged by the simulated annotator of “tunesmith loop”'))
    .option(
      '--rounds <n>',
      l10n.t('end after so many rounds (default: whenever people are waited for; 2 where they are simulated)'),
      count('--rounds'),
    )
    .option('--items <n>', l10n.t('prompts of a round'), count('--items'), 24)
    .option('--samples <n>', l10n.t('different answers to each'), count('--samples', 2), 4)
    .addOption(
      new Option('--preset <preset>', l10n.t('ready-made settings')).choices([...PresetNames]).default('quick'),
    )
    .option('--steps <n>', l10n.t('updates of each policy'), count('--steps'))
    .option('--enough', l10n.t('go on although not all answers of the round are judged'))
    .option('--seed <n>', l10n.t('the same seed and judgements give the same models'), numberOption('--seed'), 0)
    .option('--json', l10n.t('each round that is done as one JSON object'))
    .action((flags: IterateFlags) => iterate(cli, flags));
}

async function iterate(cli: Cli, flags: IterateFlags): Promise<void> {
  if (flags.simulated) cli.note(describeAnnotator());
  const filter: JudgeFilter = flags.simulated ? { judges: 'include', named: [Simulated] } : peopleOnly;
  let iteration = (await readIteration(cli.layout, flags.name)) ?? (await begin(cli, flags));
  const journal = await cli.journal();
  try {
    const change = async (round: Partial<IterationRound>): Promise<void> => {
      const rounds = [...iteration.rounds];
      rounds.push({ ...rounds.pop()!, ...round });
      iteration = { ...iteration, rounds };
      await writeIteration(cli.layout, iteration);
    };
    for (;;) {
      cli.signal.throwIfAborted();
      const stage = iterationStage(iteration, round => flags.enough === true || isJudged(journal, round, filter));
      switch (stage) {
        case 'sample': {
          const { rounds } = iteration;
          // Nobody has to be waited for where judgements are simulated: such rounds need an end.
          if (rounds.length >= (flags.rounds ?? (flags.simulated ? 2 : Number.POSITIVE_INFINITY))) return;
          const round = await sample(cli, journal, iteration, flags);
          iteration = { ...iteration, rounds: [...rounds, round] };
          await writeIteration(cli.layout, iteration);
          break;
        }
        case 'judge': {
          const round = iteration.rounds.at(-1)!;
          if (flags.simulated) {
            await judge(journal, iteration, round);
            break;
          }
          const done = judged(journal, round, filter);
          cli.note(
            l10n.t(
              'Round {0}: {1} of {2} are judged. Rank the others with “tunesmith rank --set {3}” or in the Ranking view, then call this again; --enough goes on without them.',
              iteration.rounds.length,
              done,
              round.items,
              round.set,
            ),
          );
          return;
        }
        case 'reward':
          await learnReward(cli, journal, iteration, flags, filter, change);
          break;
        case 'tune':
          await tune(cli, iteration, flags, change);
          break;
      }
    }
  } finally {
    await journal.close();
  }
}

/** The first time: base, prompts and seed are written down and hold for all rounds. */
async function begin(cli: Cli, flags: IterateFlags): Promise<Iteration> {
  const prompts = flags.simulated
    ? await reviews(cli, 'train')
    : flags.prompts === undefined
      ? []
      : parseTrlPrompts(await readText(cli, flags.prompts), flags.prompts).map(prompt => ({ prompt }));
  if (prompts.length === 0) {
    throw new HumanError(
      flags.prompts === undefined
        ? l10n.t('There is no iteration “{0}” yet. Give its prompts with --prompts.', flags.name)
        : l10n.t('This file has no prompts. Add rows with a field “prompt”.'),
      flags.prompts === undefined ? {} : { place: { file: flags.prompts } },
    );
  }
  const model = await cli.models.reference(flags.model);
  const iteration: Iteration = {
    format: 1,
    name: flags.name,
    model,
    seed: flags.seed,
    prompts: prompts.map(row => ({ ...row })),
    rounds: [],
  };
  await writeIteration(cli.layout, iteration);
  return iteration;
}

/** Answers of the policy as it is now, put up for ranking. */
async function sample(
  cli: Cli,
  journal: PreferenceJournal,
  iteration: Iteration,
  flags: IterateFlags,
): Promise<IterationRound> {
  const number = iteration.rounds.length + 1;
  const { id } = policyOf(iteration);
  const generator = await cli.models.get(id);
  const ask = cli.dispatcher.ask(generator, {});
  const prompts = roundPrompts(iteration, flags.items).map(({ prompt }) => prompt);
  const items = unanswered(prompts);
  const { temperature, maxNewTokens } = rlhfSettings(flags.preset, 1);
  await drawAnswers(prompts, items, {
    model: id,
    wanted: flags.samples,
    most: 4 * flags.samples,
    sampling: { ...defaultSampling, seed: iteration.seed + number, temperature, maxOutputTokens: maxNewTokens },
    signal: cli.signal,
    ask: async request => (await ask(request, { signal: cli.signal })).generation,
    onProgress: done => cli.progress(l10n.t('Round {0}: {1} of {2} prompts', number, done, prompts.length)),
  });
  cli.progress('');
  cli.signal.throwIfAborted();
  const set = `${iteration.name}-${number}`;
  const { items: different } = rankable(items);
  if (different.length === 0) {
    throw new HumanError(
      l10n.t('The policy gives the same answer every time, so there is nothing to judge. Begin from an earlier model.'),
    );
  }
  const made = await journal.addItems(different.map(item => ({ set, ...item })));
  cli.note(l10n.t('Round {0}: {1} prompts answered by {2}', number, made.length, generator.model.label));
  return { policy: id, set, items: made.length };
}

function judged(journal: PreferenceJournal, { set }: IterationRound, filter: JudgeFilter): number {
  const items = new Set<string>();
  for (const { item } of admitted(journal.state, filter)) {
    if (journal.state.itemById.get(item)?.set === set) items.add(item);
  }
  // Items that were skipped say nothing, but nobody waits for them.
  const own = journal.state.progress(journal.author).find(({ name }) => name === set)?.judged ?? 0;
  return Math.max(items.size, own);
}

const isJudged = (journal: PreferenceJournal, round: IterationRound, filter: JudgeFilter): boolean =>
  judged(journal, round, filter) >= round.items;

/** The declared annotator, signed as such: its pairs as rankings of two. */
async function judge(journal: PreferenceJournal, { prompts, seed }: Iteration, { set }: IterationRound): Promise<void> {
  const textOf = (messages: readonly { readonly content: string }[]): string =>
    messages.map(({ content }) => content).join('\n');
  const about = new Map(
    prompts.map(({ prompt, about: thing }) => [
      prompt.kind === 'text' ? prompt.text : textOf(prompt.messages),
      thing ?? '',
    ]),
  );
  const judgements: NewJudgement[] = [];
  for (const [index, item] of journal.items(set).entries()) {
    const thing = about.get(textOf(item.messages)) ?? '';
    const texts = item.answers.map(({ text }) => text);
    const rng = Rng.seeded(seed).stream(`annotator ${set}`, index);
    const wins = texts.map(() => 0);
    for (const { chosen } of compareReplies(thing, texts, rng)) wins[chosen]!++;
    // Answers with as many wins are a tie.
    const levels = [...new Set(wins)].sort((a, b) => b - a);
    judgements.push({
      item: item.id,
      author: Simulated,
      judge: Simulated,
      ranking: levels.map(level => item.answers.filter((_, i) => wins[i] === level).map(({ id }) => id)),
      shown: item.answers.map(({ id }) => id),
      verdict: 'ranked',
      flags: [],
      milliseconds: 0,
    });
  }
  await journal.addJudgements(judgements, { folder: Simulated });
}

type Change = (round: Partial<IterationRound>) => Promise<void>;

/** A reward model of every judgement of the workspace, old and new. */
async function learnReward(
  cli: Cli,
  journal: PreferenceJournal,
  iteration: Iteration,
  flags: IterateFlags,
  filter: JudgeFilter,
  change: Change,
): Promise<void> {
  const round = iteration.rounds.at(-1)!;
  const number = iteration.rounds.length;
  const base = await baseOf(cli, iteration);
  let { rewardJob, comparisons = 0 } = round;
  // One that failed is made anew: judgements may have come since.
  if (rewardJob === undefined || (await statusOf(cli, rewardJob)) === 'failed') {
    const pairs = journal.pairs(filter);
    if (pairs.length === 0) {
      throw new HumanError(
        l10n.t(
          'There are no judgements to learn from yet. Rank the answers with “tunesmith rank --set {0}”.',
          round.set,
        ),
      );
    }
    const parameters = await sizeOf(cli, base.base);
    const job = await newRewardJob({
      layout: cli.layout,
      name: `${iteration.name}-reward-${number}`,
      model: base,
      seed: iteration.seed + number,
      pairs,
      settings: rewardSettings(flags.preset, parameters),
    });
    rewardJob = job.id;
    comparisons = pairs.length;
    await change({ rewardJob, comparisons });
  }
  const { adapter, accuracy } = await finish(cli, rewardJob);
  cli.note(
    l10n.t(
      'Round {0}: a reward model of {1} comparisons{2}',
      number,
      comparisons,
      accuracy
        ? `, ${l10n.t('right on {0} % of {1} held-out pairs', Math.round(100 * accuracy.estimate), accuracy.n)}`
        : '',
    ),
  );
  const parameters = await sizeOf(cli, base.base);
  const settings = rlhfSettings(flags.preset, parameters);
  const prompts = Rng.seeded(iteration.seed)
    .stream('held-out')
    .shuffled(iteration.prompts.map(({ prompt }) => prompt));
  const held = Math.min(settings.evaluationPrompts, Math.floor(prompts.length / 5));
  const job = await newRlhfJob({
    layout: cli.layout,
    name: `${iteration.name}-${number}`,
    model: policyOf({ ...iteration, rounds: iteration.rounds.slice(0, -1) }),
    seed: iteration.seed + number,
    prompts: prompts.slice(held),
    heldOut: prompts.slice(0, held),
    reward: { kind: 'model', model: { id: `local:${nameOf(adapter)}`, base: base.base, adapter } },
    // All rounds are held by the same base: they cannot drift away from it one after the other.
    reference: 'base',
    settings: { ...settings, ...(flags.steps === undefined ? {} : { steps: flags.steps }) },
  });
  await change({ tuneJob: job.id });
}

async function tune(cli: Cli, iteration: Iteration, flags: IterateFlags, change: Change): Promise<void> {
  const { tuneJob } = iteration.rounds.at(-1)!;
  const { adapter, metrics } = await finish(cli, tuneJob!);
  cli.models.refresh();
  const tuned = await cli.models.reference(`local:${nameOf(adapter)}`);
  await cli.inference.stop();
  await change({ tuned });
  const number = iteration.rounds.length;
  const { reward_before: before = 0, reward_after: after = 0, kl = 0 } = metrics;
  if (flags.json) cli.out(`${JSON.stringify({ round: number, ...iteration.rounds.at(-1)!, tuned, metrics })}\n`);
  else {
    cli.out(
      `${l10n.t('Round {0}: {1}, reward {2} → {3}, KL to the base {4}', number, tuned.id, before.toFixed(3), after.toFixed(3), kl.toFixed(3))}\n`,
    );
  }
}

const statusOf = async (cli: Cli, id: string) =>
  (await (await JobFolder.open(join(cli.layout.jobs, id))).status()).status;

/** Runs a job of the iteration, from its checkpoint where it was interrupted; a job that is done gives what it gave. */
async function finish(cli: Cli, id: string): Promise<JobResult> {
  const job = await JobFolder.open(join(cli.layout.jobs, id));
  const { status } = await job.status();
  const result = status === 'succeeded' ? await job.result() : undefined;
  if (result) return result;
  await cli.inference.stop();
  return runJob(cli, cli.supervisor, job);
}

/** The weights under the first policy: what reward models stand on. */
async function baseOf(cli: Cli, { model }: Iteration): Promise<Iteration['model']> {
  if (model.adapter === undefined) return model;
  const { id } = await lowest(cli, model.id);
  return { id, base: model.base };
}

async function lowest(cli: Cli, id: string): Promise<{ readonly id: string }> {
  const seen = new Set<string>();
  for (let at = id; ; ) {
    const below = seen.has(at) ? undefined : (await cli.models.tuned(at))?.lineage.base.id;
    if (below === undefined) return { id: at };
    seen.add(at);
    at = below;
  }
}

async function sizeOf(cli: Cli, base: string): Promise<number> {
  const { parameters } = await cli.inference.load({ base });
  // The model's memory is the job's now.
  await cli.inference.stop();
  return parameters;
}

const nameOf = (folder: string): string => folder.replace(/^.*[\\/]/, '');

async function readText(cli: Cli, file: string): Promise<string> {
  try {
    return await readFile(resolve(cli.terminal.cwd, file), 'utf8');
  } catch (cause) {
    throw new HumanError(l10n.t('This file cannot be read. Check its path.'), { cause, place: { file } });
  }
}
