/** `--reward-…` and `--gold-…`: what an answer is worth, by a reward model or a rule, for training and for measuring beside it. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Gold, OneReward } from '../../core/jobs/job.ts';
import { type Cli, numberOption } from '../cli.ts';

export interface RewardFlags {
  readonly rewardModel?: string;
  readonly rewardWord?: string;
  readonly rewardRegex?: string;
  readonly rewardLength?: string;
  readonly rewardJson?: boolean;
  readonly rewardCode?: string;
  readonly rewardJudge?: string;
  readonly rewardRubric?: string;
}

export interface GoldFlags {
  readonly goldModel?: string;
  readonly goldWord?: string;
  readonly goldRegex?: string;
  readonly goldLength?: string;
  readonly goldJson?: boolean;
  readonly goldCode?: string;
  readonly goldPeople?: boolean;
  /** Evaluations; true without a number. */
  readonly stopAtGoldPeak?: number | true;
  readonly restoreBest?: boolean;
}

/** Evaluations in a row without a new peak that `--stop-at-gold-peak` waits for by itself. */
const DefaultPatience = 3;

export const withRewardFlags = (command: Command): Command =>
  command
    .option('--reward-model <name>', l10n.t('a trained reward model, by name or folder (default: the newest)'))
    .option('--reward-word <word>', l10n.t('reward answers that have this word'))
    .option('--reward-regex <pattern>', l10n.t('reward answers in which this regular expression is found'))
    .option('--reward-length <min-max>', l10n.t('reward answers with so many words, for example 10-30'))
    .option('--reward-json', l10n.t('reward answers that are valid JSON'))
    .option(
      '--reward-code <file>',
      l10n.t('a JavaScript module that exports reward({prompt, answer}); needs --allow-code'),
    )
    .option('--reward-judge <model>', l10n.t('a model that scores answers, by name or as server|model'))
    .option('--reward-rubric <file>', l10n.t('what it judges by: a text or Markdown file'));

