/** `--reward-…` and `--gold-…`: what an answer is worth, by reward models and rules; weighed and summed, or measured beside it. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Gold, ModelReference, RewardSource, RuleReward, SingleReward } from '../../core/jobs/job.ts';
import { partName, sumOfRewards } from '../../core/jobs/rewardSource.ts';
import { lengthRule, patternError, schemaRule } from '../../core/jobs/ruleText.ts';
import { type Cli, numberOption } from '../cli.ts';
import { collectWords } from '../experiments.ts';

/** Commander's names of the flags below: `rewardWord`, `goldWord`. */
type RuleFlags<P extends string> = { readonly [K in `${P}${Capitalize<RuleFlag['name']>}`]?: string | true };

export interface RewardFlags extends RuleFlags<'reward'> {
  readonly rewardModel?: readonly string[];
  readonly rewardCombine?: 'mean' | 'worst';
  readonly rewardJudge?: string;
  readonly rewardRubric?: string;
  readonly rewardWeight?: readonly string[];
}

export interface GoldFlags extends RuleFlags<'gold'> {
  readonly goldModel?: string;
  readonly goldPeople?: boolean;
  /** Evaluations; true without a number. */
  readonly stopAtGoldPeak?: number | true;
  readonly restoreBest?: boolean;
}

/** A kind of rule that a flag names, also as a gold. */
interface RuleFlag {
  /** Also of the part of a sum. */
  readonly name: 'word' | 'regex' | 'length' | 'json' | 'schema' | 'code';
  readonly value: string;
  readonly reward: string;
  readonly gold: string;
  /** Throws a HumanError for a value that is none of it. */
  readonly read: (cli: Cli, value: string, flag: string) => RuleReward | Promise<RuleReward>;
}

const ruleFlags = (): readonly RuleFlag[] => [
  {
    name: 'word',
    value: ' <word>',
    reward: l10n.t('reward answers that have this word'),
    gold: l10n.t('measure whether answers have this word'),
    read: (_, word) => ({ rule: 'word', word }),
  },
  {
    name: 'regex',
    value: ' <pattern>',
    reward: l10n.t('reward answers in which this regular expression is found'),
    gold: l10n.t('measure whether this regular expression is found in answers'),
    read: (_, pattern) => {
      const error = patternError(pattern);
      if (error === undefined) return { rule: 'regex', pattern };
      throw new HumanError(l10n.t('The regular expression “{0}” is not valid: {1}.', pattern, error));
    },
  },
  {
    name: 'length',
    value: ' <min-max>',
    reward: l10n.t('reward answers with so many words, for example 10-30'),
    gold: l10n.t('measure whether answers have so many words, for example 10-30'),
    read: (_, text, flag) => {
      const rule = lengthRule(text);
      if (rule) return rule;
      throw new HumanError(l10n.t('{0} needs two numbers of words such as 10-30, not “{1}”.', flag, text));
    },
  },
  {
    name: 'json',
    value: '',
    reward: l10n.t('reward answers that are valid JSON'),
    gold: l10n.t('measure whether answers are valid JSON'),
    read: () => ({ rule: 'json-valid' }),
  },
  {
    name: 'schema',
    value: ' <file>',
    reward: l10n.t('reward answers that are JSON which this JSON Schema allows'),
    gold: l10n.t('measure whether answers are JSON which this JSON Schema allows'),
    read: async (cli, file) => {
      const rule = schemaRule(await readText(cli, file), resolve(cli.terminal.cwd, file));
      if (rule) return rule;
      throw new HumanError(l10n.t('This file is no JSON Schema: it must hold one JSON object.'), { place: { file } });
    },
  },
  {
    name: 'code',
    value: ' <file>',
    reward: l10n.t('a JavaScript module that exports reward({prompt, answer}); needs --allow-code'),
    gold: l10n.t('measure by a JavaScript module that exports reward({prompt, answer}); needs --allow-code'),
    read: (cli, file) => {
      if (cli.allowCode) return { rule: 'javascript', file: resolve(cli.terminal.cwd, file) };
      throw new HumanError(l10n.t('A reward function is code, which runs only with --allow-code.'), {
        place: { file },
      });
    },
  },
];

