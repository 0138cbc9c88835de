/** The jobs of the training commands: a preset, fitted to the model's size, and prompts to watch. */
import { Rng } from '../base/rng.ts';
import type { Prompt } from '../core/generation.ts';
import type { ModelReference, RewardSource } from '../core/jobs/job.ts';
import { type PresetName, rewardSettings, rlhfSettings } from '../core/jobs/presets.ts';
import type { PreferencePair } from '../core/preferences/judgement.ts';
import * as jobs from '../jobs/newJobs.ts';
import type { WorkspaceLayout } from '../storage/workspaceLayout.ts';

interface Common {
  readonly layout: WorkspaceLayout;
  /** Wished; a number is put behind it when a model has it already. */
  readonly name: string;
  readonly preset: PresetName;
  readonly model: ModelReference;
  /** Of the model: presets fit its size. */
  readonly parameters: number;
  /** 0: as many as the worker finds good. */
  readonly threads: number;
  readonly tensorboard: boolean;
  readonly keepCheckpoints: number;
  readonly seed: number;
}

/** Resolves with the id and the final name. */
export async function newRewardJob(options: Common & { readonly pairs: readonly PreferencePair[] }) {
  const settings = rewardSettings(options.preset, options.parameters);
  const { id, specification } = await jobs.newRewardJob({ ...options, settings });
  return { id, name: specification.name };
}

/** Some prompts are kept out of training: their answers before and after are what people look at. */
export async function newRlhfJob(
  options: Common & { readonly prompts: readonly Prompt[]; readonly reward: RewardSource },
) {
  const settings = rlhfSettings(options.preset, options.parameters);
  const { train, heldOut } = splitPrompts(options.prompts, settings.evaluationPrompts, options.seed);
  const { id, specification } = await jobs.newRlhfJob({ ...options, prompts: train, heldOut, settings });
  return { id, name: specification.name };
}

/** `wanted` prompts, and a fifth at most, are held out; the same seed chooses the same ones. */
function splitPrompts(
  prompts: readonly Prompt[],
  wanted: number,
  seed: number,
): { readonly train: readonly Prompt[]; readonly heldOut: readonly Prompt[] } {
  const order = Rng.seeded(seed).stream('held-out').shuffled(prompts);
  const count = Math.min(wanted, Math.floor(prompts.length / 5));
  return { heldOut: order.slice(0, count), train: order.slice(count) };
}
