/** What gives the reward of reinforcement learning: one thing that scores answers, or several with weights, summed. */
import path from 'node:path';
import * as vscode from 'vscode';
import { defaultSampling, type Prompt } from '../../core/generation.ts';
import type { RewardSource, SingleReward } from '../../core/jobs/job.ts';
import { judgeTokens, scoreOf, scoreQuestion } from '../../core/jobs/judgeReward.ts';
import { sumLabel, sumOfRewards } from '../../core/jobs/rewardSource.ts';
import type { ModelRegistry } from '../../providers/registry.ts';
import type { QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { askText } from './files.ts';
import { type Answer, askSource, type ChosenSource, sourceLabel } from './rewardKinds.ts';

interface Part {
  readonly weight: number;
  readonly source: ChosenSource;
}

/** One part at least. */
export type ChosenReward = readonly Part[];

/** The model that the reward models among the parts stand on. */
export const baseOf = (parts: readonly Pick<Part, 'source'>[]): string | undefined =>
  parts.map(({ source }) => (source.kind === 'models' ? source.base : undefined)).find(base => base !== undefined);

const ask = (services: Services, steps: QuickSteps, title: string, base?: string): Promise<Answer> =>
  askSource(services, steps, title, { placeholder: vscode.l10n.t('What gives the reward?'), base });

export async function askReward(
  services: Services,
  steps: QuickSteps,
  title: string,
): Promise<ChosenReward | 'train-first' | undefined> {
  const source = await ask(services, steps, title);
  if (typeof source === 'object') return [{ weight: 1, source }];
  return source === 'train-first' ? source : undefined;
}

/**
 * Goes on until the person is done with the parts; an Escape leaves them as they were. `base`: the model that reward models have to
 * stand on, where something else decides it.
 */
export async function editReward(
  services: Services,
  steps: QuickSteps,
  title: string,
  reward: ChosenReward,
  base: string | undefined,
): Promise<ChosenReward | undefined> {
  let parts = reward;
  for (;;) {
    const row = await steps.ask<Part | 'add' | 'done'>(
      parts.length === 1
        ? vscode.l10n.t('What gives the reward: change it, or add another')
        : vscode.l10n.t('The reward is the sum of these'),
      [
        { label: `$(check) ${vscode.l10n.t('Use This Reward')}`, description: rewardLabel(parts), value: 'done' },
        ...parts.map(part => ({
          label: `$(law) ${sourceLabel(part.source)}`,
          description: vscode.l10n.t('weight {0}', numberText(part.weight)),
          value: part,
        })),
        {
          label: `$(add) ${vscode.l10n.t('Add a Reward…')}`,
          description: vscode.l10n.t('each is multiplied with its weight, and all are summed'),
          value: 'add',
        },
      ],
    );
    if (row === 'done') return parts;
    if (row === undefined) return undefined;
    if (row === 'add') {
      const source = await ask(services, steps, title, baseOf(parts) ?? base);
      if (typeof source === 'object') parts = [...parts, { weight: 1, source }];
      continue;
    }
    const others = parts.filter(part => part !== row);
    const changed = await changePart(services, steps, title, row, others, base);
    if (changed === 'remove') parts = others;
    else if (changed) parts = parts.map(part => (part === row ? changed : part));
  }
}

async function changePart(
  services: Services,
  steps: QuickSteps,
  title: string,
  part: Part,
  others: readonly Part[],
  base: string | undefined,
): Promise<Part | 'remove' | undefined> {
  const what = await steps.ask<'weight' | 'source' | 'remove'>(sourceLabel(part.source), [
    {
      label: `$(symbol-numeric) ${vscode.l10n.t('Change Its Weight…')}`,
      description: vscode.l10n.t('now {0}', numberText(part.weight)),
      value: 'weight',
    },
    { label: `$(law) ${vscode.l10n.t('Choose Another…')}`, value: 'source' },
    ...(others.length > 0 ? [{ label: `$(trash) ${vscode.l10n.t('Remove')}`, value: 'remove' as const }] : []),
  ]);
  if (what === 'source') {
    const source = await ask(services, steps, title, baseOf(others) ?? base);
    return typeof source === 'object' ? { ...part, source } : undefined;
  }
  if (what !== 'weight') return what;
  const text = await askText(
    title,
    vscode.l10n.t('By what is it multiplied? A negative weight is a penalty'),
    input => (weightOf(input) === undefined ? vscode.l10n.t('Type a number other than 0, such as 0.5.') : undefined),
    String(part.weight),
  );
  const weight = text === undefined ? undefined : weightOf(text);
  return weight === undefined ? undefined : { ...part, weight };
}

function weightOf(text: string): number | undefined {
  const weight = Number(text.trim().replace('−', '-') || Number.NaN);
  return Number.isFinite(weight) && weight !== 0 ? weight : undefined;
}

const numberText = (value: number): string => String(value).replace('-', '−');

export const rewardLabel = (parts: readonly Part[]): string =>
  sumLabel(parts.map(({ weight, source }) => ({ weight, label: sourceLabel(source) })));

export async function rewardSource(registry: ModelRegistry, parts: ChosenReward): Promise<RewardSource> {
  const weighed: { weight: number; source: SingleReward }[] = [];
  for (const { weight, source } of parts) weighed.push({ weight, source: await singleReward(registry, source) });
  return sumOfRewards(weighed);
}

async function singleReward(registry: ModelRegistry, source: ChosenSource): Promise<SingleReward> {
  if (source.kind === 'rule') return source;
  const models = await Promise.all(source.names.map(name => registry.rewardReference(name)));
  return models.length === 1
    ? { kind: 'model', model: models[0]! }
    : { kind: 'ensemble', models, combine: source.combine };
}

/** Prompts on which a reward function is tried. */
const tried = 3;
/** What is scored then. */
const anAnswer = 'An answer of a few words.';

/**
 * Asks what may fail before a job relies on it: a function that throws or never ends, a judge that cannot be reached, are said now.
 * Resolves with what the person should know of them.
 */
export async function tryReward(
  services: Services,
  sources: readonly ChosenSource[],
  prompts: readonly Prompt[],
  signal: AbortSignal,
): Promise<string[]> {
  const notes: string[] = [];
  for (const source of sources) {
    if (source.kind !== 'rule') continue;
    const { reward } = source;
    if (reward.rule === 'javascript') {
      const evaluator = await services.evaluator();
      const rows = prompts.slice(0, tried).map((prompt, i) => ({
        prompt: textOf(prompt),
        // An empty answer too: models give them.
        answer: i === 0 ? '' : anAnswer,
      }));
      const file = path.resolve(services.layout().root, reward.file);
      await evaluator.reward(file, rows, { allowCode: services.trusted });
    }
    if (reward.rule === 'judge') {
      const [registry, dispatcher] = await Promise.all([services.models(), services.dispatcher()]);
      const generator = await registry.get(reward.model);
      const question = {
        prompt: scoreQuestion(reward.rubric, textOf(prompts[0]!), anAnswer),
        options: { ...defaultSampling, temperature: 0, maxOutputTokens: judgeTokens },
        repeat: 0,
      };
      const { generation } = await dispatcher.ask(generator)(question, { signal });
      signal.throwIfAborted();
      if (scoreOf(generation.text) === undefined)
        notes.push(
          vscode.l10n.t(
            '{0} gave a trial answer no score that can be read. A job ends when that happens to all answers of a round.',
            generator.model.label,
          ),
        );
    }
  }
  return notes;
}

const textOf = (prompt: Prompt): string =>
  prompt.kind === 'messages' ? (prompt.messages.at(-1)?.content ?? '') : prompt.text;