/** Evaluations in a row without a new peak that `--stop-at-gold-peak` waits for by itself. */
const DefaultPatience = 3;

/** Reward models and rules, one alone or a weighted sum of several. */
export function withRewardFlags(command: Command): Command {
  command
    .addOption(
      new Option(
        '--reward-model <name>',
        l10n.t('a trained reward model, by name or folder (default: the newest); repeat it for an ensemble'),
      ).argParser(collectWords),
    )
    .addOption(
      new Option('--reward-combine <how>', l10n.t('what counts of an ensemble: the mean, or the worst')).choices([
        'mean',
        'worst',
      ]),
    );
  for (const { name, value, reward } of ruleFlags()) command.option(`--reward-${name}${value}`, reward);
  return command
    .option('--reward-judge <model>', l10n.t('a model that scores answers, by name or as server|model'))
    .option('--reward-rubric <file>', l10n.t('what it judges by: a text or Markdown file'))
    .addOption(
      new Option(
        '--reward-weight <part=number>',
        l10n.t('weight of a part of a sum, by its flag, for example length=0.5 (default: 1); repeat it'),
      ).argParser(collectWords),
    );
}

/** The same kinds for a reward that is only measured; `training`: with what it may stop and restore. */
export function withGoldFlags(command: Command, { training = true } = {}): Command {
  command.option('--gold-model <name>', l10n.t('measure by a reward model that learned from other judgements'));
  for (const { name, value, gold } of ruleFlags()) command.option(`--gold-${name}${value}`, gold);
  if (!training) return command;
  return command
    .option(
      '--gold-people',
      l10n.t('keep the adapter of each evaluation, for people to judge with “tunesmith jobs gold”'),
    )
    .addOption(
      new Option(
        '--stop-at-gold-peak [evaluations]',
        l10n.t('stop after so many evaluations in a row without a new highest gold (default: {0})', DefaultPatience),
      ).argParser(numberOption('--stop-at-gold-peak', { min: 1, max: 1_000_000 })),
    )
    .option('--restore-best', l10n.t('write the adapter of the evaluation with the highest gold, not the last one'));
}

/** One reward as it is; several as their weighted sum. Throws a HumanError that says which flag is wrong. */
export async function rewardOf(cli: Cli, flags: RewardFlags): Promise<RewardSource> {
  const rules = await rulesOf(cli, 'reward', name => flags[`reward${capital(name)}`]);
  const judge = await judgeOf(cli, flags);
  const sources: SingleReward[] = [...rules, ...(judge ? [judge] : [])].map(reward => ({ kind: 'rule', reward }));
  const models = flags.rewardModel ?? [];
  if (models.length > 0 || sources.length === 0) {
    sources.unshift(await modelSource(cli, models, flags.rewardCombine));
  } else if (flags.rewardCombine !== undefined) throw onlyEnsembles();
  const weights = weightsOf(flags.rewardWeight ?? []);
  const names = sources.map(partName);
  for (const name of weights.keys()) {
    if (names.includes(name)) continue;
    throw new HumanError(
      l10n.t(
        '--reward-weight names “{0}”, which is no part of this reward. Its parts are: {1}.',
        name,
        names.join(', '),
      ),
    );
  }
  return sumOfRewards(sources.map(source => ({ weight: weights.get(partName(source)) ?? 1, source })));
}

/** The gold that the flags name, if they name one. */
export async function goldOf(cli: Cli, flags: GoldFlags): Promise<Gold | undefined> {
  const rules = await rulesOf(cli, 'gold', name => flags[`gold${capital(name)}`]);
  const model = flags.goldModel;
  if (rules.length + (model === undefined ? 0 : 1) > 1)
    throw new HumanError(l10n.t('Give one gold only: a reward model or one rule.'));
  const { stopAtGoldPeak: stop, restoreBest = false } = flags;
  const watched = { patience: stop === true ? DefaultPatience : (stop ?? null), restoreBest };
  if (rules[0]) return { source: { kind: 'rule', reward: rules[0] }, ...watched };
  if (model !== undefined) return { source: { kind: 'model', model: await rewardModel(cli, model) }, ...watched };
  if (stop === undefined && !restoreBest) return undefined;
  throw new HumanError(l10n.t('There is no gold to go by. Name one, for example with --gold-model or --gold-word.'));
}

