/** From a job's specification to its result: reads model and data, runs the recipe, writes the tuned model. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { parseJsonLines } from '../base/jsonLines.ts';
import { l10n } from '../base/l10n.ts';
import type { Instruction } from '../core/datasets/instruction.ts';
import type { Prompt } from '../core/generation.ts';
import type { JobEstimate, JobNeeds } from '../core/jobs/estimate.ts';
import type {
  DpoJob,
  JobResult,
  JobSpecification,
  KtoJob,
  LoraSettings,
  RewardJob,
  RewardSettings,
  RewardSource,
  RlhfJob,
  RlhfSettings,
  SftJob,
} from '../core/jobs/job.ts';
import { type SettingsKind, settingDescriptions } from '../core/jobs/settingDescriptions.ts';
import { checkRewardSettings, settingsKindOf } from '../core/jobs/settings.ts';
import type { PreferencePair, PreferenceRanking } from '../core/preferences/judgement.ts';
import type { LabelledAnswer } from '../core/preferences/labelled.ts';
import type { ModelConfig } from '../language-model/config.ts';
import type { LoraConfig } from '../language-model/lora.ts';
import { PromptSchema } from '../protocol/inference.ts';
import type { JobFolder } from '../storage/jobFolder.ts';
import { prepareInstructions, sizesOf } from '../training/instructionData.ts';
import { preferenceNeeds, rewardNeeds, rlhfNeeds, sftNeeds } from '../training/jobNeeds.ts';
import { prepareLabelled } from '../training/labelledData.ts';
import { mean } from '../training/math/normalise.ts';
import {
  drawn,
  type EncodedPair,
  type EncodedRanking,
  type PairData,
  preparePairs,
  prepareRankings,
  type RankingData,
} from '../training/pairData.ts';
import { trainPolicy } from '../training/policyGradient.ts';
import type { PolicyStart } from '../training/policyScoring.ts';
import { checkPreferenceSettings, type PreferenceTask, trainPreferences } from '../training/preferenceTuning.ts';
import { encodePrompt, endToken, promptText } from '../training/promptTokens.ts';
import type { RecipeCheckpoint, RecipeHost } from '../training/recipe.ts';
import { rowsAtOnce, trainRewardModel } from '../training/rewardModel.ts';
import type { EncodedPrompt } from '../training/rollout.ts';
import { trainSupervised } from '../training/supervised.ts';
import { ActorProcesses, sharedThreads } from './actorPool.ts';
import { readAdapter, requireFree, writeAdapter } from './adapterFiles.ts';
import { openBaseModel, type UnreadBaseModel } from './baseModel.ts';
import { checkGold, type JobReward, openReward, rewardLoras } from './jobRewards.ts';
import { type Adjustable, checkJob, halvesOf } from './memoryCheck.ts';
import { ModelCalls } from './modelCalls.ts';

export interface RunContext {
  readonly folder: JobFolder;
  readonly host: RecipeHost & { estimate(estimate: JobEstimate): void };
  readonly resume: RecipeCheckpoint | undefined;
  readonly allowCode: boolean;
  /** Without a sign of whoever answers for a model, after which it counts as gone. */
  readonly goneSeconds?: number;
  /** Seconds of work so far. */
  seconds(): number;
}

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

