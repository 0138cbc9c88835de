/** `tunesmith train sft|reward|dpo|kto|rlhf|grpo|reinforce|ppo|expert`: a training job in the foreground, from rankings or TRL files to a tuned model. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { Rng } from '../../base/rng.ts';
import type { Instruction } from '../../core/datasets/instruction.ts';
import { joinFiles, parseInstructions } from '../../core/datasets/instructions.ts';
import { checkTasks } from '../../core/datasets/taskMixture.ts';
import type { Prompt } from '../../core/generation.ts';
import type { ModelReference, RewardSettings } from '../../core/jobs/job.ts';
import {
  dpoPresets,
  dpoSettings,
  expertPresets,
  fit,
  grpoPresets,
  ktoPresets,
  ktoSettings,
  type PresetName,
  PresetNames,
  ppoPresets,
  reinforcePresets,
  rewardPresets,
  rewardSettings,
  rlhfPresets,
  sftPresets,
} from '../../core/jobs/presets.ts';
import { type SettingsKind, settingDescriptions } from '../../core/jobs/settingDescriptions.ts';
import { checkRewardSettings, checkSftSettings, type OnlineKind, withSettings } from '../../core/jobs/settings.ts';
import type { JudgeFilter } from '../../core/preferences/judgeChoice.ts';
import type { PreferencePair, PreferenceRanking } from '../../core/preferences/judgement.ts';
import { type LabelledAnswer, labelledFromPairs } from '../../core/preferences/labelled.ts';
import { parsePreferencePairs, parsePreferenceRankings } from '../../core/preferences/rankingRows.ts';
import { parseTrlLabelled, parseTrlPrompts } from '../../core/preferences/trlImport.ts';
import { newDpoJob, newKtoJob, newRewardJob, newRlhfJob, newSftJob } from '../../jobs/newJobs.ts';
import type { JobFolder } from '../../storage/jobFolder.ts';
import type { PreferenceJournal } from '../../storage/preferenceJournal.ts';
import { type Cli, numberOption } from '../cli.ts';
import { checkJudges, type JudgeFlags, withJudgeFlags } from '../judgeFlags.ts';
import { refusalsBeforeAndAfter, refusalText } from '../refusals.ts';
import { withConfig } from '../trainConfig.ts';
import { type GoldFlags, goldOf, type RewardFlags, rewardOf, withGoldFlags, withRewardFlags } from './rewardFlags.ts';
import { reportResult, runJob } from './trainJobs.ts';

interface TrainFlags {
  readonly model: string;
  readonly name?: string;
  readonly preset: PresetName;
  readonly seed: number;
  readonly threads?: number;
  readonly tensorboard?: boolean;
  readonly keepCheckpoints?: number;
  readonly onBattery?: boolean;
  readonly json?: boolean;
  readonly refusals?: boolean;
  /** Flags of the settings, by commander's names. */
  readonly [setting: string]: unknown;
}

interface DataFlags extends TrainFlags, JudgeFlags {
  readonly data?: string;
}

interface SftFlags extends TrainFlags {
  readonly data: readonly string[];
  readonly full?: boolean;
}

interface RlhfFlags extends TrainFlags, RewardFlags, GoldFlags {
  readonly prompts?: string;
  readonly reference: 'start' | 'base';
}

export function registerTrain(program: Command, cli: Cli): void {
  const train = program.command('train').description(l10n.t('train a reward model, or tune a model'));
  withJudgeFlags(withSettingFlags(train.command('reward'), 'reward'), { checked: true })
    .description(l10n.t('a reward model from preferences'))
    .option(
      '--data <file>',
      l10n.t('preferences as TRL JSON Lines, or rankings (default: the rankings of the workspace)'),
    )
    .action((flags: DataFlags) => trainReward(cli, flags));
  withJudgeFlags(withSettingFlags(train.command('dpo'), 'dpo'), { checked: true })
    .description(l10n.t('tune a model on preferences directly, without a reward model (DPO, cDPO, IPO)'))
    .option('--data <file>', l10n.t('preferences as TRL JSON Lines (default: the rankings of the workspace)'))
    .action((flags: DataFlags) => trainDpo(cli, flags));
  withJudgeFlags(withSettingFlags(train.command('kto'), 'kto'), { checked: true })
    .description(l10n.t('tune a model on answers that are labelled good or bad (KTO)'))
    .option(
      '--data <file>',
      l10n.t('labelled answers as TRL JSON Lines (default: answers that won or lost in the rankings of the workspace)'),
    )
    .action((flags: DataFlags) => trainKto(cli, flags));
  withSettingFlags(train.command('sft'), 'sft')
    .description(l10n.t('tune a model on answers to imitate (supervised fine-tuning)'))
    .requiredOption(
      '--data <files...>',
      l10n.t(
        'examples as JSON Lines (TRL, chat messages, Alpaca, ShareGPT) or tasks of Super-NaturalInstructions; each of several files is a task, unless its rows have a field “task”',
      ),
    )
    .option(
      '--full',
      l10n.t('train all weights, not an adapter (--tuning full), by default at a tenth of the learning rate'),
    )
    .action((flags: SftFlags) => trainSft(cli, flags));
  for (const [kind, description] of Object.entries(onlineKinds())) {
    registerOnline(train, cli, kind as OnlineKind, description);
  }
  for (const command of train.commands) withConfig(command, command.name() as SettingsKind, flagOf, cli.terminal.cwd);
}

