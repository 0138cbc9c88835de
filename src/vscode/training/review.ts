/** The last question before a job starts: all its choices and settings in one list, and what it will need. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { errorMessage, HumanError, isAbort } from '../../base/errors.ts';
import { settingText } from '../../core/jobs/dashboard.ts';
import { estimateText } from '../../core/jobs/estimate.ts';
import type { ModelReference } from '../../core/jobs/job.ts';
import type { PresetName } from '../../core/jobs/presets.ts';
import { ruleLabel } from '../../core/jobs/rewardSource.ts';
import { settingDescriptions } from '../../core/jobs/settingDescriptions.ts';
import { getSetting, parseSetting, type SettingsOf } from '../../core/jobs/settings.ts';
import type { SettingDescription } from '../../core/jobs/sharedSettings.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import type { ForecastOfJob } from '../../jobs/jobForecast.ts';
import { jobSettings } from '../config.ts';
import type { Choice, QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { askData, type DataSource, readData, type TrainingData } from './data.ts';
import { type Family, familyTitle, type Method, methodsOf } from './methods.ts';
import { type JobPlan, newJob, settingsOf } from './newJob.ts';
import { askReward, askText, type ChosenReward, rewardSource, tryReward } from './reward.ts';

/** What a person has chosen so far. */
export interface Choices {
  readonly family: Family;
  readonly method: Method;
  readonly source: DataSource;
  readonly reward: ChosenReward | undefined;
  readonly model: ModelDescription;
  readonly preset: PresetName;
  readonly changes: Readonly<Record<string, string>>;
  /** Given by the person; else made from data and method. */
  readonly name: string | undefined;
}

type Row = 'start' | 'method' | 'data' | 'reward' | 'model' | 'preset' | 'name' | SettingDescription;

/** What is known of the choices: it comes by and by. */
interface Outlook {
  data?: TrainingData;
  plan?: JobPlan;
  forecast?: ForecastOfJob;
  /** Why the job cannot be started. */
  refusal?: string;
}

/** Resolves with the plan to start, or undefined when the person gave up. */
export async function review(
  services: Services,
  steps: QuickSteps,
  first: Choices,
  bases: readonly ModelDescription[],
): Promise<JobPlan | undefined> {
  let choices = first;
  let focus: Row = 'start';
  /** Data that was read, so that a changed setting does not read it again. */
  const read = new Map<string, TrainingData>();
  for (;;) {
    const stop = new AbortController();
    const outlook: Outlook = {};
    const show = (): void => steps.revise(rows(choices, outlook));
    steps.title = titleOf(choices, outlook);
    const looking = look(services, choices, outlook, read, stop.signal, () => {
      steps.title = titleOf(choices, outlook);
      show();
    });
    const row: Row | undefined = await steps.ask<Row>(
      vscode.l10n.t('Start, or change something first'),
      rows(choices, outlook),
      same(focus),
    );
    if (row === 'start') {
      await looking;
      if (outlook.plan && outlook.forecast) return outlook.plan;
      // The row shows one line of it.
      if (outlook.refusal !== undefined) void vscode.window.showErrorMessage(outlook.refusal);
      focus = 'start';
      continue;
    }
    stop.abort();
    if (row === undefined) return undefined;
    focus = row;
    choices = { ...choices, ...(await change(services, steps, choices, outlook, row, bases)) };
  }
}

/** Descriptions are made anew each time: their key says which setting they are of. */
const same =
  (row: Row) =>
  (other: Row): boolean =>
    typeof row === 'object' && typeof other === 'object' ? row.key === other.key : row === other;

const titleOf = ({ family, source, method }: Choices, { data }: Outlook): string => {
  if (family === 'reward' && source.kind === 'rankings' && data?.rows.kind === 'pairs') {
    const prompts = new Set(data.rows.rows.map(pair => pair.item)).size;
    return vscode.l10n.t('Train Reward Model on {0} Pairs from {1} Prompts', data.rows.rows.length, prompts);
  }
  return family === 'reward' || family === 'examples'
    ? familyTitle(family)
    : `${familyTitle(family)} (${method.label})`;
};

