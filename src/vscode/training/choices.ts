/** What a person has put together before a job starts, and what is known of it. */
import type { PresetName } from '../../core/jobs/presets.ts';
import type { SettingDescription } from '../../core/jobs/sharedSettings.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import type { ForecastOfJob } from '../../jobs/jobForecast.ts';
import type { DataSource, TrainingData } from './data.ts';
import type { ChosenGold } from './gold.ts';
import type { Family, Method } from './methods.ts';
import type { JobPlan } from './newJob.ts';
import type { ChosenReward } from './reward.ts';

/** What a person has chosen so far. */
export interface Choices {
  readonly family: Family;
  readonly method: Method;
  readonly source: DataSource;
  readonly reward: ChosenReward | undefined;
  readonly gold: ChosenGold | undefined;
  /** Of a reward model: as many, each with a seed of its own. */
  readonly ensemble: number;
  readonly model: ModelDescription;
  readonly preset: PresetName;
  readonly changes: Readonly<Record<string, string>>;
  /** Given by the person; else made from data and method. */
  readonly name: string | undefined;
}

export type Row =
  | 'start'
  | 'method'
  | 'data'
  | 'reward'
  | 'gold'
  | 'model'
  | 'ensemble'
  | 'preset'
  | 'name'
  | SettingDescription;

/** What is known of the choices: it comes by and by. */
export interface Outlook {
  data?: TrainingData;
  plan?: JobPlan;
  /** What the person should know of the reward. */
  notes?: readonly string[];
  forecast?: ForecastOfJob;
  /** Why the job cannot be started. */
  refusal?: string;
}
