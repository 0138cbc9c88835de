/** Makes training jobs: data and specification in a folder of their own, ready to be started. */
import { relative } from 'node:path';
import type { Prompt } from '../core/generation.ts';
import type { ModelReference, RewardSettings, RewardSource, RlhfSettings } from '../core/jobs/job.ts';
import type { PreferencePair } from '../core/preferences/judgement.ts';
import { createJobFolder, type JobFolder } from '../storage/jobFolder.ts';
import { freeModelName } from '../storage/modelStore.ts';
import type { WorkspaceLayout } from '../storage/workspaceLayout.ts';

interface NewTraining {
  readonly layout: WorkspaceLayout;
  /** Wished; a number is put behind it when a model has it already. */
  readonly name: string;
  readonly model: ModelReference;
  readonly seed: number;
  /** 0 or absent: as many as the engine finds good. */
  readonly threads?: number;
}

export interface NewRewardJob extends NewTraining {
  readonly pairs: readonly PreferencePair[];
  readonly settings: RewardSettings;
}

export interface NewRlhfJob extends NewTraining {
  readonly prompts: readonly Prompt[];
  /** Answered before and after, never trained on. */
  readonly heldOut: readonly Prompt[];
  readonly reward: RewardSource;
  readonly settings: RlhfSettings;
}

export async function newRewardJob(options: NewRewardJob): Promise<JobFolder> {
  const name = await freeModelName(options.layout, options.name);
  return createJobFolder(options.layout, {
    name,
    data: { 'pairs.jsonl': options.pairs },
    specification: ({ id, createdAt, data }) => ({
      ...common(options, name),
      kind: 'reward',
      id,
      createdAt,
      data: data['pairs.jsonl'],
      settings: options.settings,
    }),
  });
}

export async function newRlhfJob(options: NewRlhfJob): Promise<JobFolder> {
  const name = await freeModelName(options.layout, options.name);
  return createJobFolder(options.layout, {
    name,
    data: {
      'prompts.jsonl': options.prompts.map(prompt => ({ prompt })),
      'held-out.jsonl': options.heldOut.map(prompt => ({ prompt })),
    },
    specification: ({ id, createdAt, data }) => ({
      ...common(options, name),
      kind: 'rlhf',
      id,
      createdAt,
      data: data['prompts.jsonl'],
      ...(options.heldOut.length > 0 ? { heldOut: data['held-out.jsonl'] } : {}),
      reward: options.reward,
      settings: options.settings,
    }),
  });
}

const common = ({ layout, model, seed, threads }: NewTraining, name: string) => ({
  format: 1 as const,
  name,
  model,
  seed,
  output: relative(layout.root, `${layout.models}/${name}`),
  ...(threads ? { threads } : {}),
});
