/** `--reward-…`: reward models and rules of reinforcement learning, one alone or a weighted sum of several. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { ModelReference, RewardSource, RuleReward, SingleReward } from '../../core/jobs/job.ts';
import type { Cli } from '../cli.ts';
import { collectWords } from '../experiments.ts';
import { checkedPattern, codeFile, lengthRule } from './rewardFlags.ts';

export interface RewardSumFlags {
  readonly rewardModel?: readonly string[];
  readonly rewardCombine?: 'mean' | 'worst';
  readonly rewardWord?: string;
  readonly rewardRegex?: string;
  readonly rewardLength?: string;
  readonly rewardJson?: boolean;
  readonly rewardSchema?: string;
  readonly rewardCode?: string;
  readonly rewardWeight?: readonly string[];
}

/** A part of the reward goes by the name of its flag: `model`, `word`, `length`, … */
type Part = Extract<RewardSource, { kind: 'sum' }>['parts'][number];

export const withRewardSumFlags = (command: Command): Command =>
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
    )
    .option('--reward-word <word>', l10n.t('reward answers that have this word'))
    .option('--reward-regex <pattern>', l10n.t('reward answers in which this regular expression is found'))
    .option('--reward-length <min-max>', l10n.t('reward answers with so many words, for example 10-30'))
    .option('--reward-json', l10n.t('reward answers that are valid JSON'))
    .option('--reward-schema <file>', l10n.t('reward answers that are JSON which this JSON Schema allows'))
    .option(
      '--reward-code <file>',
      l10n.t('a JavaScript module that exports reward({prompt, answer}); needs --allow-code'),
    )
    .addOption(
      new Option(
        '--reward-weight <part=number>',
        l10n.t('weight of a part of a sum, by its flag, for example length=0.5 (default: 1); repeat it'),
      ).argParser(collectWords),
    );

/** One reward as it is; several as their weighted sum. Throws a HumanError that says which flag is wrong. */
export async function rewardSumOf(cli: Cli, flags: RewardSumFlags): Promise<RewardSource> {
  const rules = await rulesOf(cli, flags);
  const weights = weightsOf(flags.rewardWeight ?? []);
  const sources: { readonly name: string; readonly source: SingleReward }[] = rules.map(([name, reward]) => ({
    name,
    source: { kind: 'rule', reward },
  }));
  const models = flags.rewardModel ?? [];
  if (models.length > 0 || rules.length === 0) {
    sources.unshift({ name: 'model', source: await modelSource(cli, models, flags.rewardCombine) });
  } else if (flags.rewardCombine !== undefined) throw onlyEnsembles();
  for (const name of weights.keys()) {
    if (sources.some(source => source.name === name)) continue;
    throw new HumanError(
      l10n.t(
        '--reward-weight names “{0}”, which is no part of this reward. Its parts are: {1}.',
        name,
        sources.map(source => source.name).join(', '),
      ),
    );
  }
  if (sources.length === 1 && weights.size === 0) return sources[0]!.source;
  const parts = sources.map(({ name, source }): Part => ({ name, weight: weights.get(name) ?? 1, source }));
  return { kind: 'sum', parts };
}

async function rulesOf(cli: Cli, flags: RewardSumFlags): Promise<[name: string, rule: RuleReward][]> {
  const rules: [string, RuleReward][] = [];
  if (flags.rewardWord !== undefined) rules.push(['word', { rule: 'word', word: flags.rewardWord }]);
  if (flags.rewardRegex !== undefined)
    rules.push(['regex', { rule: 'regex', pattern: checkedPattern(flags.rewardRegex) }]);
  if (flags.rewardLength !== undefined) rules.push(['length', lengthRule('--reward-length', flags.rewardLength)]);
  if (flags.rewardJson) rules.push(['json', { rule: 'json-valid' }]);
  if (flags.rewardSchema !== undefined) rules.push(['schema', await schemaRule(cli, flags.rewardSchema)]);
  if (flags.rewardCode !== undefined)
    rules.push(['code', { rule: 'javascript', file: codeFile(cli, flags.rewardCode) }]);
  return rules;
}

const onlyEnsembles = () =>
  new HumanError(l10n.t('--reward-combine is for several reward models. Give --reward-model twice or more.'));

async function modelSource(
  cli: Cli,
  wanted: readonly string[],
  combine: RewardSumFlags['rewardCombine'],
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

async function schemaRule(cli: Cli, file: string): Promise<RuleReward> {
  const path = resolve(cli.terminal.cwd, file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new HumanError(l10n.t('This file cannot be read. Check its path.'), { cause, place: { file } });
  }
  const schema = parsed(text);
  if (typeof schema === 'boolean' || (typeof schema === 'object' && schema !== null && !Array.isArray(schema))) {
    return { rule: 'json-schema', schema: schema as Record<string, unknown> | boolean, file: path };
  }
  throw new HumanError(l10n.t('This file is no JSON Schema: it must hold one JSON object.'), { place: { file } });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
