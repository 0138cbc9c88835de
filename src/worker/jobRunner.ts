/** From a job's specification to its result: reads model and data, runs the recipe, writes the tuned model. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { Prompt } from '../core/generation.ts';
import type { JobNeeds } from '../core/jobs/estimate.ts';
import type {
  JobResult,
  JobSpecification,
  LoraSettings,
  RewardSource,
  RlhfJob,
  RlhfSettings,
} from '../core/jobs/job.ts';
import { settingsKindOf } from '../core/jobs/settings.ts';
import type { ModelConfig } from '../language-model/config.ts';
import type { LoraConfig } from '../language-model/lora.ts';
import { PromptSchema } from '../protocol/inference.ts';
import { rlhfNeeds } from '../training/jobNeeds.ts';
import { mean } from '../training/math/normalise.ts';
import { trainPolicy } from '../training/policyGradient.ts';
import type { PolicyStart } from '../training/policyScoring.ts';
import { encodePrompt, endToken, promptText } from '../training/promptTokens.ts';
import type { RecipeHost } from '../training/recipe.ts';
import type { EncodedPrompt } from '../training/rollout.ts';
import { ActorProcesses, sharedThreads } from './actorPool.ts';
import { readAdapter, requireFree, writeAdapter } from './adapterFiles.ts';
import { openBaseModel, type UnreadBaseModel } from './baseModel.ts';
import { checkGold, type JobReward, openReward, rewardLoras } from './jobRewards.ts';
import {
  adjustable,
  common,
  estimate,
  lineage,
  type RunContext,
  readRows,
  recomputation,
  threadsOf,
} from './jobRun.ts';
import { keepEvaluations } from './keepEvaluations.ts';
import { ModelCalls } from './modelCalls.ts';
import { runPreference } from './runPreference.ts';
import { runReward } from './runReward.ts';
import { runSft } from './runSft.ts';

/** The result, or undefined when the job was stopped at a checkpoint. */
export async function runJob(context: RunContext): Promise<JobResult | undefined> {
  const { specification } = context.folder;
  await requireFree(specification.output, specification.id);
  context.host.phase(l10n.t('Reading the model'));
  if (specification.model.adapter !== undefined && specification.kind !== 'rlhf') {
    throw new HumanError(
      l10n.t(
        'A tuned model can only be tuned further by reinforcement learning in this version. Choose the base model that it was tuned from.',
      ),
      { place: { file: specification.model.adapter } },
    );
  }
  const base = await openBaseModel(specification.model);
  try {
    return await runKind(context, specification, base);
  } finally {
    await base.close();
  }
}

function runKind(
  context: RunContext,
  specification: JobSpecification,
  base: UnreadBaseModel,
): Promise<JobResult | undefined> {
  switch (specification.kind) {
    case 'reward':
      return runReward(context, specification, base);
    case 'dpo':
    case 'kto':
      return runPreference(context, specification, base);
    case 'rlhf':
      return runRlhf(context, specification, base);
    case 'sft':
      return runSft(context, specification, base);
  }
}

