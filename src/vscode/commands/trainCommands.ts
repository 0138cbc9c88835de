/** `Train Reward Model` and `Fine-Tune with RLHF`: a few choices, each with the likely one first, then a job. */
import * as vscode from 'vscode';
import type { RewardSource, RuleReward } from '../../core/jobs/job.ts';
import { type PresetName, rewardPresets, rlhfPresets } from '../../core/jobs/presets.ts';
import { isOver } from '../../core/jobs/status.ts';
import type { ItemRecord, PreferencePair } from '../../core/preferences/judgement.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import { jobProgress } from '../../jobs/progress.ts';
import type { ModelRegistry } from '../../providers/registry.ts';
import { CommandIds, ViewIds } from '../commandIds.ts';
import { jobSettings } from '../config.ts';
import { jobsOf, startOptions } from '../jobs.ts';
import { askWhose } from '../judgeLabels.ts';
import { newRewardJob, newRlhfJob } from '../newJobs.ts';
import { openDashboard } from '../panels/jobDashboard.ts';
import { type Choice, QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { trainingPrompts } from '../trainingPrompts.ts';

export async function trainRewardModel(services: Services): Promise<void> {
  const layout = services.layout();
  const journal = await services.journal();
  await journal.refresh();
  const filter = await askWhose(journal, vscode.l10n.t('Train Reward Model'));
  if (!filter) return;
  const pairs = journal.pairs(filter);
  if (pairs.length === 0) {
    await askToRank(journal.items().length > 0);
    return;
  }
  const prompts = new Set(pairs.map(pair => pair.item)).size;
  const steps = new QuickSteps(
    vscode.l10n.t('Train Reward Model on {0} Pairs from {1} Prompts', pairs.length, prompts),
  );
  const registry = await services.models();
  let preset: PresetName | undefined;
  let model: ModelDescription | undefined;
  try {
    preset = await askPreset(steps, {
      quick: vscode.l10n.t('about a minute; {0} epochs', rewardPresets.quick.epochs),
      standard: vscode.l10n.t('slower and better with many rankings; {0} epochs', rewardPresets.standard.epochs),
    });
    model = preset && (await askBase(steps, registry, journal.items()));
  } finally {
    steps.dispose();
  }
  if (!preset || !model) return;
  const made = await preparing(vscode.l10n.t('Preparing {0} pairs', pairs.length), async () =>
    newRewardJob({
      layout,
      name: `${setName(pairs, journal.items())}-rm`,
      preset,
      ...(await modelFor(services, registry, model.id)),
      ...jobSettings(),
      seed: 0,
      pairs,
    }),
  );
  await startJob(services, made.id, made.name);
}

export async function fineTune(services: Services): Promise<void> {
  const layout = services.layout();
  const journal = await services.journal();
  await journal.refresh();
  const items = journal.items();
  if (items.length === 0) {
    await askToRank(false);
    return;
  }
  const title = vscode.l10n.t('Fine-Tune with RLHF');
  const registry = await services.models();
  const steps = new QuickSteps(title);
  let reward: ChosenReward | 'train-first' | undefined;
  let preset: PresetName | undefined;
  let base: string | undefined;
  try {
    const choose = await askReward(steps, registry, title);
    reward = await choose?.();
    if (reward !== undefined && reward !== 'train-first') {
      preset = await askPreset(steps, {
        quick: vscode.l10n.t('a minute or two; {0} steps', rlhfPresets.quick.steps),
        standard: vscode.l10n.t('takes its time; {0} steps', rlhfPresets.standard.steps),
      });
      // A reward model scores answers of the base that it stands on, so with one there is nothing to choose.
      if (preset) base = reward.kind === 'model' ? reward.base : (await askBase(steps, registry, items))?.id;
    }
  } finally {
    steps.dispose();
  }
  if (reward === 'train-first') {
    await vscode.commands.executeCommand(CommandIds.trainRewardModel);
    return;
  }
  if (!reward || !preset || base === undefined) return;
  const chosen = { reward, preset, base };
  const made = await preparing(vscode.l10n.t('Preparing prompts'), async signal => {
    const { prompts } = await trainingPrompts(services, items, signal);
    return newRlhfJob({
      layout,
      name: `${items.at(-1)!.set}-tuned`,
      preset: chosen.preset,
      ...(await modelFor(services, registry, chosen.base)),
      ...jobSettings(),
      seed: 0,
      prompts,
      reward: await rewardSource(registry, chosen.reward),
    });
  });
  await startJob(services, made.id, made.name);
}

/** The model as a job names it, and its size. */
async function modelFor(services: Services, registry: ModelRegistry, id: string) {
  const model = await registry.reference(id);
  const { parameters } = await (await services.inference()).load({ base: model.base });
  return { model, parameters };
}

async function rewardSource(registry: ModelRegistry, reward: ChosenReward): Promise<RewardSource> {
  return reward.kind === 'model' ? { kind: 'model', model: await registry.rewardReference(reward.name) } : reward;
}

/** The common set of the pairs, or a word that is always right. */
function setName(pairs: readonly PreferencePair[], items: readonly ItemRecord[]): string {
  const used = new Set(pairs.map(pair => pair.item));
  const sets = new Set(items.filter(item => used.has(item.id)).map(item => item.set));
  return sets.size === 1 ? [...sets][0]! : 'preferences';
}

async function askToRank(itemsWait: boolean): Promise<void> {
  const button = itemsWait ? vscode.l10n.t('Rank Answers') : vscode.l10n.t('Open Playground');
  const message = itemsWait
    ? vscode.l10n.t('There are no rankings yet that say which answer is better. Rank some answers first.')
    : vscode.l10n.t(
        'There are no ranked answers yet. Sample some in the playground and choose Send to Ranking, then rank them.',
      );
  if ((await vscode.window.showInformationMessage(message, button)) !== button) return;
  await vscode.commands.executeCommand(itemsWait ? `${ViewIds.rank}.focus` : CommandIds.openPlayground);
}

function askPreset(steps: QuickSteps, details: Readonly<Record<PresetName, string>>): Promise<PresetName | undefined> {
  return steps.ask<PresetName>(vscode.l10n.t('How thoroughly?'), [
    { label: vscode.l10n.t('Quick'), description: details.quick, value: 'quick' },
    { label: vscode.l10n.t('Standard'), description: details.standard, value: 'standard' },
  ]);
}

/** A local base model; the one that wrote most of the answers first, and no question where there is only one. */
async function askBase(
  steps: QuickSteps,
  registry: ModelRegistry,
  items: readonly ItemRecord[],
): Promise<ModelDescription | undefined> {
  const all = await registry.list();
  const bases = all.filter(model => model.kind === 'local' && model.base === undefined);
  const counts = new Map<string, number>();
  for (const answer of items.flatMap(item => item.answers)) {
    const base = all.find(model => model.id === answer.model)?.base ?? answer.model;
    counts.set(base, (counts.get(base) ?? 0) + 1);
  }
  const sorted = [...bases].sort((a, b) => (counts.get(b.id) ?? 0) - (counts.get(a.id) ?? 0));
  if (sorted.length < 2) return sorted[0];
  return steps.ask(
    vscode.l10n.t('Which model?'),
    sorted.map(model => ({ label: model.label, description: model.detail, value: model })),
  );
}

type ChosenReward =
  | { readonly kind: 'model'; readonly name: string; readonly base: string }
  | { readonly kind: 'rule'; readonly reward: RuleReward };
type RewardChoice = () => Promise<ChosenReward | 'train-first' | undefined>;

/** A trained reward model, newest first, or a rule that needs none. */
async function askReward(steps: QuickSteps, registry: ModelRegistry, title: string): Promise<RewardChoice | undefined> {
  const models = await registry.rewardModels();
  const rows: Choice<RewardChoice>[] = models.map(({ name, lineage }) => {
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
        const word = await ask(title, vscode.l10n.t('Which word?'));
        return word === undefined ? undefined : { kind: 'rule', reward: { rule: 'word', word } };
      },
    },
    {
      label: vscode.l10n.t('Matches a Regular Expression…'),
      description: vscode.l10n.t('1 where it is found, else 0'),
      value: async () => {
        const pattern = await ask(title, vscode.l10n.t('Which regular expression?'), invalidPattern);
        return pattern === undefined ? undefined : { kind: 'rule', reward: { rule: 'regex', pattern } };
      },
    },
    {
      label: vscode.l10n.t('Has a Length…'),
      description: vscode.l10n.t('1 inside a range of words, less outside'),
      value: async () => {
        const range = await ask(title, vscode.l10n.t('How many words? For example 10-30'), invalidRange, '10-30');
        const [min, max] = (range ?? '').split(/\s*[-–]\s*/).map(Number);
        if (min === undefined || max === undefined) return undefined;
        return { kind: 'rule', reward: { rule: 'length', min, max, slack: Math.max(5, Math.round((max - min) / 2)) } };
      },
    },
    {
      label: vscode.l10n.t('Is Valid JSON'),
      description: vscode.l10n.t('1 where it can be parsed, else 0'),
      value: async () => ({ kind: 'rule', reward: { rule: 'json-valid' } }),
    },
  );
  return steps.ask(vscode.l10n.t('What gives the reward?'), rows);
}

async function ask(
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

const preparing = <T>(title: string, work: (signal: AbortSignal) => Promise<T>): Thenable<T> =>
  vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    (_, token) => {
      const stop = new AbortController();
      token.onCancellationRequested(() => stop.abort());
      return work(stop.signal);
    },
  );

/** Starts it (or lets it wait for the one that runs), opens its dashboard, and shows in the status bar how far it is. */
async function startJob(services: Services, id: string, name: string): Promise<void> {
  const jobs = await jobsOf(services);
  await jobs.backend.enqueue(id, startOptions(services));
  await jobs.refresh();
  openDashboard(services, id, name);
  void vscode.window.withProgress(
    // A notification would lie over the dashboard, which has the curves and the button to stop.
    { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Training {0}', name) },
    progress =>
      new Promise<void>(resolve => {
        const watch = jobs.backend.watch(id, {
          onChange: job => {
            progress.report({ message: jobProgress(job).label });
            if (!isOver(job.status)) return;
            watch.dispose();
            resolve();
          },
        });
      }),
  );
}
