/** `tunesmith iterate`: sample from the policy, have its answers judged, learn from all judgements, tune on, and again. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { Rng } from '../../base/rng.ts';
import type { Iteration, IterationRound } from '../../core/jobs/iteration.ts';
import { type PresetName, PresetNames } from '../../core/jobs/presets.ts';
import { type JudgeFilter, peopleOnly } from '../../core/preferences/judgeChoice.ts';
import { compareReplies, describeAnnotator } from '../../core/preferences/simulatedAnnotator.ts';
import { parseTrlPrompts } from '../../core/preferences/trlImport.ts';
import { doneRoundText, type IterationHost, runIteration } from '../../jobs/iterationRounds.ts';
import { readIteration, writeIteration } from '../../storage/iterationFiles.ts';
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
  const iteration = (await readIteration(cli.layout, flags.name)) ?? (await begin(cli, flags));
  const journal = await cli.journal();
  // Nobody has to be waited for where judgements are simulated: such rounds need an end.
  const rounds = flags.rounds ?? (flags.simulated ? 2 : undefined);
  try {
    await runIteration(iteration, { ...flags, rounds }, hostOf(cli, journal, filter, flags));
  } finally {
    await journal.close();
  }
}

function hostOf(
  cli: Cli,
  journal: PreferenceJournal,
  filter: JudgeFilter,
  { simulated, json }: IterateFlags,
): IterationHost {
  return {
    layout: cli.layout,
    journal,
    filter,
    signal: cli.signal,
    async model(id) {
      const generator = await cli.models.get(id);
      return { label: generator.model.label, ask: cli.dispatcher.ask(generator, {}) };
    },
    async reference(id) {
      cli.models.refresh();
      const reference = await cli.models.reference(id);
      await cli.inference.stop();
      return reference;
    },
    tunedFrom: async id => (await cli.models.tuned(id))?.lineage.base.id,
    async parameters(base) {
      const { parameters } = await cli.inference.load({ base });
      return parameters;
    },
    async run(job) {
      // The model's memory is the job's now.
      await cli.inference.stop();
      return runJob(cli, cli.supervisor, job);
    },
    async judge(iteration, round, done) {
      if (simulated) {
        await judge(journal, iteration, round);
        return 'again';
      }
      cli.note(
        l10n.t(
          'Round {0}: {1} of {2} are judged. Rank the others with “tunesmith rank --set {3}” or in the Ranking view, then call this again; --enough goes on without them.',
          iteration.rounds.length,
          done,
          round.items,
          round.set,
        ),
      );
      return 'leave';
    },
    onProgress(round, done, prompts) {
      cli.progress(done === prompts ? '' : l10n.t('Round {0}: {1} of {2} prompts', round, done, prompts));
    },
    note: message => cli.note(message),
    onRound(done) {
      const { number, round, tuned, metrics } = done;
      cli.out(json ? `${JSON.stringify({ round: number, ...round, tuned, metrics })}\n` : `${doneRoundText(done)}\n`);
    },
  };
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

async function readText(cli: Cli, file: string): Promise<string> {
  try {
    return await readFile(resolve(cli.terminal.cwd, file), 'utf8');
  } catch (cause) {
    throw new HumanError(l10n.t('This file cannot be read. Check its path.'), { cause, place: { file } });
  }
}