async function runReward(context: RunContext, job: RewardJob, unread: UnreadBaseModel): Promise<JobResult | undefined> {
  const { host, folder } = context;
  checkRewardSettings(job.settings);
  const text = await folder.readData(job.data);
  const file = join(folder.path, job.data.file);
  const limits = { ...job.settings, maxLength: Math.min(job.settings.maxLength, unread.config.maxPositions) };
  const all =
    job.settings.loss === 'plackett-luce'
      ? prepareRankings(readRows(text, file, RankedSchema), unread.tokenizer, limits)
      : preparePairs(readRows(text, file, PairSchema), unread.tokenizer, {
          ...limits,
          ties: job.settings.tieThreshold > 1,
        });
  const data: PairData | RankingData = {
    ...all,
    train: drawn<EncodedPair | EncodedRanking>(all.train, job.settings.maxPairs, job.seed),
  } as PairData | RankingData;
  for (const warning of data.warnings) host.log('warning', warning);
  const rowsOf = (one: EncodedPair | EncodedRanking) =>
    'groups' in one ? one.groups.flat() : [one.chosen, one.rejected];
  const answers = data.train.flatMap(rowsOf).map(({ length }) => length);
  const longest = [...data.train, ...data.heldOut]
    .flatMap(rowsOf)
    .reduce((most, { length }) => Math.max(most, length), 0);
  const most = data.train.reduce((size, one) => Math.max(size, rowsOf(one).length), 0);
  const needsWith = (changes: Partial<RewardSettings>, length = longest): JobNeeds =>
    rewardNeeds(
      unread.config,
      { ...job.settings, ...changes },
      { examples: data.train.length, answers: answers.length, most, longest: length, mean: mean(answers) },
    );
  await estimate(context, job, unread, needsWith({}), [
    ...recomputation('reward', job.settings, () => needsWith({ recompute: 'on' })),
    adjustable('reward', 'batchSize', Math.min(job.settings.batchSize, Math.ceil(rowsAtOnce / most)), batchSize =>
      needsWith({ batchSize }),
    ),
    adjustable('reward', 'maxLength', longest, length => needsWith({}, length)),
  ]);
  const base = await unread.read();
  host.phase(l10n.t('Training'));
  const outcome = await trainRewardModel({ ...base, ...common(context, job), settings: job.settings, data });
  if (outcome.kind === 'stopped') return undefined;
  const { parameters, shapes, bias, accuracy, report, metrics } = outcome.value;
  const adapter = await writeAdapter(
    job.output,
    {
      lora: job.settings.lora,
      parameters,
      shapes,
      lineage: { ...lineage(job, metrics), kind: 'reward', rewardBias: bias },
    },
    base.config,
  );
  return {
    format: 1,
    adapter,
    seconds: context.seconds(),
    metrics: { ...metrics },
    ...(accuracy ? { accuracy: { ...accuracy } } : {}),
    ...(report ? { report } : {}),
    warnings: [...(report?.notReady ? [report.notReady] : []), ...data.warnings],
  };
}

async function runSft(context: RunContext, job: SftJob, unread: UnreadBaseModel): Promise<JobResult | undefined> {
  const { host, folder } = context;
  const { settings } = job;
  const { tokenizer, config } = unread;
  const data = prepareInstructions(
    readRows(await folder.readData(job.data), join(folder.path, job.data.file), InstructionSchema),
    tokenizer,
    { ...settings, maxLength: Math.min(settings.maxLength, config.maxPositions) },
  );
  for (const warning of data.warnings) host.log('warning', warning);
  const sizes = sizesOf(data, settings);
  const { longest } = sizes;
  const needsWith = (changes: Partial<SftJob['settings']>, length = longest): JobNeeds =>
    sftNeeds(config, { ...settings, ...changes }, { ...sizes, longest: length });
  await estimate(context, job, unread, needsWith({}), [
    adjustable('sft', 'microBatchSize', settings.microBatchSize, size => needsWith({ microBatchSize: size })),
    ...recomputation('sft', settings, () => needsWith({ recompute: 'on' })),
    adjustable('sft', 'maxLength', longest, length => needsWith({ microBatchSize: 1 }, length)),
  ]);
  const base = await unread.read();
  const outcome = await trainSupervised({
    ...base,
    ...common(context, job),
    settings,
    data,
    endIds: tokenizer.endIds,
    decode: ids => tokenizer.decode(ids).trim(),
  });
  if (outcome.kind === 'stopped') return undefined;
  const { parameters, shapes, metrics, report, samples } = outcome.value;
  const adapter = await writeAdapter(
    job.output,
    { lora: settings.lora, parameters, shapes, lineage: { ...lineage(job, metrics), kind: 'policy' } },
    config,
  );
  return {
    format: 1,
    adapter,
    seconds: context.seconds(),
    metrics: { ...metrics },
    ...(report ? { sft: report } : {}),
    ...(samples.length > 0 ? { samples: samples.map(sample => ({ ...sample })) } : {}),
    warnings: [...data.warnings],
  };
}