async function runRlhf(context: RunContext, job: RlhfJob, unread: UnreadBaseModel): Promise<JobResult | undefined> {
  const { host, folder, allowCode } = context;
  const { tokenizer, config } = unread;
  const warnings: string[] = [];
  const room = config.maxPositions - job.settings.maxNewTokens;
  const read = async (data: RlhfJob['data']): Promise<EncodedPrompt[]> => {
    const rows = readRows(await folder.readData(data), join(folder.path, data.file), PromptRowSchema);
    const encoded = rows.map(({ prompt }) => ({ ids: encodePrompt(tokenizer, prompt), text: promptText(prompt) }));
    const fitting = encoded.filter(({ ids }) => ids.length <= room);
    if (fitting.length < encoded.length) {
      warnings.push(
        l10n.t(
          '{0} of {1} prompts were left out: with an answer of {2} tokens they do not fit into {3}.',
          encoded.length - fitting.length,
          encoded.length,
          job.settings.maxNewTokens,
          config.maxPositions,
        ),
      );
    }
    if (fitting.length === 0) {
      throw new HumanError(l10n.t('There are no prompts that fit the model. Add some, or lower the longest answer.'), {
        place: { file: join(folder.path, data.file) },
      });
    }
    return fitting;
  };
  endToken(tokenizer);
  const prompts = await read(job.data);
  const trained = new Set(prompts.map(({ ids }) => ids.join()));
  const heldOut = job.heldOut ? (await read(job.heldOut)).filter(({ ids }) => !trained.has(ids.join())) : [];
  if (job.gold) warnings.push(...(await checkGold(job.reward, job.gold.source, config)));
  for (const warning of warnings) host.log('warning', warning);
  const start = await policyStart(job, config);
  const settings = start ? { ...job.settings, lora: plainLora(start.lora) } : job.settings;
  const judges = await rewardLoras(job.reward, config);
  const [goldLora] = job.gold ? await rewardLoras(job.gold.source, config) : [];
  const lengths = [...prompts, ...heldOut].map(({ ids }) => ids.length);
  type Adjusted = Partial<Pick<RlhfSettings, 'microBatchSize' | 'maxNewTokens' | 'recompute'>>;
  const needsWith = (changes: Adjusted): JobNeeds =>
    rlhfNeeds(
      config,
      { ...settings, ...changes },
      { longest: Math.max(...lengths), mean: mean(lengths), rewards: judges, gold: goldLora },
    );
  const kept = job.keepEvaluations
    ? keepEvaluations(job, { folder, host, lora: start?.lora ?? job.settings.lora, config })
    : { host, settings: job.settings };
  const { microBatchSize, maxNewTokens } = job.settings;
  const kind = settingsKindOf(job);
  const rows = Math.min(microBatchSize, job.settings.promptsPerStep * job.settings.samplesPerPrompt);
  await estimate(context, job, unread, needsWith({}), [
    adjustable(kind, 'microBatchSize', rows, size => needsWith({ microBatchSize: size })),
    ...recomputation(kind, job.settings, () => needsWith({ recompute: 'on' })),
    adjustable(kind, 'maxNewTokens', maxNewTokens, tokens => needsWith({ microBatchSize: 1, maxNewTokens: tokens })),
  ]);
  const base = await unread.read();
  const calls = new ModelCalls(folder, host, context.goneSeconds);
  const open = (source: RewardSource) =>
    openReward({
      source,
      base,
      basePath: job.model.base,
      settings: job.settings,
      host,
      allowCode,
      calls,
      ...threadsOf(job),
    });
  const reward = await open(job.reward);
  let gold: JobReward | undefined;
  let actors: ActorProcesses | undefined;
  try {
    const { threads, ...shared } = actorsOf(job, start?.lora ?? job.settings.lora, host);
    actors = shared.actors;
    gold = job.gold && (await open(job.gold.source));
    const outcome = await trainPolicy({
      ...base,
      ...common(context, job),
      ...threads,
      ...(actors ? { actors } : {}),
      ...kept,
      prompts,
      heldOut,
      reward: reward.score,
      rewardMetrics: () => reward.metrics(),
      ...(start ? { start } : {}),
      ...(gold && job.gold
        ? {
            gold: {
              score: gold.score,
              restoreBest: job.gold.restoreBest,
              ...(job.gold.patience === null ? {} : { patience: job.gold.patience }),
            },
          }
        : {}),
      ...(reward.critic ? { critic: reward.critic } : {}),
      endIds: tokenizer.endIds,
      decode: ids => tokenizer.decode(ids).trim(),
    });
    if (outcome.kind === 'stopped') return undefined;
    const { parameters, shapes, samples, metrics } = outcome.value;
    const adapter = await writeAdapter(
      job.output,
      {
        lora: start?.lora ?? job.settings.lora,
        parameters,
        shapes,
        lineage: {
          ...lineage(job, metrics),
          kind: 'policy',
          ...(job.reward.kind === 'model' ? { rewardModel: job.reward.model.id } : {}),
        },
      },
      config,
    );
    return {
      format: 1,
      adapter,
      seconds: context.seconds(),
      metrics: { ...metrics },
      samples: samples.map(sample => ({ ...sample })),
      warnings: [...warnings, ...outcome.value.warnings],
    };
  } finally {
    actors?.dispose();
    await gold?.dispose();
    await reward.dispose();
  }
}

/** The actors that a job wants, and the threads that they leave its learner. */
function actorsOf(
  job: RlhfJob,
  lora: LoraConfig,
  host: RecipeHost,
): { readonly actors?: ActorProcesses; readonly threads: { readonly threads?: number } } {
  const { actors: count } = job.settings;
  if (count === 0) return { threads: threadsOf(job) };
  const threads = job.threads ?? availableParallelism();
  const { learner, actor } = sharedThreads(threads, count);
  if (count >= threads) {
    host.log(
      'warning',
      l10n.t('{0} actors and the learner share {1} cores, so that they hold each other up. Use fewer.', count, threads),
    );
  }
  return {
    actors: new ActorProcesses({ count, base: job.model.base, lora, threads: actor, host }),
    threads: { threads: learner },
  };
}

/** The adapter that a job goes on from. Throws a HumanError for one that does not write text or fits another base. */
async function policyStart({ model, reference }: RlhfJob, config: ModelConfig): Promise<PolicyStart | undefined> {
  if (model.adapter === undefined) return undefined;
  const { lora, parameters } = await readAdapter(model.adapter, config);
  if (parameters.has('score.weight')) {
    throw new HumanError(l10n.t('A reward model gives no answers, so it cannot be tuned to give better ones.'), {
      place: { file: model.adapter },
    });
  }
  return { lora, parameters, reference: reference ?? 'start' };
}

/** For estimates, which count ranks of all layers as one. */
const plainLora = ({ r, alpha, targetModules }: LoraConfig): LoraSettings => ({
  r,
  alpha,
  targetModules: typeof targetModules === 'string' ? [targetModules] : [...targetModules],
});

const PromptRowSchema: v.GenericSchema<unknown, { prompt: Prompt }> = v.object({ prompt: PromptSchema });
