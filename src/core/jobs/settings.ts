/** Reads and changes the settings of a job by name: values come as text from command lines and forms, and are checked. */
import * as v from 'valibot';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import {
  type DpoSettings,
  DpoSettingsSchema,
  type ExpertSettings,
  ExpertSettingsSchema,
  type GrpoSettings,
  GrpoSettingsSchema,
  type JobSpecification,
  type KtoSettings,
  KtoSettingsSchema,
  type PpoSettings,
  PpoSettingsSchema,
  type ReinforceSettings,
  ReinforceSettingsSchema,
  type RewardSettings,
  RewardSettingsSchema,
  type RlhfSettings,
  type RlooSettings,
  RlooSettingsSchema,
  type SftSettings,
  SftSettingsSchema,
} from './job.ts';
import { type SettingsKind, settingDescriptions } from './settingDescriptions.ts';
import type { SettingDescription } from './sharedSettings.ts';

export interface SettingsOf {
  readonly sft: SftSettings;
  readonly reward: RewardSettings;
  readonly dpo: DpoSettings;
  readonly kto: KtoSettings;
  /** RLOO. */
  readonly rlhf: RlooSettings;
  readonly grpo: GrpoSettings;
  readonly reinforce: ReinforceSettings;
  readonly ppo: PpoSettings;
  readonly expert: ExpertSettings;
}

/** The kinds whose jobs are RLHF, each with an algorithm of its own. */
export type OnlineKind = 'rlhf' | 'grpo' | 'reinforce' | 'ppo' | 'expert';

/** The kind of settings that a job has. */
export const settingsKindOf = (job: Pick<JobSpecification, 'kind'> & { readonly settings: object }): SettingsKind => {
  if (job.kind !== 'rlhf') return job.kind;
  const { algorithm } = job.settings as RlhfSettings;
  return algorithm === 'rloo' ? 'rlhf' : algorithm;
};

const schemas: { readonly [K in SettingsKind]: v.GenericSchema<unknown, SettingsOf[K]> } = {
  sft: SftSettingsSchema,
  reward: RewardSettingsSchema,
  dpo: DpoSettingsSchema,
  kto: KtoSettingsSchema,
  rlhf: RlooSettingsSchema,
  grpo: GrpoSettingsSchema,
  reinforce: ReinforceSettingsSchema,
  ppo: PpoSettingsSchema,
  expert: ExpertSettingsSchema,
};

/** The value at a description's key. */
export function getSetting(settings: SettingsOf[SettingsKind], key: string): unknown {
  let value: unknown = settings;
  for (const part of key.split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
  return value;
}

/**
 * The settings with some values replaced, given as text (command line, form). Throws a HumanError that names the setting
 * and its range.
 */
export function withSettings<K extends SettingsKind>(
  kind: K,
  settings: SettingsOf[K],
  changes: Readonly<Record<string, string>>,
): SettingsOf[K] {
  const copy = structuredCopy(settings);
  const known = settingDescriptions(kind);
  for (const [key, text] of Object.entries(changes)) {
    const description = known.find(candidate => candidate.key === key);
    if (!description) throw new HumanError(l10n.t('There is no setting “{0}”.', key));
    const path = key.split('.');
    let target = copy as unknown as Record<string, unknown>;
    for (const part of path.slice(0, -1)) target = target[part] as Record<string, unknown>;
    target[path.at(-1)!] = parseSetting(description, text);
  }
  const schema: v.GenericSchema<unknown, SettingsOf[K]> = schemas[kind];
  return v.parse(schema, copy);
}

/** The value that a text stands for, checked against type and range. */
export function parseSetting(description: SettingDescription, text: string): number | null | string | string[] {
  const { label, type, minimum, maximum, choices = [] } = description;
  const trimmed = text.trim();
  if (type === 'choice') {
    if (choices.includes(trimmed)) return trimmed;
    throw new HumanError(l10n.t('{0} must be one of {1}, not “{2}”.', label, choices.join(', '), text));
  }
  if (type === 'list') {
    const items = trimmed.split(/[\s,]+/).filter(item => item !== '');
    if (items.length < (minimum ?? 1)) throw new HumanError(l10n.t('{0} must name at least one entry.', label));
    return items;
  }
  if (type === 'number-or-none' && (trimmed === '' || trimmed.toLowerCase() === 'none')) return null;
  const value = trimmed === '' ? Number.NaN : Number(trimmed);
  if (!Number.isFinite(value) || (type === 'integer' && !Number.isInteger(value))) {
    throw new HumanError(
      type === 'integer'
        ? l10n.t('{0} must be a whole number, not “{1}”.', label, text)
        : l10n.t('{0} must be a number, not “{1}”.', label, text),
    );
  }
  if (minimum !== undefined && value < minimum) {
    throw new HumanError(l10n.t('{0} must be at least {1}, not {2}.', label, minimum, value));
  }
  if (maximum !== undefined && value > maximum) {
    throw new HumanError(l10n.t('{0} must be at most {1}, not {2}.', label, maximum, value));
  }
  return value;
}

/** A deep copy of plain data. */
const structuredCopy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Throws a HumanError where the settings of a reward model contradict each other. */
export function checkRewardSettings({ loss, tieThreshold }: RewardSettings): void {
  if (loss === 'plackett-luce' && tieThreshold > 1) {
    throw new HumanError(
      l10n.t('Plackett–Luce does not learn from ties: leave the tie threshold at 1, or use the loss bradley-terry.'),
    );
  }
}

/** Likewise of supervised fine-tuning. */
export function checkSftSettings({ tuning, baseProducts }: SftSettings): void {
  if (tuning === 'full' && baseProducts === 'int8') {
    throw new HumanError(
      l10n.t('Products in int8 are for weights that stay as they are: train all weights with float32, or an adapter.'),
    );
  }
}