const onlineKinds = (): Readonly<Record<OnlineKind, string>> => ({
  rlhf: l10n.t('tune a model by reinforcement learning (RLOO with a KL penalty)'),
  grpo: l10n.t('tune a model by reinforcement learning (GRPO, in the ways of dapo and dr_grpo too)'),
  reinforce: l10n.t('tune a model by reinforcement learning (REINFORCE, with a mean baseline if wanted)'),
  ppo: l10n.t('tune a model by reinforcement learning (PPO, with a critic)'),
  expert: l10n.t('tune a model on the best of its own answers (rejection sampling, expert iteration)'),
});

const onlinePresets = {
  rlhf: rlhfPresets,
  grpo: grpoPresets,
  reinforce: reinforcePresets,
  ppo: ppoPresets,
  expert: expertPresets,
} as const;

function registerOnline(train: Command, cli: Cli, kind: OnlineKind, description: string): void {
  withGoldFlags(withRewardFlags(withSettingFlags(train.command(kind), kind)))
    .description(description)
    .option('--prompts <file>', l10n.t('prompts as TRL JSON Lines (default: the prompts that were ranked)'))
    .addOption(
      new Option(
        '--reference <which>',
        l10n.t('of a model that was tuned before: measure the KL to where this job starts, or to its base'),
      )
        .choices(['start', 'base'])
        .default('start'),
    )
    .action((flags: RlhfFlags) => trainOnline(cli, kind, flags));
}

function withSettingFlags(command: Command, kind: SettingsKind): Command {
  command
    .option('--model <model>', l10n.t('a local model by name or path'), 'pebble')
    .option('--name <name>', l10n.t('name of the model that comes out'))
    .addOption(
      new Option('--preset <preset>', l10n.t('ready-made settings')).choices([...PresetNames]).default('quick'),
    )
    .option('--seed <n>', l10n.t('the same seed and data give the same model'), numberOption('--seed'), 0)
    .option('--threads <n>', l10n.t('threads of the engine'), numberOption('--threads', { min: 1, max: 1024 }))
    .option('--tensorboard', l10n.t('also write event files of TensorBoard, in the folder of the job'))
    .option(
      '--keep-checkpoints <n>',
      l10n.t('checkpoints that are kept while it runs (default: 2)'),
      numberOption('--keep-checkpoints', { min: 1, max: 1000 }),
    )
    .option('--on-battery', l10n.t('go on when the computer is unplugged, instead of waiting'))
    .option('--json', l10n.t('the result as JSON'));
  if (kind !== 'reward') {
    command.option(
      '--refusals',
      l10n.t('ask base and tuned model what they should and should not refuse, and compare'),
    );
  }
  return withEverySetting(command, kind);
}

/** A flag for each setting of the kind. */
export function withEverySetting(command: Command, kind: SettingsKind): Command {
  for (const { key, label, doc } of settingDescriptions(kind)) {
    command.option(`--${flagOf(key)} <value>`, `${label}: ${doc}`);
  }
  return command;
}

/** `lora.targetModules` → `lora-target-modules`. */
const flagOf = (key: string): string => key.replace('.', '-').replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
/** Commander's name of a flag: `loraTargetModules`. */
const propertyOf = (flag: string): string => flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Settings that were given by flags, as text. */
export function changesOf(kind: SettingsKind, flags: Readonly<Record<string, unknown>>): Record<string, string> {
  const changes: Record<string, string> = {};
  for (const { key } of settingDescriptions(kind)) {
    const value = flags[propertyOf(flagOf(key))];
    if (typeof value === 'string') changes[key] = value;
  }
  return changes;
}