const capital = <T extends string>(name: T): Capitalize<T> =>
  `${name[0]!.toUpperCase()}${name.slice(1)}` as Capitalize<T>;

async function rulesOf(
  cli: Cli,
  prefix: 'reward' | 'gold',
  given: (name: RuleFlag['name']) => string | true | undefined,
): Promise<RuleReward[]> {
  const rules: RuleReward[] = [];
  for (const { name, read } of ruleFlags()) {
    const value = given(name);
    if (value !== undefined) rules.push(await read(cli, value === true ? '' : value, `--${prefix}-${name}`));
  }
  return rules;
}

/** A model that scores answers. Its name and rubric are known before anything is trained. */
async function judgeOf(
  cli: Cli,
  { rewardJudge: judge, rewardRubric: file }: RewardFlags,
): Promise<RuleReward | undefined> {
  if (judge === undefined && file === undefined) return undefined;
  if (judge === undefined)
    throw new HumanError(l10n.t('--reward-rubric is for --reward-judge: name the model that judges by it.'));
  if (file === undefined)
    throw new HumanError(l10n.t('--reward-judge needs --reward-rubric, a file that says what a good answer is.'));
  const rubric = (await readText(cli, file)).trim();
  if (rubric === '') throw new HumanError(l10n.t('The rubric is empty.'), { place: { file } });
  // A server that somebody names is one that they want.
  cli.allowOrigins([judge.split('|')[0]!]);
  return { rule: 'judge', model: (await cli.models.get(judge)).model.id, rubric };
}

const onlyEnsembles = () =>
  new HumanError(l10n.t('--reward-combine is for several reward models. Give --reward-model twice or more.'));

async function modelSource(
  cli: Cli,
  wanted: readonly string[],
  combine: RewardFlags['rewardCombine'],
): Promise<SingleReward> {
  if (wanted.length < 2) {
    if (combine !== undefined) throw onlyEnsembles();
    return { kind: 'model', model: await rewardModel(cli, wanted[0]) };
  }
  const models: ModelReference[] = [];
  for (const name of wanted) {
    const model = await rewardModel(cli, name);
    if (models.some(({ id }) => id === model.id))
      throw new HumanError(l10n.t('The reward model “{0}” is named twice; an ensemble needs different ones.', name));
    models.push(model);
  }
  return { kind: 'ensemble', models, combine: combine ?? 'mean' };
}

async function rewardModel(cli: Cli, wanted: string | undefined): Promise<ModelReference> {
  const models = await cli.models.rewardModels();
  const found =
    wanted === undefined
      ? models[0]
      : models.find(({ name, path }) => name === wanted || path === resolve(cli.terminal.cwd, wanted));
  if (!found) {
    throw new HumanError(
      wanted === undefined
        ? l10n.t(
            'There is no reward model yet. Train one with “tunesmith train reward”, or give a rule such as --reward-word.',
          )
        : l10n.t(
            'There is no reward model “{0}”. There are: {1}.',
            wanted,
            models.map(({ name }) => name).join(', ') || l10n.t('none'),
          ),
    );
  }
  return cli.models.rewardReference(found.name);
}

function weightsOf(given: readonly string[]): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const text of given) {
    const [, name, value] = /^\s*([a-z]+)\s*=\s*(\S+)\s*$/.exec(text) ?? [];
    const weight = Number(value);
    if (name === undefined || !Number.isFinite(weight) || weight === 0) {
      throw new HumanError(
        l10n.t('--reward-weight needs a part and a number other than 0, such as length=0.5, not “{0}”.', text),
      );
    }
    if (weights.has(name)) throw new HumanError(l10n.t('--reward-weight gives “{0}” two weights.', name));
    weights.set(name, weight);
  }
  return weights;
}

async function readText(cli: Cli, file: string): Promise<string> {
  try {
    return await readFile(resolve(cli.terminal.cwd, file), 'utf8');
  } catch (cause) {
    throw new HumanError(l10n.t('This file cannot be read. Check its path.'), { cause, place: { file } });
  }
}