/** The same kinds for a reward that is only measured; `training`: with what it may stop and restore. */
export function withGoldFlags(command: Command, { training = true } = {}): Command {
  command
    .option('--gold-model <name>', l10n.t('measure by a reward model that learned from other judgements'))
    .option('--gold-word <word>', l10n.t('measure whether answers have this word'))
    .option('--gold-regex <pattern>', l10n.t('measure whether this regular expression is found in answers'))
    .option('--gold-length <min-max>', l10n.t('measure whether answers have so many words, for example 10-30'))
    .option('--gold-json', l10n.t('measure whether answers are valid JSON'))
    .option(
      '--gold-code <file>',
      l10n.t('measure by a JavaScript module that exports reward({prompt, answer}); needs --allow-code'),
    );
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

/** The reward that the flags name, one at most; without any the newest reward model. */
export async function rewardOf(cli: Cli, flags: RewardFlags): Promise<OneReward> {
  const named = await sourceOf(cli, 'reward', {
    model: flags.rewardModel,
    word: flags.rewardWord,
    regex: flags.rewardRegex,
    length: flags.rewardLength,
    json: flags.rewardJson,
    code: flags.rewardCode,
  });
  const judge = await judgeOf(cli, flags);
  if (named && judge) throw new HumanError(l10n.t('Give one reward only: a reward model or one rule.'));
  if (named ?? judge) return (named ?? judge)!;
  const newest = (await cli.models.rewardModels())[0];
  if (newest) return { kind: 'model', model: await cli.models.rewardReference(newest.name) };
  throw new HumanError(
    l10n.t(
      'There is no reward model yet. Train one with “tunesmith train reward”, or give a rule such as --reward-word.',
    ),
  );
}

/** A model that scores answers. Its name and rubric are known before anything is trained. */
async function judgeOf(
  cli: Cli,
  { rewardJudge: judge, rewardRubric: file }: RewardFlags,
): Promise<OneReward | undefined> {
  if (judge === undefined && file === undefined) return undefined;
  if (judge === undefined)
    throw new HumanError(l10n.t('--reward-rubric is for --reward-judge: name the model that judges by it.'));
  if (file === undefined)
    throw new HumanError(l10n.t('--reward-judge needs --reward-rubric, a file that says what a good answer is.'));
  let rubric: string;
  try {
    rubric = (await readFile(resolve(cli.terminal.cwd, file), 'utf8')).trim();
  } catch (cause) {
    throw new HumanError(l10n.t('This file cannot be read. Check its path.'), { cause, place: { file } });
  }
  if (rubric === '') throw new HumanError(l10n.t('The rubric is empty.'), { place: { file } });
  // A server that somebody names is one that they want.
  cli.allowOrigins([judge.split('|')[0]!]);
  return { kind: 'rule', reward: { rule: 'judge', model: (await cli.models.get(judge)).model.id, rubric } };
}

/** The gold that the flags name, if they name one. */
export async function goldOf(cli: Cli, flags: GoldFlags): Promise<Gold | undefined> {
  const source = await sourceOf(cli, 'gold', {
    model: flags.goldModel,
    word: flags.goldWord,
    regex: flags.goldRegex,
    length: flags.goldLength,
    json: flags.goldJson,
    code: flags.goldCode,
  });
  const { stopAtGoldPeak: stop, restoreBest = false } = flags;
  if (source) return { source, patience: stop === true ? DefaultPatience : (stop ?? null), restoreBest };
  if (stop === undefined && !restoreBest) return undefined;
  throw new HumanError(l10n.t('There is no gold to go by. Name one, for example with --gold-model or --gold-word.'));
}

type Rule = Extract<OneReward, { kind: 'rule' }>['reward'];

interface Named {
  readonly model: string | undefined;
  readonly word: string | undefined;
  readonly regex: string | undefined;
  readonly length: string | undefined;
  readonly json: boolean | undefined;
  readonly code: string | undefined;
}

async function sourceOf(cli: Cli, prefix: 'reward' | 'gold', flags: Named): Promise<OneReward | undefined> {
  const { model, word, regex, length, json, code } = flags;
  const rules: Rule[] = [];
  if (word !== undefined) rules.push({ rule: 'word', word });
  if (regex !== undefined) rules.push({ rule: 'regex', pattern: checkedPattern(regex) });
  if (length !== undefined) rules.push(lengthRule(`--${prefix}-length`, length));
  if (json) rules.push({ rule: 'json-valid' });
  if (code !== undefined) rules.push({ rule: 'javascript', file: codeFile(cli, code) });
  if (rules.length + (model === undefined ? 0 : 1) > 1) {
    throw new HumanError(
      prefix === 'reward'
        ? l10n.t('Give one reward only: a reward model or one rule.')
        : l10n.t('Give one gold only: a reward model or one rule.'),
    );
  }
  if (rules[0]) return { kind: 'rule', reward: rules[0] };
  if (model === undefined) return undefined;
  const models = await cli.models.rewardModels();
  const found = models.find(({ name, path }) => name === model || path === resolve(cli.terminal.cwd, model));
  if (found) return { kind: 'model', model: await cli.models.rewardReference(found.name) };
  throw new HumanError(
    l10n.t(
      'There is no reward model “{0}”. There are: {1}.',
      model,
      models.map(({ name }) => name).join(', ') || l10n.t('none'),
    ),
  );
}

export function checkedPattern(pattern: string): string {
  try {
    new RegExp(pattern);
    return pattern;
  } catch (error) {
    throw new HumanError(l10n.t('The regular expression “{0}” is not valid: {1}.', pattern, (error as Error).message));
  }
}

export function lengthRule(flag: string, text: string): Rule {
  const match = /^(\d+)\s*[-–]\s*(\d+)$/.exec(text.trim());
  const [min, max] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || min > max) {
    throw new HumanError(l10n.t('{0} needs two numbers of words such as 10-30, not “{1}”.', flag, text));
  }
  return { rule: 'length', min, max, slack: Math.max(1, Math.round((max - min) / 2)) };
}

export function codeFile(cli: Cli, file: string): string {
  if (cli.allowCode) return resolve(cli.terminal.cwd, file);
  throw new HumanError(l10n.t('A reward function is code, which runs only with --allow-code.'), { place: { file } });
}
