/** The last question before a job starts: all its choices and settings in one list, and what it will need. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { errorMessage, HumanError, isAbort } from '../../base/errors.ts';
import { checkTasks } from '../../core/datasets/taskMixture.ts';
import type { ModelReference, SftSettings } from '../../core/jobs/job.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import type { ForecastOfJob } from '../../jobs/jobForecast.ts';
import { jobSettings } from '../config.ts';
import type { QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import type { Choices, Outlook, Row } from './choices.ts';
import { readData, type TrainingData } from './data.ts';
import { goldOf } from './gold.ts';
import { comparisonsOf, familyTitle } from './methods.ts';
import { type JobPlan, newJob, settingsOf } from './newJob.ts';
import { change } from './reviewChange.ts';
import { nameOf, rows } from './reviewRows.ts';
import { rewardSource, tryReward } from './reward.ts';

/** Resolves with the plans to start, one but for ensembles, or undefined when the person gave up. */
export async function review(
  services: Services,
  steps: QuickSteps,
  first: Choices,
  bases: readonly ModelDescription[],
): Promise<readonly JobPlan[] | undefined> {
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
      if (outlook.plan && outlook.forecast) return plansOf(outlook.plan, choices.ensemble);
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

/** The same plan for each model of an ensemble, with seeds and names that differ. */
const plansOf = (plan: JobPlan, models: number): readonly JobPlan[] =>
  models === 1
    ? [plan]
    : Array.from({ length: models }, (_, seed) => ({ ...plan, seed, name: `${plan.name}-${seed + 1}` }));

/** Descriptions are made anew each time: their key says which setting they are of. */
const same =
  (row: Row) =>
  (other: Row): boolean =>
    typeof row === 'object' && typeof other === 'object' ? row.key === other.key : row === other;

const titleOf = ({ family, source, method }: Choices, { data }: Outlook): string => {
  if (method.id === 'reward' && source.kind === 'rankings' && data?.rows.kind === 'comparisons') {
    const prompts = new Set(data.rows.rows.map(({ item }) => item)).size;
    return vscode.l10n.t('Train Reward Model on {0} Pairs from {1} Prompts', data.rows.rows.length, prompts);
  }
  return family === 'examples' ? familyTitle(family) : `${familyTitle(family)} (${method.label})`;
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
    const { source, method, changes, reward, gold } = choices;
    const comparisons = comparisonsOf(method, changes);
    const from = source.kind === 'files' ? source.uris.map(String) : source.filter;
    const key = JSON.stringify([method.kind, comparisons, from]);
    outlook.data = read.get(key) ?? (await readData(services, source, method.kind, comparisons, signal));
    signal.throwIfAborted();
    read.set(key, outlook.data);
    changed();
    const { data } = outlook;
    if (reward && data.rows.kind === 'prompts') {
      const sources = [...reward.map(part => part.source), ...(gold?.kind === 'scorer' ? [gold.source] : [])];
      outlook.notes = await tryReward(services, sources, data.rows.rows, signal);
    }
    const model: ModelReference = await registry.reference(choices.model.id);
    const { parameters } = await (await services.inference()).load({ base: model.base });
    outlook.plan = {
      method,
      rows: data.rows,
      reward: reward && (await rewardSource(registry, reward)),
      gold: gold && (await goldOf(registry, gold)),
      keepEvaluations: gold?.kind === 'people',
      model,
      parameters,
      preset: choices.preset,
      changes,
      name: nameOf(choices, data),
      ...jobSettings(),
      seed: 0,
    };
    if (data.rows.kind === 'examples') checkTasks(data.rows.rows, settingsOf(outlook.plan) as SftSettings);
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
