/** Makes training jobs: data and specification in a folder of their own, ready to be started. */
import { relative } from 'node:path';
import type { Instruction } from '../core/datasets/instruction.ts';
import type { Prompt } from '../core/generation.ts';
import type {
  DpoSettings,
  Gold,
  JobSpecification,
  KtoSettings,
  ModelReference,
  RewardSettings,
  RewardSource,
  RlhfSettings,
  SftSettings,
} from '../core/jobs/job.ts';
import type { PreferencePair, PreferenceRanking } from '../core/preferences/judgement.ts';
import type { LabelledAnswer } from '../core/preferences/labelled.ts';
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
  /** Event files of TensorBoard in the job's folder. */
  readonly tensorboard?: boolean;
  /** Checkpoints that are kept while it runs; absent: the last 2. */
  readonly keepCheckpoints?: number;
}

export interface NewRewardJob extends NewTraining {
  /** Rankings for the loss plackett-luce, where pairs count as rankings of two. */
  readonly pairs: readonly (PreferencePair | PreferenceRanking)[];
  readonly settings: RewardSettings;
}

export interface NewDpoJob extends NewTraining {
  readonly pairs: readonly PreferencePair[];
  readonly settings: DpoSettings;
}

export interface NewKtoJob extends NewTraining {
  readonly answers: readonly LabelledAnswer[];
  readonly settings: KtoSettings;
}

export interface NewSftJob extends NewTraining {
  readonly examples: readonly Instruction[];
  readonly settings: SftSettings;
}

export interface NewRlhfJob extends NewTraining {
  readonly prompts: readonly Prompt[];
  /** Answered before and after, never trained on. */
  readonly heldOut: readonly Prompt[];
  readonly reward: RewardSource;
  readonly gold?: Gold;
  /** The adapter of each evaluation stays in the job's folder. */
  readonly keepEvaluations?: boolean;
  /** For a model with an adapter; see the specification. */
  readonly reference?: 'start' | 'base';
  readonly settings: RlhfSettings;
}

export const newSftJob = (options: NewSftJob): Promise<JobFolder> =>
  newOfflineJob('sft', 'examples.jsonl', options.examples, options);

export const newRewardJob = (options: NewRewardJob): Promise<JobFolder> =>
  newOfflineJob('reward', 'pairs.jsonl', options.pairs, options);

export const newDpoJob = (options: NewDpoJob): Promise<JobFolder> =>
  newOfflineJob('dpo', 'pairs.jsonl', options.pairs, options);

export const newKtoJob = (options: NewKtoJob): Promise<JobFolder> =>
  newOfflineJob('kto', 'labelled.jsonl', options.answers, options);

/** A job that learns from the rows of one file. */
async function newOfflineJob<K extends 'sft' | 'reward' | 'dpo' | 'kto'>(
  kind: K,
  file: string,
  rows: readonly unknown[],
  options: NewTraining & Pick<Extract<JobSpecification, { kind: K }>, 'settings'>,
): Promise<JobFolder> {
  const name = await freeModelName(options.layout, options.name);
  return createJobFolder(options.layout, {
    name,
    data: { [file]: rows },
    specification: ({ id, createdAt, data }) =>
      ({
        ...common(options, name),
        kind,
        id,
        createdAt,
        data: data[file]!,
        settings: options.settings,
      }) as JobSpecification,
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
      ...(options.gold ? { gold: options.gold } : {}),
      ...(options.keepEvaluations ? { keepEvaluations: true } : {}),
      ...(options.reference ? { reference: options.reference } : {}),
      settings: options.settings,
    }),
  });
}

const common = ({ layout, model, seed, threads, tensorboard, keepCheckpoints }: NewTraining, name: string) => ({
  format: 1 as const,
  name,
  model,
  seed,
  output: relative(layout.root, `${layout.models}/${name}`),
  ...(threads ? { threads } : {}),
  ...(tensorboard ? { tensorboard } : {}),
  ...(keepCheckpoints === undefined ? {} : { keepCheckpoints }),
});