async function runPreference(
  context: RunContext,
  job: DpoJob | KtoJob,
  unread: UnreadBaseModel,
): Promise<JobResult | undefined> {
  const { host, folder } = context;
  checkPreferenceSettings(job);
  const text = await folder.readData(job.data);
  const file = join(folder.path, job.data.file);
  const { tokenizer, config } = unread;
  const { heldOutShare } = job.settings;
  const limits = { heldOutShare, maxLength: Math.min(job.settings.maxLength, config.maxPositions) };
  const task: PreferenceTask =
    job.kind === 'dpo'
      ? { ...job, data: preparePairs(readRows(text, file, PairSchema), tokenizer, limits) }
      : { ...job, data: prepareLabelled(readRows(text, file, LabelledSchema), tokenizer, limits) };
  for (const warning of task.data.warnings) host.log('warning', warning);
  const lengths = [...task.data.train, ...task.data.heldOut].flatMap(row =>
    'ids' in row ? [row.ids.length] : [row.chosen.length, row.rejected.length],
  );
  const needsWith = (changes: Partial<DpoJob['settings'] & KtoJob['settings']>, longest = Math.max(...lengths)) =>
    preferenceNeeds(
      config,
      job.kind === 'dpo'
        ? { kind: 'dpo', settings: { ...job.settings, ...changes } }
        : { kind: 'kto', settings: { ...job.settings, ...changes } },
      { examples: task.data.train.length, heldOut: task.data.heldOut.length, longest, mean: mean(lengths) },
    );
  await estimate(context, job, unread, needsWith({}), [
    adjustable(job.kind, 'microBatchSize', job.settings.microBatchSize, size => needsWith({ microBatchSize: size })),
    ...recomputation(job.kind, job.settings, () => needsWith({ recompute: 'on' })),
    adjustable(job.kind, 'maxLength', Math.max(...lengths), length => needsWith({ microBatchSize: 1 }, length)),
  ]);
  const base = await unread.read();
  const outcome = await trainPreferences({ ...base, ...common(context, job), task });
  if (outcome.kind === 'stopped') return undefined;
  const { parameters, shapes, accuracy, metrics } = outcome.value;
  const adapter = await writeAdapter(
    job.output,
    { lora: job.settings.lora, parameters, shapes, lineage: { ...lineage(job, metrics), kind: 'policy' } },
    config,
  );
  return {
    format: 1,
    adapter,
    seconds: context.seconds(),
    metrics: { ...metrics },
    ...(accuracy ? { accuracy: { ...accuracy } } : {}),
    warnings: [...task.data.warnings],
  };
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
      settings: job.settings,
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

/** Says what the job needs, or refuses it. */
async function estimate(
  { host }: RunContext,
  { model }: JobSpecification,
  { parameters }: UnreadBaseModel,
  needs: JobNeeds,
  settings: readonly Adjustable[],
): Promise<void> {
  host.estimate(await checkJob(needs, settings, parameters, model.base));
}

const labelOf = (kind: SettingsKind, key: string): string =>
  settingDescriptions(kind).find(setting => setting.key === key)!.label;

const adjustable = (
  kind: SettingsKind,
  key: string,
  value: number,
  needsWith: (value: number) => JobNeeds,
): Adjustable => ({ label: labelOf(kind, key), value, others: halvesOf(value, needsWith) });

/** Computing layers again costs time, but changes nothing that is learned. */
const recomputation = (
  kind: SettingsKind,
  { recompute }: Pick<RewardSettings, 'recompute'>,
  needsWith: () => JobNeeds,
): Adjustable[] =>
  recompute === 'on'
    ? []
    : [{ label: labelOf(kind, 'recompute'), value: 'off', others: [{ value: 'on', needs: needsWith() }] }];

const threadsOf = (job: JobSpecification) => (job.threads === undefined ? {} : { threads: job.threads });

const common = ({ host, resume }: RunContext, job: JobSpecification) => ({
  seed: job.seed,
  host,
  ...(resume === undefined ? {} : { resume }),
  ...threadsOf(job),
});

const lineage = (job: JobSpecification, metrics: Readonly<Record<string, number>>) => ({
  format: 1 as const,
  name: job.name,
  base: job.model,
  job: job.id,
  createdAt: job.createdAt,
  dataSha256: job.data.sha256,
  metrics: { ...metrics },
});

const PairSchema: v.GenericSchema<unknown, PreferencePair> = v.object({
  messages: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
  chosen: v.string(),
  rejected: v.string(),
  judgement: v.string(),
  item: v.string(),
  margin: v.exactOptional(v.pipe(v.number(), v.finite())),
  tie: v.exactOptional(v.literal(true)),
});
const RankedSchema: v.GenericSchema<unknown, PreferencePair | PreferenceRanking> = v.union([
  v.object({
    messages: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
    groups: v.array(v.array(v.string())),
    judgement: v.string(),
    item: v.string(),
  }),
  PairSchema,
]);
const InstructionSchema: v.GenericSchema<unknown, Instruction> = v.object({
  messages: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
  completion: v.string(),
  task: v.exactOptional(v.string()),
  references: v.exactOptional(v.array(v.string())),
});
const LabelledSchema: v.GenericSchema<unknown, LabelledAnswer> = v.object({
  messages: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
  completion: v.string(),
  label: v.boolean(),
});
const PromptRowSchema: v.GenericSchema<unknown, { prompt: Prompt }> = v.object({ prompt: PromptSchema });

function readRows<T>(text: string, file: string, schema: v.GenericSchema<unknown, T>): T[] {
  return parseJsonLines(text, file).map(({ line, value }) => {
    const parsed = v.safeParse(schema, value);
    if (parsed.success) return parsed.output;
    throw new HumanError(l10n.t('This row of the job’s data cannot be used. Make the job again from your data.'), {
      cause: new v.ValiError(parsed.issues),
      place: { file, line },
    });
  });
}