/** Reads the data, tries a reward function, and asks what the job needs; `changed` after each of these. */
async function look(
  services: Services,
  choices: Choices,
  outlook: Outlook,
  read: Map<string, TrainingData>,
  signal: AbortSignal,
  changed: () => void,
): Promise<void> {
  try {
    const registry = await services.models();
    const { source, method } = choices;
    const key = JSON.stringify([method.kind, source.kind === 'file' ? source.uri.toString() : source.filter]);
    outlook.data = read.get(key) ?? (await readData(services, source, method.kind, signal));
    signal.throwIfAborted();
    read.set(key, outlook.data);
    changed();
    const { data } = outlook;
    if (choices.reward && data.rows.kind === 'prompts') await tryReward(services, choices.reward, data.rows.rows);
    const model: ModelReference = await registry.reference(choices.model.id);
    const { parameters } = await (await services.inference()).load({ base: model.base });
    outlook.plan = {
      method: choices.method,
      rows: data.rows,
      reward: choices.reward && (await rewardSource(registry, choices.reward)),
      model,
      parameters,
      preset: choices.preset,
      changes: choices.changes,
      name: nameOf(choices, data),
      ...jobSettings(),
      seed: 0,
    };
    signal.throwIfAborted();
    changed();
    outlook.forecast = await forecast(services, outlook.plan, signal);
  } catch (error) {
    if (signal.aborted || isAbort(error)) return;
    if (!(error instanceof HumanError)) services.logger.error('A job could not be prepared', error);
    outlook.refusal = errorMessage(error);
  }
  if (!signal.aborted) changed();
}

const nameOf = ({ name, method }: Choices, data: TrainingData | undefined): string =>
  name ?? `${data?.name ?? 'model'}-${method.suffix}`;

/** On a copy of the job in a folder of its own, so that none is in the list that nobody started. */
async function forecast(services: Services, plan: JobPlan, signal: AbortSignal): Promise<ForecastOfJob> {
  const layout = services.layout();
  const jobs = await mkdtemp(path.join(tmpdir(), 'tunesmith-forecast-'));
  try {
    const folder = await newJob({ ...layout, jobs }, plan);
    return await (await services.supervisor()).forecast(folder.path, signal);
  } finally {
    await rm(jobs, { recursive: true, force: true, maxRetries: 3 });
  }
}

function rows(choices: Choices, outlook: Outlook): Choice<Row>[] {
  const { family, method, reward, model, preset } = choices;
  const { data } = outlook;
  const many = methodsOf(family).length > 1;
  const row = (value: Row, icon: string, label: string, description: string): Choice<Row> => ({
    label: `$(${icon}) ${label}`,
    description,
    value,
  });
  return [
    startRow(outlook),
    { label: vscode.l10n.t('Choices'), kind: vscode.QuickPickItemKind.Separator },
    ...(many
      ? [row('method', 'symbol-method', vscode.l10n.t('Method'), `${method.label}: ${method.description}`)]
      : []),
    row('data', 'database', vscode.l10n.t('Data'), data?.label ?? sourceLabel(choices.source)),
    ...(reward ? [row('reward', 'law', vscode.l10n.t('Reward'), rewardLabel(reward))] : []),
    row(
      'model',
      'chip',
      vscode.l10n.t('Model'),
      reward?.kind === 'model' ? vscode.l10n.t('{0}, which the reward model stands on', model.label) : model.label,
    ),
    row('preset', 'dashboard', vscode.l10n.t('Preset'), presetLabel(preset)),
    row('name', 'tag', vscode.l10n.t('Name'), nameOf(choices, data)),
    { label: vscode.l10n.t('Settings'), kind: vscode.QuickPickItemKind.Separator },
    ...settingRows(choices, outlook),
  ];
}

function startRow({ forecast: known, refusal, data }: Outlook): Choice<Row> {
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
  const notes = [...(data?.notes ?? []), ...known.warnings];
  return {
    label: `$(play) ${start}`,
    description: notes.join(' '),
    detail: estimateText(known.estimate),
    alwaysShow: true,
    value: 'start',
  };
}

const sourceLabel = (source: DataSource): string =>
  source.kind === 'file'
    ? vscode.workspace.asRelativePath(source.uri, false)
    : vscode.l10n.t('rankings of the workspace');

const rewardLabel = (reward: ChosenReward): string =>
  reward.kind === 'model' ? reward.name : ruleLabel(reward.reward);