async function trainReward(cli: Cli, flags: DataFlags): Promise<void> {
  const changes = changesOf('reward', flags);
  const wanted = withSettings('reward', rewardPresets[flags.preset], changes);
  checkRewardSettings(wanted);
  const pairs = await comparisons(cli, flags, wanted);
  const model = await cli.models.reference(flags.model);
  const settings = withSettings('reward', rewardSettings(flags.preset, await sizeOf(cli, model)), changes);
  const job = await newRewardJob({
    ...common(cli, flags),
    name: flags.name ?? `${shortName(model.id)}-reward`,
    model,
    pairs,
    settings,
  });
  await finish(cli, flags, job);
}

async function trainDpo(cli: Cli, flags: DataFlags): Promise<void> {
  const changes = changesOf('dpo', flags);
  withSettings('dpo', dpoPresets[flags.preset], changes);
  const pairs = await preferences(cli, flags);
  const model = await cli.models.reference(flags.model);
  const settings = withSettings('dpo', dpoSettings(flags.preset, await sizeOf(cli, model)), changes);
  const name = flags.name ?? `${shortName(model.id)}-dpo`;
  const job = await newDpoJob({ ...common(cli, flags), name, model, pairs, settings });
  await finish(cli, flags, job);
}

async function trainKto(cli: Cli, flags: DataFlags): Promise<void> {
  const changes = changesOf('kto', flags);
  withSettings('kto', ktoPresets[flags.preset], changes);
  const answers = await labelled(cli, flags);
  const model = await cli.models.reference(flags.model);
  const settings = withSettings('kto', ktoSettings(flags.preset, await sizeOf(cli, model)), changes);
  const name = flags.name ?? `${shortName(model.id)}-kto`;
  const job = await newKtoJob({ ...common(cli, flags), name, model, answers, settings });
  await finish(cli, flags, job);
}

async function trainSft(cli: Cli, flags: SftFlags): Promise<void> {
  const changes = { ...changesOf('sft', flags), ...(flags.full ? { tuning: 'full' } : {}) };
  const preset = withSettings('sft', sftPresets[flags.preset], changes);
  checkSftSettings(preset);
  const files: { file: string; rows: Instruction[] }[] = [];
  for (const file of flags.data) {
    const rows = parseInstructions(await readText(cli, file), file);
    if (rows.length === 0) {
      throw new HumanError(l10n.t('This file has no examples. Each of its lines is one.'), { place: { file } });
    }
    files.push({ file, rows });
  }
  const examples = joinFiles(files);
  checkTasks(examples, preset);
  const model = await cli.models.reference(flags.model);
  const fitted = fit(sftPresets[flags.preset], await sizeOf(cli, model));
  // Every weight moves at once: what suits an adapter is too much.
  const scaled = preset.tuning === 'full' ? { ...fitted, learningRate: fitted.learningRate / 10 } : fitted;
  const settings = withSettings('sft', scaled, changes);
  const name = flags.name ?? `${shortName(model.id)}-sft`;
  const job = await newSftJob({ ...common(cli, flags), name, model, examples, settings });
  await finish(cli, flags, job);
}

async function trainOnline(cli: Cli, kind: OnlineKind, flags: RlhfFlags): Promise<void> {
  const changes = changesOf(kind, flags);
  const preset = onlinePresets[kind][flags.preset];
  withSettings(kind, preset, changes);
  const reward = await rewardOf(cli, flags);
  const gold = await goldOf(cli, flags);
  const all = await promptsOf(cli, flags.prompts);
  const model = await cli.models.reference(flags.model);
  const settings = withSettings(kind, fit(preset, await sizeOf(cli, model)), changes);
  const order = Rng.seeded(flags.seed).stream('held-out').shuffled(all);
  const held = Math.min(settings.evaluationPrompts, Math.floor(all.length / 5));
  const job = await newRlhfJob({
    ...common(cli, flags),
    name: flags.name ?? `${shortName(model.id)}-tuned`,
    model,
    prompts: order.slice(held),
    heldOut: order.slice(0, held),
    reward,
    ...(gold ? { gold } : {}),
    ...(flags.goldPeople ? { keepEvaluations: true } : {}),
    ...(model.adapter === undefined ? {} : { reference: flags.reference }),
    settings,
  });
  await finish(cli, flags, job);
}

/** Parameters of a model; wrong flags have been refused by then, before any weight is read. */
export async function sizeOf(cli: Cli, { base }: ModelReference): Promise<number> {
  const { parameters } = await cli.inference.load({ base });
  // The model's memory is the job's now.
  await cli.inference.stop();
  return parameters;
}

