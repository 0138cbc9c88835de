/** Small training jobs on a tiny model, run in this process as the training process would. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  Gold,
  JobResult,
  JobSpecification,
  ModelReference,
  RewardSettings,
  RewardSource,
  RlhfSettings,
  RlooSettings,
  SftSettings,
} from '../../src/core/jobs/job.ts';
import { dpoPresets, ktoPresets, rewardPresets, rlhfPresets, sftPresets } from '../../src/core/jobs/presets.ts';
import { createJobFolder, type JobFolder } from '../../src/storage/jobFolder.ts';
import { type WorkspaceLayout, workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { latestCheckpoint } from '../../src/worker/jobCheckpoints.ts';
import { JobReporter } from '../../src/worker/jobReporter.ts';
import { runJob } from '../../src/worker/jobRunner.ts';
import { writeTinyModel } from './tinyModelFolder.ts';

const lora = { r: 2, alpha: 4, targetModules: ['q_proj', 'v_proj', 'down_proj'] };
const ask = (text: string) => [{ role: 'user' as const, content: text }];

export const somePairs = Array.from({ length: 24 }, (_, index) => ({
  messages: ask(`Question ${index % 8}?`),
  chosen: `yes ${index}`,
  rejected: `no ${index}`,
  judgement: `j${index}`,
  item: `i${index}`,
}));
const prompts = Array.from({ length: 6 }, (_, index) => ({
  prompt: { kind: 'messages', messages: ask(`Question ${index}?`) },
}));

/** A workspace of its own with a tiny model in it. */
export class TinyWorkspace {
  readonly root: string;
  readonly model: string;
  readonly layout: WorkspaceLayout;

  private constructor(root: string) {
    this.root = root;
    this.model = join(root, 'tiny');
    this.layout = workspaceLayout(root);
  }

  static async make(): Promise<TinyWorkspace> {
    const workspace = new TinyWorkspace(await mkdtemp(join(tmpdir(), 'tunesmith-jobs-')));
    await writeTinyModel(workspace.model);
    return workspace;
  }

  /** SHA-256 of the weights of a tuned model. */
  async weightsOf(name: string): Promise<string> {
    const file = join(this.layout.models, name, 'adapter_model.safetensors');
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  }

  remove(): Promise<void> {
    return rm(this.root, { recursive: true, force: true });
  }

  rewardJob(
    name: string,
    rows: readonly unknown[] = somePairs,
    settings: Partial<RewardSettings> = {},
    seed = 5,
  ): Promise<JobFolder> {
    return createJobFolder(this.layout, {
      name,
      data: { 'pairs.jsonl': rows },
      specification: ({ id, createdAt, data }) => ({
        ...this.#common(name),
        kind: 'reward',
        id,
        createdAt,
        seed,
        data: data['pairs.jsonl'],
        settings: { ...rewardPresets.quick, epochs: 3, batchSize: 8, learningRate: 0.01, lora, ...settings },
      }),
    });
  }

  /** `rows`: pairs for DPO, labelled answers for KTO. */
  preferenceJob(kind: 'dpo' | 'kto', name: string, rows?: readonly unknown[]): Promise<JobFolder> {
    const labelled = somePairs.flatMap(({ messages, chosen, rejected }) => [
      { messages, completion: chosen, label: true },
      { messages, completion: rejected, label: false },
    ]);
    return createJobFolder(this.layout, {
      name,
      data: { 'rows.jsonl': rows ?? (kind === 'dpo' ? somePairs : labelled) },
      specification: ({ id, createdAt, data }): JobSpecification => {
        const shared = { ...this.#common(name), id, createdAt, data: data['rows.jsonl'] };
        const changes = { epochs: 2, batchSize: 8, microBatchSize: 4, learningRate: 0.01, lora };
        return kind === 'dpo'
          ? { ...shared, kind, settings: { ...dpoPresets.quick, ...changes } }
          : { ...shared, kind, settings: { ...ktoPresets.quick, ...changes } };
      },
    });
  }

  sftJob(
    name: string,
    rows: readonly unknown[] = somePairs,
    settings: Partial<SftSettings> = {},
    model: ModelReference = { id: 'local:tiny', base: this.model },
  ): Promise<JobFolder> {
    return createJobFolder(this.layout, {
      name,
      data: {
        'examples.jsonl': rows.map(row => ({ completion: (row as { chosen?: string }).chosen, ...(row as object) })),
      },
      specification: ({ id, createdAt, data }): JobSpecification => ({
        ...this.#common(name),
        model,
        kind: 'sft',
        id,
        createdAt,
        data: data['examples.jsonl'],
        settings: {
          ...sftPresets.quick,
          epochs: 2,
          batchSize: 8,
          microBatchSize: 4,
          learningRate: 0.01,
          lora,
          ...settings,
        },
      }),
    });
  }

  rlhfJob(
    name: string,
    reward: RewardSource,
    settings: Partial<RlooSettings> = {},
    preset: RlhfSettings = rlhfPresets.quick,
    layout: WorkspaceLayout = this.layout,
    more: { readonly gold?: Gold; readonly keepEvaluations?: boolean; readonly model?: ModelReference } = {},
  ): Promise<JobFolder> {
    return createJobFolder(layout, {
      name,
      data: { 'prompts.jsonl': prompts },
      specification: ({ id, createdAt, data }): JobSpecification => ({
        ...this.#common(name, layout),
        kind: 'rlhf',
        ...more,
        id,
        createdAt,
        data: data['prompts.jsonl'],
        reward,
        settings: {
          ...(preset as RlooSettings),
          steps: 4,
          promptsPerStep: 2,
          samplesPerPrompt: 2,
          maxNewTokens: 8,
          evaluationPrompts: 2,
          evaluateEvery: 2,
          checkpointEvery: 2,
          lora,
          ...settings,
        },
      }),
    });
  }

  #common(name: string, layout = this.layout) {
    return {
      format: 1 as const,
      name,
      seed: 5,
      model: { id: 'local:tiny', base: this.model },
      threads: 1,
      output: join(layout.models, name),
    };
  }
}

/** Runs a job here, from its last checkpoint on; `stopAt` asks it to stop once this many steps are done, 0 before anything is, `end` once all are. */
export async function runHere(
  folder: JobFolder,
  options: { allowCode?: boolean; stopAt?: number | 'end' } = {},
): Promise<JobResult | undefined> {
  const checkpoints = folder.file('checkpoints');
  const resume = await latestCheckpoint(checkpoints);
  const reporter = new JobReporter(folder, await folder.state(), () => 0, { step: resume?.step ?? 0 });
  const progress = reporter.progress.bind(reporter);
  reporter.progress = (step, total) => {
    progress(step, total);
    if (step === (options.stopAt === 'end' ? total : options.stopAt)) reporter.stop();
  };
  if (options.stopAt === 0) reporter.stop();
  const { allowCode = false } = options;
  try {
    const result = await runJob({ folder, host: reporter, resume, allowCode, seconds: () => 1 });
    await reporter.end(result ? 'succeeded' : 'cancelled');
    return result;
  } catch (error) {
    await reporter.end('failed', error);
    throw error;
  }
}