const presetLabel = (preset: PresetName): string =>
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

/** The data that is read here are decided pairs: whole rankings and ties are of the command line. */
const ofOtherData: readonly string[] = ['loss', 'tieThreshold'];

const shownSettings = ({ kind, fixed }: Method): SettingDescription[] =>
  settingDescriptions(kind).filter(
    ({ key }) => fixed[key] === undefined && !(kind === 'reward' && ofOtherData.includes(key)),
  );

function safely<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Asks for what a row stands for; an Escape leaves it as it is. */
async function change(
  services: Services,
  steps: QuickSteps,
  choices: Choices,
  outlook: Outlook,
  row: Exclude<Row, 'start'>,
  bases: readonly ModelDescription[],
): Promise<Partial<Choices>> {
  const title = familyTitle(choices.family);
  if (typeof row === 'object') return changeSetting(steps, choices, outlook, row);
  switch (row) {
    case 'method': {
      const method = await steps.ask(
        vscode.l10n.t('Which method?'),
        methodsOf(choices.family).map(value => ({ label: value.label, description: value.description, value })),
        ({ id }) => id === choices.method.id,
      );
      return method ? { method } : {};
    }
    case 'data': {
      const source = await askData(services, steps, choices.family, title, true);
      return source ? { source } : {};
    }
    case 'reward': {
      const reward = await askReward(services, steps, title);
      if (!reward || reward === 'train-first') return {};
      const model = reward.kind === 'model' ? bases.find(({ id }) => id === reward.base) : undefined;
      return { reward, ...(model ? { model } : {}) };
    }
    case 'model': {
      const only = choices.reward?.kind === 'model' ? bases.filter(({ id }) => id === choices.model.id) : bases;
      const model = await steps.ask(
        vscode.l10n.t('Which model?'),
        only.map(value => ({ label: value.label, description: value.detail, value })),
        ({ id }) => id === choices.model.id,
      );
      return model ? { model } : {};
    }
    case 'preset': {
      const preset = await steps.ask<PresetName>(
        vscode.l10n.t('How thoroughly?'),
        (['quick', 'standard'] as const).map(value => ({ label: presetLabel(value), value })),
        value => value === choices.preset,
      );
      return preset ? { preset } : {};
    }
    case 'name': {
      const name = await askText(
        title,
        vscode.l10n.t('Name of the model that comes out'),
        invalidName,
        nameOf(choices, outlook.data),
      );
      return name ? { name } : {};
    }
  }
}

const invalidName = (name: string): string | undefined =>
  /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,79}$/u.test(name)
    ? undefined
    : vscode.l10n.t('Use letters, digits, spaces, points and dashes, 80 at most.');

async function changeSetting(
  steps: QuickSteps,
  { changes, method }: Choices,
  { plan }: Outlook,
  description: SettingDescription,
): Promise<Partial<Choices>> {
  const { key, label, doc, type, choices = [] } = description;
  const now = plan && safely(() => getSetting(settingsOf(plan) as SettingsOf[typeof method.kind], key));
  const old = changes[key] ?? (now === null ? 'none' : Array.isArray(now) ? now.join(' ') : String(now ?? ''));
  if (type === 'choice') {
    const value = await steps.ask(
      `${label}. ${doc}`,
      choices.map(one => ({ label: one, value: one })),
      one => one === old,
    );
    return value === undefined ? {} : { changes: { ...changes, [key]: value } };
  }
  const text = await vscode.window.showInputBox({
    title: label,
    prompt: [doc, rangeText(description)].filter(part => part !== '').join(' '),
    value: old,
    validateInput: input => {
      try {
        parseSetting(description, input);
        return undefined;
      } catch (error) {
        return errorMessage(error);
      }
    },
  });
  return text === undefined ? {} : { changes: { ...changes, [key]: text } };
}

function rangeText({ minimum, maximum, type }: SettingDescription): string {
  const none = type === 'number-or-none' ? ` ${vscode.l10n.t('Or none.')}` : '';
  if (minimum !== undefined && maximum !== undefined) return vscode.l10n.t('From {0} to {1}.', minimum, maximum) + none;
  return (minimum === undefined ? '' : vscode.l10n.t('At least {0}.', minimum)) + none;
}