const common = (cli: Cli, { seed, threads, tensorboard, keepCheckpoints }: TrainFlags) => ({
  layout: cli.layout,
  seed,
  ...(tensorboard ? { tensorboard } : {}),
  ...(keepCheckpoints === undefined ? {} : { keepCheckpoints }),
  ...(threads === undefined ? {} : { threads }),
});

const shortName = (id: string): string => id.replace(/^.*[:/\\]/, '').replace(/\.gguf$/i, '');

const preferences = (cli: Cli, flags: DataFlags): Promise<readonly PreferencePair[]> =>
  preferenceRows(cli, flags, parsePreferencePairs, (journal, filter) => journal.pairs(filter));

/** What the loss of a reward model learns from: pairs, pairs with ties, or whole rankings. */
export function comparisons(
  cli: Cli,
  flags: Pick<DataFlags, 'data'> & JudgeFlags,
  { loss, tieThreshold }: RewardSettings,
): Promise<readonly (PreferencePair | PreferenceRanking)[]> {
  if (loss === 'plackett-luce') {
    return preferenceRows<PreferencePair | PreferenceRanking>(cli, flags, parsePreferenceRankings, (journal, filter) =>
      journal.rankings(filter),
    );
  }
  const ties = tieThreshold > 1;
  return preferenceRows(
    cli,
    flags,
    (text, file) => parsePreferencePairs(text, file, { ties }),
    (journal, filter) => journal.pairs(filter, { ties }),
  );
}

async function preferenceRows<T>(
  cli: Cli,
  { data: file, ...flags }: Pick<DataFlags, 'data'> & JudgeFlags,
  parse: (text: string, file: string) => readonly T[],
  ranked: (journal: PreferenceJournal, filter: JudgeFilter) => readonly T[],
): Promise<readonly T[]> {
  if (file !== undefined) {
    const given = parse(await readText(cli, file), file);
    if (given.length > 0) return given;
    throw new HumanError(l10n.t('This file has no preferences. Each of its lines is one pair.'), { place: { file } });
  }
  const journal = await cli.journal();
  const pairs = ranked(journal, checkJudges(cli, journal.state, flags));
  if (pairs.length > 0) return pairs;
  throw new HumanError(
    l10n.t(
      'There are no rankings in this workspace yet. Rank answers with “tunesmith rank”, or give preferences with --data.',
    ),
    { place: { file: cli.layout.preferences } },
  );
}

async function labelled(cli: Cli, flags: DataFlags): Promise<readonly LabelledAnswer[]> {
  const { data: file } = flags;
  if (file !== undefined) {
    const given = parseTrlLabelled(await readText(cli, file), file);
    if (given.length > 0) return given;
    throw new HumanError(l10n.t('This file has no labelled answers. Each of its lines is one answer.'), {
      place: { file },
    });
  }
  const { rows, undecided } = labelledFromPairs(await preferences(cli, flags));
  if (undecided > 0) cli.note(l10n.t('{0} answers were left out: they won and lost equally often.', undecided));
  return rows;
}

/** Different prompts, in their order. */
async function promptsOf(cli: Cli, file: string | undefined): Promise<Prompt[]> {
  const prompts: Prompt[] =
    file === undefined
      ? (await cli.journal()).promptItems().map(({ messages }) => ({ kind: 'messages', messages }))
      : parseTrlPrompts(await readText(cli, file), file);
  if (prompts.length === 0) {
    throw new HumanError(
      file === undefined
        ? l10n.t('There are no ranked prompts in this workspace yet. Give prompts with --prompts.')
        : l10n.t('This file has no prompts. Add rows with a field “prompt”.'),
      file === undefined ? {} : { place: { file } },
    );
  }
  return [...new Map(prompts.map(prompt => [JSON.stringify(prompt), prompt])).values()];
}

async function readText(cli: Cli, file: string): Promise<string> {
  try {
    return await readFile(resolve(cli.terminal.cwd, file), 'utf8');
  } catch (cause) {
    throw new HumanError(l10n.t('This file cannot be read. Check its path.'), { cause, place: { file } });
  }
}

/** Runs the job and says what came of it; with `--refusals` also what changed there, with `--json` as a second object. */
async function finish(cli: Cli, flags: TrainFlags, job: JobFolder): Promise<void> {
  const result = await runJob(cli, cli.supervisor, job, flags);
  reportResult(cli, flags, job.id, result);
  if (!flags.refusals) return;
  const refusals = await refusalsBeforeAndAfter(cli, job, result);
  cli.out(flags.json ? `${JSON.stringify({ refusals })}\n` : refusalText(refusals));
}
