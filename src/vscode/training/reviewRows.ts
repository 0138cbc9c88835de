/** The rows of the review: the start with what it will need, the choices, and every setting. */
import * as vscode from 'vscode';
import { settingText } from '../../core/jobs/dashboard.ts';
import { estimateText } from '../../core/jobs/estimate.ts';
import type { RlhfSettings } from '../../core/jobs/job.ts';
import { judgeOf } from '../../core/jobs/judgeReward.ts';
import type { PresetName } from '../../core/jobs/presets.ts';
import { judgeName } from '../../core/jobs/rewardSource.ts';
import { settingDescriptions } from '../../core/jobs/settingDescriptions.ts';
import { getSetting } from '../../core/jobs/settings.ts';
import type { SettingDescription } from '../../core/jobs/sharedSettings.ts';
import type { Choice } from '../quickSteps.ts';
import type { Choices, Outlook, Row } from './choices.ts';
import type { DataSource, TrainingData } from './data.ts';
import { goldLabel } from './gold.ts';
import { type Method, methodsOf } from './methods.ts';
import { type JobPlan, settingsOf } from './newJob.ts';
import { baseOf, rewardLabel } from './reward.ts';

export function rows(choices: Choices, outlook: Outlook): Choice<Row>[] {
  const { family, method, reward, gold, model, ensemble, preset } = choices;
  const { data } = outlook;
  const many = methodsOf(family).length > 1;
  const row = (value: Row, icon: string, label: string, description: string): Choice<Row> => ({
    label: `$(${icon}) ${label}`,
    description,
    value,
  });
  return [
    startRow(choices, outlook),
    { label: vscode.l10n.t('Choices'), kind: vscode.QuickPickItemKind.Separator },
    ...(many
      ? [row('method', 'symbol-method', vscode.l10n.t('Method'), `${method.label}: ${method.description}`)]
      : []),
    row('data', 'database', vscode.l10n.t('Data'), data?.label ?? dataLabel(choices.source)),
    ...(reward
      ? [
          row('reward', 'law', vscode.l10n.t('Reward'), rewardLabel(reward)),
          row('gold', 'eye', vscode.l10n.t('Gold'), goldLabel(gold)),
        ]
      : []),
    row(
      'model',
      'chip',
      vscode.l10n.t('Model'),
      reward && baseOf(reward) !== undefined
        ? vscode.l10n.t('{0}, which the reward model stands on', model.label)
        : model.label,
    ),
    ...(family === 'reward' ? [row('ensemble', 'layers', vscode.l10n.t('Ensemble'), ensembleLabel(ensemble))] : []),
    row('preset', 'dashboard', vscode.l10n.t('Preset'), presetLabel(preset)),
    row('name', 'tag', vscode.l10n.t('Name'), nameOf(choices, data)),
    { label: vscode.l10n.t('Settings'), kind: vscode.QuickPickItemKind.Separator },
    ...settingRows(choices, outlook),
  ];
}

function startRow(
  choices: Choices,
  { forecast: known, refusal, data, plan, notes: ofReward = [] }: Outlook,
): Choice<Row> {
  if (refusal !== undefined)
    return { label: `$(error) ${vscode.l10n.t('Cannot start')}`, detail: refusal, alwaysShow: true, value: 'start' };
  const start = vscode.l10n.t('Start');
  if (!known)
    return {
      label: `$(loading~spin) ${start}`,
      detail: vscode.l10n.t('Working out how much memory and time it needs…'),
      alwaysShow: true,
      value: 'start',
    };
  const jobs = choices.ensemble > 1 ? [vscode.l10n.t('{0} jobs, one after another.', choices.ensemble)] : [];
  const notes = [...jobs, ...(data?.notes ?? []), ...ofReward, ...(plan ? judgeNote(plan) : []), ...known.warnings];
  return {
    label: `$(play) ${start}`,
    description: notes.join(' '),
    detail: estimateText(known.estimate),
    alwaysShow: true,
    value: 'start',
  };
}

/** How often a job asks its judge: every answer that is learned from or looked at. */
function judgeNote(plan: JobPlan): string[] {
  const judge = plan.reward && judgeOf(plan.reward);
  if (judge === undefined) return [];
  const { steps, promptsPerStep, samplesPerPrompt, evaluateEvery, evaluationPrompts } = settingsOf(
    plan,
  ) as RlhfSettings;
  const looks = 1 + Math.ceil(steps / Math.max(1, evaluateEvery));
  const answers = steps * promptsPerStep * samplesPerPrompt + looks * evaluationPrompts;
  return [vscode.l10n.t('{0} is asked to score up to {1} answers.', judgeName(judge), answers)];
}

const dataLabel = (source: DataSource): string =>
  source.kind === 'files'
    ? source.uris.map(uri => vscode.workspace.asRelativePath(uri, false)).join(', ')
    : vscode.l10n.t('rankings of the workspace');

export const nameOf = ({ name, method }: Choices, data: TrainingData | undefined): string =>
  name ?? `${data?.name ?? 'model'}-${method.suffix}`;

export const ensembleLabel = (models: number): string =>
  models === 1
    ? vscode.l10n.t('one model')
    : vscode.l10n.t('{0} models of different seeds, whose disagreement shows what they do not know', models);

export const presetLabel = (preset: PresetName): string =>
  preset === 'quick'
    ? vscode.l10n.t('Quick: a first look, about a minute with a small model')
    : vscode.l10n.t('Standard: takes its time for a better model');

/** Settings with what they mean; those that the person changed say so. */
function settingRows({ method, changes }: Choices, { plan }: Outlook): Choice<Row>[] {
  const settings = plan && safely(() => settingsOf(plan));
  return shownSettings(method).map(description => {
    const { key, label, doc } = description;
    const changed = changes[key] !== undefined;
    const value = settings ? settingText(getSetting(settings, key)) : (changes[key] ?? '');
    return {
      label: `$(${changed ? 'edit' : 'settings-gear'}) ${label}`,
      description: changed ? vscode.l10n.t('{0} (changed)', value) : value,
      detail: doc,
      value: description,
    };
  });
}

const shownSettings = ({ kind, fixed }: Method): SettingDescription[] =>
  settingDescriptions(kind).filter(({ key }) => fixed[key] === undefined);

export function safely<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
