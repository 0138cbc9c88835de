/** What choosing a row of the review asks, and what it changes. */
import * as vscode from 'vscode';
import { errorMessage, HumanError } from '../../base/errors.ts';
import type { PresetName } from '../../core/jobs/presets.ts';
import { getSetting, parseSetting, type SettingsOf } from '../../core/jobs/settings.ts';
import type { SettingDescription } from '../../core/jobs/sharedSettings.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import type { QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import type { Choices, Outlook, Row } from './choices.ts';
import { askData, tasksOf } from './data.ts';
import { askText } from './files.ts';
import { askGold } from './gold.ts';
import { familyTitle, methodsOf } from './methods.ts';
import { settingsOf } from './newJob.ts';
import { ensembleLabel, nameOf, presetLabel, safely } from './reviewRows.ts';
import { baseOf, editReward } from './reward.ts';

/** Asks for what a row stands for; an Escape leaves it as it is. */
export async function change(
  services: Services,
  steps: QuickSteps,
  choices: Choices,
  outlook: Outlook,
  row: Exclude<Row, 'start'>,
  bases: readonly ModelDescription[],
): Promise<Partial<Choices>> {
  const title = familyTitle(choices.family);
  if (typeof row === 'object') {
    const value = await askSetting(steps, choices, outlook, row);
    return value === undefined ? {} : { changes: { ...choices.changes, [row.key]: value } };
  }
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
      const reward = await editReward(services, steps, title, choices.reward!, goldBase(choices));
      if (!reward) return {};
      const base = baseOf(reward);
      const model = bases.find(({ id }) => id === base);
      if (base !== undefined && !model) throw baseIsGone(base);
      return { reward, ...(model ? { model } : {}) };
    }
    case 'gold': {
      const base = baseOf(choices.reward!) ?? choices.model.id;
      const gold = await askGold(services, steps, title, base, choices.gold);
      return gold ? { gold: gold === 'none' ? undefined : gold } : {};
    }
    case 'ensemble': {
      const ensemble = await steps.ask<number>(
        vscode.l10n.t('How many reward models?'),
        [1, 3, 5].map(value => ({ label: ensembleLabel(value), value })),
        value => value === choices.ensemble,
      );
      return ensemble ? { ensemble } : {};
    }
    case 'model': {
      // Reward models score answers of the base that they stand on.
      const fixed = (choices.reward && baseOf(choices.reward)) ?? goldBase(choices);
      const only = fixed === undefined ? bases : bases.filter(({ id }) => id === fixed);
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

const goldBase = ({ gold }: Choices): string | undefined => (gold?.kind === 'scorer' ? baseOf([gold]) : undefined);

const invalidName = (name: string): string | undefined =>
  /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,79}$/u.test(name)
    ? undefined
    : vscode.l10n.t('Use letters, digits, spaces, points and dashes, 80 at most.');

/** The setting's new value as text; undefined when the person gave up. */
async function askSetting(
  steps: QuickSteps,
  { changes, method }: Choices,
  { plan, data }: Outlook,
  description: SettingDescription,
): Promise<string | undefined> {
  const { key, label, doc, type, choices = [] } = description;
  const now = plan && safely(() => getSetting(settingsOf(plan) as SettingsOf[typeof method.kind], key));
  const old = changes[key] ?? (now === null ? 'none' : Array.isArray(now) ? now.join(' ') : String(now ?? ''));
  if (type === 'choice') {
    return steps.ask(
      `${label}. ${doc}`,
      choices.map(one => ({ label: one, value: one })),
      one => one === old,
    );
  }
  const tasks = data?.rows.kind === 'examples' ? tasksOf(data.rows.rows) : new Map<string, number>();
  if (key === 'holdOutTasks' && tasks.size > 1) {
    const held = old.split(/\s+/);
    const chosen = await steps.askMany(
      vscode.l10n.t('Which tasks are held out, and never learned?'),
      [...tasks].map(([task, rows]) => ({
        label: task,
        description: vscode.l10n.t('{0} rows', rows),
        picked: held.includes(task),
        value: task,
      })),
    );
    return chosen?.join(' ');
  }
  return vscode.window.showInputBox({
    title: label,
    prompt: [doc, key === 'taskWeights' ? tasksText(tasks) : '', rangeText(description)]
      .filter(part => part !== '')
      .join(' '),
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
}

/** Tasks that are named to who types. */
const named = 12;

function tasksText(tasks: ReadonlyMap<string, number>): string {
  if (tasks.size === 0) return '';
  const names = [...tasks.keys()];
  return vscode.l10n.t('Tasks: {0}.', names.slice(0, named).join(', ') + (names.length > named ? ' …' : ''));
}

function rangeText({ minimum, maximum, type }: SettingDescription): string {
  const none = type === 'number-or-none' ? ` ${vscode.l10n.t('Or none.')}` : '';
  if (minimum !== undefined && maximum !== undefined) return vscode.l10n.t('From {0} to {1}.', minimum, maximum) + none;
  return (minimum === undefined ? '' : vscode.l10n.t('At least {0}.', minimum)) + none;
}

export const baseIsGone = (base: string): HumanError =>
  new HumanError(
    vscode.l10n.t('The model that this reward model stands on ({0}) is gone. Add it again in the Models view.', base),
  );
