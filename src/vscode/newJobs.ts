/** Makes the jobs of the training commands: data and specification in a folder of their own, ready to be started. */
import path from 'node:path';
import { Rng } from '../base/rng.ts';
import type { Prompt } from '../core/generation.ts';
import type { ModelReference, RewardSource } from '../core/jobs/job.ts';
import { type PresetName, rewardSettings, rlhfSettings } from '../core/jobs/presets.ts';
import type { PreferencePair } from '../core/preferences/judgement.ts';
import { createJobFolder } from '../storage/jobFolder.ts';
import { freeModelName } from '../storage/modelStore.ts';
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
  readonly seed: number;
}

/** Resolves with the id and the final name. */
export async function newRewardJob(options: Common & { readonly pairs: readonly PreferencePair[] }) {
  const { layout, model, seed } = options;
  const name = await freeModelName(layout, options.name);
  const job = await createJobFolder(layout, {
    name,
    data: { 'pairs.jsonl': options.pairs },
    specification: ({ id, createdAt, data }) => ({
      ...common(options, name),
      kind: 'reward',
      id,
      createdAt,
      model,
      seed,
      data: data['pairs.jsonl'],
      settings: rewardSettings(options.preset, options.parameters),
    }),
  });
  return { id: job.id, name };
}

/** Some prompts are kept out of training: their answers before and after are what people look at. */
export async function newRlhfJob(
  options: Common & { readonly prompts: readonly Prompt[]; readonly reward: RewardSource },
) {
  const { layout, model, seed, reward } = options;
  const name = await freeModelName(layout, options.name);
  const settings = rlhfSettings(options.preset, options.parameters);
  const { train, heldOut } = splitPrompts(options.prompts, settings.evaluationPrompts, seed);
  const job = await createJobFolder(layout, {
    name,
    data: {
      'prompts.jsonl': train.map(prompt => ({ prompt })),
      'held-out.jsonl': heldOut.map(prompt => ({ prompt })),
    },
    specification: ({ id, createdAt, data }) => ({
      ...common(options, name),
      kind: 'rlhf',
      id,
      createdAt,
      model,
      seed,
      data: data['prompts.jsonl'],
      ...(heldOut.length > 0 ? { heldOut: data['held-out.jsonl'] } : {}),
      reward,
      settings,
    }),
  });
  return { id: job.id, name };
}

const common = ({ layout, threads }: Common, name: string) => ({
  format: 1 as const,
  name,
  output: path.join(path.relative(layout.root, layout.models), name),
  ...(threads > 0 ? { threads } : {}),
});

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
