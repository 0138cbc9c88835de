/** The job that a person has put together: its plan, and the job folder that is made of it. */
import { Rng } from '../../base/rng.ts';
import type { Prompt } from '../../core/generation.ts';
import type {
  DpoSettings,
  Gold,
  KtoSettings,
  ModelReference,
  RewardSettings,
  RewardSource,
  RlhfSettings,
  SftSettings,
} from '../../core/jobs/job.ts';
import { type PresetName, presetOf } from '../../core/jobs/presets.ts';
import { settingDescriptions } from '../../core/jobs/settingDescriptions.ts';
import { withSettings } from '../../core/jobs/settings.ts';
import * as jobs from '../../jobs/newJobs.ts';
import type { JobFolder } from '../../storage/jobFolder.ts';
import type { WorkspaceLayout } from '../../storage/workspaceLayout.ts';
import type { TrainingRows } from './data.ts';
import type { Method } from './methods.ts';

export interface JobPlan {
  readonly method: Method;
  readonly rows: TrainingRows;
  readonly reward: RewardSource | undefined;
  readonly gold: Gold | undefined;
  /** People are going to judge the answers of each evaluation. */
  readonly keepEvaluations: boolean;
  readonly model: ModelReference;
  /** Of the model: presets fit its size. */
  readonly parameters: number;
  readonly preset: PresetName;
  /** Settings that the person changed, as text. */
  readonly changes: Readonly<Record<string, string>>;
  /** Wished; a number is put behind it when a model has it already. */
  readonly name: string;
  /** 0: as many as the worker finds good. */
  readonly threads: number;
  readonly tensorboard: boolean;
  readonly keepCheckpoints: number;
  readonly seed: number;
}

/** The plan's settings. Throws a HumanError for one that is out of its range. */
export function settingsOf({
  method,
  preset,
  parameters,
  changes,
}: Pick<JobPlan, 'method' | 'preset' | 'parameters' | 'changes'>) {
  const known = new Set(settingDescriptions(method.kind).map(({ key }) => key));
  // What another method had is not this one's.
  const own = Object.entries({ ...method.usual, ...changes, ...method.fixed }).filter(([key]) => known.has(key));
  return withSettings(method.kind, presetOf(method.kind, preset, parameters), Object.fromEntries(own));
}

export function newJob(layout: WorkspaceLayout, plan: JobPlan): Promise<JobFolder> {
  const { rows, name, model, threads, tensorboard, keepCheckpoints, seed } = plan;
  const settings = settingsOf(plan);
  const common = { layout, name, model, threads, tensorboard, keepCheckpoints, seed };
  switch (rows.kind) {
    case 'examples':
      return jobs.newSftJob({ ...common, examples: rows.rows, settings: settings as SftSettings });
    case 'labelled':
      return jobs.newKtoJob({ ...common, answers: rows.rows, settings: settings as KtoSettings });
    case 'pairs':
      return jobs.newDpoJob({ ...common, pairs: rows.rows, settings: settings as DpoSettings });
    case 'comparisons':
      return jobs.newRewardJob({ ...common, pairs: rows.rows, settings: settings as RewardSettings });
    case 'prompts': {
      if (!plan.reward) throw new Error('Reinforcement learning needs a reward.');
      const online = settings as RlhfSettings;
      const { train, heldOut } = splitPrompts(rows.rows, online.evaluationPrompts, seed);
      const { reward, gold, keepEvaluations } = plan;
      return jobs.newRlhfJob({
        ...common,
        prompts: train,
        heldOut,
        reward,
        ...(gold ? { gold } : {}),
        ...(keepEvaluations ? { keepEvaluations } : {}),
        settings: online,
      });
    }
  }
}

/**
 * `wanted` prompts, and a fifth at most, are held out: their answers before and after are what people look at. The same seed
 * chooses the same ones.
 */
function splitPrompts(
  prompts: readonly Prompt[],
  wanted: number,
  seed: number,
): { readonly train: readonly Prompt[]; readonly heldOut: readonly Prompt[] } {
  const order = Rng.seeded(seed).stream('held-out').shuffled(prompts);
  const count = Math.min(wanted, Math.floor(prompts.length / 5));
  return { heldOut: order.slice(0, count), train: order.slice(count) };
}
