/** What gives the reward of reinforcement learning: a trained reward model, a rule, or code of a trusted workspace. */
import path from 'node:path';
import * as vscode from 'vscode';
import type { Prompt } from '../../core/generation.ts';
import type { RewardSource, RuleReward } from '../../core/jobs/job.ts';
import type { ModelRegistry } from '../../providers/registry.ts';
import type { Choice, QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { askFile } from './data.ts';

export type ChosenReward =
  | { readonly kind: 'model'; readonly name: string; readonly base: string }
  | { readonly kind: 'rule'; readonly reward: RuleReward };

/** `train-first`: there is no reward model yet, and the person wants one. */
export async function askReward(
  services: Services,
  steps: QuickSteps,
  title: string,
): Promise<ChosenReward | 'train-first' | undefined> {
  const registry = await services.models();
  const models = await registry.rewardModels();
  const rule = (reward: RuleReward): ChosenReward => ({ kind: 'rule', reward });
  const rows: Choice<() => Promise<ChosenReward | 'train-first' | undefined>>[] = models.map(({ name, lineage }) => {
    const accuracy = lineage.metrics.eval_accuracy;
    return {
      label: `$(law) ${name}`,
      description:
        accuracy === undefined
          ? vscode.l10n.t('reward model')
          : vscode.l10n.t('reward model, right on {0} % of held-out pairs', Math.round(100 * accuracy)),
      value: async () => ({ kind: 'model', name, base: lineage.base.id }),
    };
  });
  if (models.length === 0) {
    rows.push({
      label: `$(law) ${vscode.l10n.t('Train a Reward Model First…')}`,
      description: vscode.l10n.t('from your rankings'),
      value: async () => 'train-first',
    });
  }
  rows.push(
    { label: vscode.l10n.t('Rules'), kind: vscode.QuickPickItemKind.Separator },
    {
      label: vscode.l10n.t('Contains a Word…'),
      description: vscode.l10n.t('1 where the answer has it, else 0'),
      value: async () => {
        const word = await askText(title, vscode.l10n.t('Which word?'));
        return word === undefined ? undefined : rule({ rule: 'word', word });
      },
    },
    {
      label: vscode.l10n.t('Matches a Regular Expression…'),
      description: vscode.l10n.t('1 where it is found, else 0'),
      value: async () => {
        const pattern = await askText(title, vscode.l10n.t('Which regular expression?'), invalidPattern);
        return pattern === undefined ? undefined : rule({ rule: 'regex', pattern });
      },
    },
    {
      label: vscode.l10n.t('Has a Length…'),
      description: vscode.l10n.t('1 inside a range of words, less outside'),
      value: async () => {
        const question = vscode.l10n.t('How many words? For example 10-30');
        const range = await askText(title, question, invalidRange, '10-30');
        const [min, max] = (range ?? '').split(/\s*[-–]\s*/).map(Number);
        if (min === undefined || max === undefined) return undefined;
        return rule({ rule: 'length', min, max, slack: Math.max(5, Math.round((max - min) / 2)) });
      },
    },
    {
      label: vscode.l10n.t('Is Valid JSON'),
      description: vscode.l10n.t('1 where it can be parsed, else 0'),
      value: async () => rule({ rule: 'json-valid' }),
    },
    {
      label: vscode.l10n.t('Code in a File…'),
      description: services.trusted
        ? vscode.l10n.t('a JavaScript module that exports reward({prompt, answer})')
        : vscode.l10n.t('needs a workspace that you trust'),
      value: () => (services.trusted ? askCode(services, steps) : refuseCode()),
    },
  );
  return (await steps.ask(vscode.l10n.t('What gives the reward?'), rows))?.();
}

async function askCode(services: Services, steps: QuickSteps): Promise<ChosenReward | undefined> {
  const uri = await askFile(steps, vscode.l10n.t('Which file has the reward function?'), ['js', 'mjs', 'cjs']);
  if (!uri) return undefined;
  const { root } = services.layout();
  const inside = path.relative(root, uri.fsPath);
  // As the job's process finds it, which stands in the workspace's folder.
  const file = inside.startsWith('..') || path.isAbsolute(inside) ? uri.fsPath : inside.split(path.sep).join('/');
  return { kind: 'rule', reward: { rule: 'javascript', file } };
}

async function refuseCode(): Promise<undefined> {
  const manage = vscode.l10n.t('Manage Workspace Trust');
  const message = vscode.l10n.t(
    'A reward function is code, and code of a workspace runs only where you trust it. Trust this workspace, or choose a rule.',
  );
  if ((await vscode.window.showWarningMessage(message, manage)) === manage) {
    await vscode.commands.executeCommand('workbench.trust.manage');
  }
  return undefined;
}

export async function rewardSource(registry: ModelRegistry, reward: ChosenReward): Promise<RewardSource> {
  return reward.kind === 'model' ? { kind: 'model', model: await registry.rewardReference(reward.name) } : reward;
}

/** Prompts on which a reward function is tried. */
const tried = 3;

/** Calls a reward function before a job relies on it: what it throws, or that it never ends, is said now. */
export async function tryReward(services: Services, reward: ChosenReward, prompts: readonly Prompt[]): Promise<void> {
  if (reward.kind !== 'rule' || reward.reward.rule !== 'javascript') return;
  const evaluator = await services.evaluator();
  const rows = prompts.slice(0, tried).map((prompt, i) => ({
    prompt: prompt.kind === 'messages' ? (prompt.messages.at(-1)?.content ?? '') : prompt.text,
    // An empty answer too: models give them.
    answer: i === 0 ? '' : 'An answer of a few words.',
  }));
  const file = path.resolve(services.layout().root, reward.reward.file);
  await evaluator.reward(file, rows, { allowCode: services.trusted });
}

export async function askText(
  title: string,
  prompt: string,
  invalid: (text: string) => string | undefined = () => undefined,
  value = '',
): Promise<string | undefined> {
  const text = await vscode.window.showInputBox({
    title,
    prompt,
    value,
    validateInput: input =>
      input.trim() === '' ? vscode.l10n.t('Type something, or press Escape.') : invalid(input.trim()),
  });
  return text?.trim();
}

/** Only its syntax: it is run in a process that can be stopped. */
function invalidPattern(text: string): string | undefined {
  try {
    new RegExp(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function invalidRange(text: string): string | undefined {
  const match = /^(\d{1,5})\s*[-–]\s*(\d{1,5})$/.exec(text);
  if (match && Number(match[1]) <= Number(match[2]) && Number(match[2]) > 0) return undefined;
  return vscode.l10n.t('Type two numbers, the smaller first, for example 10-30.');
}
