/** A job as everyone sees it: its specification, state, events and result. Formats are versioned by `format`. */
import * as v from 'valibot';
import { RewardReportSchema } from './rewardReport.ts';
import { SftReportSchema } from './sftReport.ts';

export const JobKinds = ['sft', 'reward', 'dpo', 'kto', 'rlhf'] as const;
export type JobKind = (typeof JobKinds)[number];

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** With 0 of these a job would wait for ever or divide by nothing; the file may come with a checkout. */
const atLeastOne = v.pipe(v.number(), v.integer(), v.minValue(1));
const positive = v.pipe(v.number(), v.minValue(0), v.finite());

/** Base model and optional adapter, by path; `id` is the registry's name for it (lineage). */
export const ModelReferenceSchema = v.object({
  id: v.string(),
  base: v.string(),
  adapter: v.optional(v.string()),
  /** Content revision as the inference process reports it, so that a job never resumes on other weights. */
  revision: v.optional(v.string()),
});
export type ModelReference = v.InferOutput<typeof ModelReferenceSchema>;

export const LoraSettingsSchema = v.object({
  r: v.pipe(v.number(), v.integer(), v.minValue(1)),
  alpha: positive,
  targetModules: v.array(v.string()),
});
export type LoraSettings = v.InferOutput<typeof LoraSettingsSchema>;

/** How a step is computed; jobs of earlier versions do not say. */
const computation = {
  /** What the frozen base is multiplied in: `int8` is faster and rounds. */
  baseProducts: v.optional(v.picklist(['float32', 'int8']), 'float32'),
  /** Compute the layers again for the gradients instead of keeping what they held. */
  recompute: v.optional(v.picklist(['off', 'on']), 'off'),
};

/** A file of the job's own folder with its SHA-256: the data is copied in when the job is made, so later edits change nothing. */
export const DataFileSchema = v.object({ file: v.string(), sha256: v.string(), rows: count });

export const RewardSettingsSchema = v.object({
  epochs: positive,
  batchSize: atLeastOne,
  learningRate: positive,
  weightDecay: positive,
  maxGradNorm: positive,
  warmupRatio: positive,
  /** c of c·mean((r_c + r_r)²); 0 is off. */
  centerRewardsCoefficient: positive,
  /** Of pairs, or of whole rankings. Jobs of earlier versions do not say. */
  loss: v.optional(v.picklist(['bradley-terry', 'plackett-luce']), 'bradley-terry'),
  /** θ of Rao & Kupper's ties; 1 leaves ties out. `bradley-terry` only. */
  tieThreshold: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(100)), 1),
  /** Training pairs or rankings at most, drawn by the job's seed; 0 takes all. What is held out stays the same. */
  maxPairs: v.optional(count, 0),
  /** Share of *prompts* held out for accuracy. */
  heldOutShare: v.pipe(v.number(), v.minValue(0), v.maxValue(0.9)),
  /** Share of each pair's prompt + answer tokens kept at most. */
  maxLength: count,
  ...computation,
  lora: LoraSettingsSchema,
});
export type RewardSettings = v.InferOutput<typeof RewardSettingsSchema>;

/** Of what learns from given answers with their preferences: the optimizer, and the data's split. */
const offline = {
  epochs: positive,
  batchSize: atLeastOne,
  /** Rows of one forward/backward pass; does not change the result. */
  microBatchSize: atLeastOne,
  learningRate: positive,
  weightDecay: positive,
  maxGradNorm: positive,
  warmupRatio: positive,
  /** β: how far a log-ratio to the frozen base counts as reward. */
  beta: v.pipe(v.number(), v.gtValue(0), v.finite()),
  /** Share of *prompts* held out for margin and accuracy. */
  heldOutShare: v.pipe(v.number(), v.minValue(0), v.maxValue(0.9)),
  /** Tokens of prompt + answer. */
  maxLength: count,
  ...computation,
  lora: LoraSettingsSchema,
};

export const DpoSettingsSchema = v.object({
  ...offline,
  loss: v.picklist(['sigmoid', 'ipo']),
  /** ε of cDPO: share of the labels that are taken to be wrong. `sigmoid` only. */
  labelSmoothing: v.pipe(v.number(), v.minValue(0), v.ltValue(0.5)),
});
export type DpoSettings = v.InferOutput<typeof DpoSettingsSchema>;

export const KtoSettingsSchema = v.object({
  ...offline,
  /** Weights of the losses of good and of bad answers. */
  desirableWeight: positive,
  undesirableWeight: positive,
});
export type KtoSettings = v.InferOutput<typeof KtoSettingsSchema>;

/** Black-box rewards that need no trained model, each 0 … 1. */
export const RuleRewardSchema = v.variant('rule', [
  v.object({ rule: v.literal('word'), word: v.string(), caseSensitive: v.optional(v.boolean()) }),
  v.object({ rule: v.literal('regex'), pattern: v.string(), flags: v.optional(v.string()) }),
  /** 1 inside [min, max] words, falling linearly to 0 over `slack` words outside. */
  v.object({ rule: v.literal('length'), min: count, max: count, slack: v.optional(count) }),
  v.object({ rule: v.literal('json-valid') }),
  /** A JavaScript file exporting `reward({prompt, answer})`; needs a trusted workspace or `--allow-code`. */
  v.object({ rule: v.literal('javascript'), file: v.string() }),
  /** A model, by the registry's name, scores answers by a rubric; whoever watches the job asks it. */
  v.object({ rule: v.literal('judge'), model: v.string(), rubric: v.string() }),
  /** 1 where the answer is JSON that this JSON Schema allows; `file` is where it came from. */
  v.object({
    rule: v.literal('json-schema'),
    schema: v.union([v.boolean(), v.record(v.string(), v.unknown())]),
    file: v.optional(v.string()),
  }),
]);
export type RuleReward = v.InferOutput<typeof RuleRewardSchema>;

const singleRewards = [
  v.object({ kind: v.literal('model'), model: ModelReferenceSchema }),
  v.object({ kind: v.literal('rule'), reward: RuleRewardSchema }),
  /** Reward models that differ (in their seed, say): the mean of their rewards, or the worst. */
  v.object({
    kind: v.literal('ensemble'),
    models: v.pipe(v.array(ModelReferenceSchema), v.minLength(2)),
    combine: v.picklist(['mean', 'worst']),
  }),
] as const;

export const RewardSourceSchema = v.variant('kind', [
  ...singleRewards,
  /** Σ weight · reward, each reported by its name. */
  v.object({
    kind: v.literal('sum'),
    parts: v.pipe(
      v.array(
        v.object({
          name: v.pipe(v.string(), v.minLength(1)),
          weight: v.pipe(v.number(), v.finite()),
          source: v.variant('kind', [...singleRewards]),
        }),
      ),
      v.minLength(1),
      v.check(parts => new Set(parts.map(({ name }) => name)).size === parts.length, 'names are used once'),
    ),
  }),
]);
export type RewardSource = v.InferOutput<typeof RewardSourceSchema>;
/** A reward that is no sum. */
export type SingleReward = Exclude<RewardSource, { kind: 'sum' }>;

/** One reward model or one rule: what answers are measured by. */
const OneRewardSchema = v.variant('kind', [singleRewards[0], singleRewards[1]]);
export type OneReward = v.InferOutput<typeof OneRewardSchema>;

/** A reward that is measured at every evaluation and never trained on: a reward model of other judgements, or a rule. */
export const GoldSchema = v.object({
  source: OneRewardSchema,
  /** Training ends after so many evaluations in a row without a new highest mean; null never. */
  patience: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** The adapter of the best evaluation is what is written. */
  restoreBest: v.boolean(),
});
export type Gold = v.InferOutput<typeof GoldSchema>;

/** Processes that sample beside the learner; jobs of earlier versions have none. */
const actors = {
  /** How many; 0 samples and learns in turn. */
  actors: v.optional(v.pipe(count, v.maxValue(64)), 0),
  /** Updates at most between the policy that sampled answers and the one that learns from them. */
  actorLag: v.optional(v.pipe(count, v.maxValue(64)), 1),
  /** `fixed`: always `actorLag` updates, so that a run can be repeated. `newest`: what there is when sampling begins. */
  actorOrder: v.optional(v.picklist(['fixed', 'newest']), 'fixed'),
  /** Highest weight of an answer (or token) that the policy would give more often than the one that sampled it. */
  importanceCap: v.optional(v.pipe(v.number(), v.minValue(1), v.finite()), 2),
};

/** Of what learns from its own answers: rollouts, the optimizer, and what is looked at. */
const online = {
  steps: atLeastOne,
  promptsPerStep: atLeastOne,
  /** n samples of each prompt. */
  samplesPerPrompt: atLeastOne,
  /** Rows of one forward/backward pass; does not change the result. */
  microBatchSize: atLeastOne,
  temperature: v.pipe(v.number(), v.gtValue(0), v.finite()),
  maxNewTokens: atLeastOne,
  learningRate: positive,
  weightDecay: positive,
  maxGradNorm: positive,
  warmupRatio: positive,
  /** Score given to an answer that has no end of sequence; null leaves its own score. */
  missingEosScore: v.nullable(v.number()),
  evaluateEvery: count,
  evaluationPrompts: count,
  checkpointEvery: count,
  ...actors,
  ...computation,
  lora: LoraSettingsSchema,
};

/** The KL penalty of the algorithms that have one. */
const penalised = {
  /** β of the KL penalty to the frozen base. */
  beta: positive,
};
/** Estimator of the KL inside the reward, token by token; jobs of earlier versions do not say. */
const rewardKl = { klEstimator: v.optional(v.picklist(['k1', 'k2', 'k3']), 'k1') };

/** Advantages that compare the samples of one prompt need 2 of them at least. */
const compared = { samplesPerPrompt: v.pipe(v.number(), v.integer(), v.minValue(2)) };

const clipped = {
  /** ε of the clipped ratio. */
  clipRange: positive,
  updatesPerRollout: atLeastOne,
  /** Approximate KL of the policy to the one that sampled the round, above which the round's updates end; null never. */
  targetKl: v.optional(v.nullable(v.pipe(v.number(), v.gtValue(0), v.finite())), null),
};

export const RlooSettingsSchema = v.object({
  algorithm: v.literal('rloo'),
  ...online,
  ...penalised,
  ...rewardKl,
  ...compared,
  ...clipped,
});
export type RlooSettings = v.InferOutput<typeof RlooSettingsSchema>;

export const GrpoSettingsSchema = v.object({
  algorithm: v.literal('grpo'),
  ...online,
  ...penalised,
  /** Estimator of the KL in the loss, with a gradient: k1 has none in the mean. */
  klEstimator: v.optional(v.picklist(['k2', 'k3']), 'k3'),
  ...compared,
  ...clipped,
  /** ε upwards; null is `clipRange`. */
  clipRangeHigh: v.nullable(positive),
  /** What the loss of a token is divided by. */
  aggregation: v.picklist(['grpo', 'bnpo', 'dr_grpo', 'dapo']),
  /** What advantages are divided by: the spread of the prompt's rewards, of the step's, or nothing. */
  scaleRewards: v.picklist(['group', 'batch', 'none']),
});
export type GrpoSettings = v.InferOutput<typeof GrpoSettingsSchema>;

export const ReinforceSettingsSchema = v.object({
  algorithm: v.literal('reinforce'),
  ...online,
  ...penalised,
  ...rewardKl,
  baseline: v.picklist(['none', 'mean']),
});
export type ReinforceSettings = v.InferOutput<typeof ReinforceSettingsSchema>;

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const aboveZero = v.pipe(v.number(), v.gtValue(0), v.finite());

export const PpoSettingsSchema = v.object({
  algorithm: v.literal('ppo'),
  ...online,
  ...penalised,
  ...rewardKl,
  ...clipped,
  /** γ and λ of the advantages. */
  gamma: share,
  lambda: share,
  /** How far one rollout's updates may move a value before they stop counting. */
  valueClipRange: positive,
  /** What the critic's loss counts beside the policy's. */
  valueWeight: positive,
  /** Taken from the score of an answer without an end; null takes nothing. `missingEosScore` replaces it instead. */
  missingEosPenalty: v.nullable(v.number()),
  /** `adaptive`: β follows the KL towards `klTarget`, over about `klHorizon` answers. */
  klControl: v.picklist(['fixed', 'adaptive']),
  klTarget: aboveZero,
  klHorizon: aboveZero,
});
export type PpoSettings = v.InferOutput<typeof PpoSettingsSchema>;

export const ExpertSettingsSchema = v.object({
  algorithm: v.literal('expert'),
  ...online,
  ...compared,
  /** Best answers to each prompt that are imitated. */
  keepBest: atLeastOne,
  /** Score that an answer must reach to be imitated; null asks for none. */
  minimumScore: v.nullable(v.pipe(v.number(), v.finite())),
  updatesPerRollout: atLeastOne,
});
export type ExpertSettings = v.InferOutput<typeof ExpertSettingsSchema>;

export const RlhfSettingsSchema = v.variant('algorithm', [
  RlooSettingsSchema,
  GrpoSettingsSchema,
  ReinforceSettingsSchema,
  PpoSettingsSchema,
  ExpertSettingsSchema,
]);
export type RlhfSettings = v.InferOutput<typeof RlhfSettingsSchema>;

export const SftSettingsSchema = v.object({
  epochs: positive,
  /** Examples of one step. */
  batchSize: atLeastOne,
  /** Rows of one forward/backward pass; does not change the result. */
  microBatchSize: atLeastOne,
  learningRate: positive,
  weightDecay: positive,
  maxGradNorm: positive,
  warmupRatio: positive,
  /** Share of *prompts* held out for the perplexity. */
  heldOutShare: v.pipe(v.number(), v.minValue(0), v.maxValue(0.9)),
  /** Rows of a task in an epoch at most; null is all. */
  taskCap: v.optional(v.nullable(atLeastOne), null),
  /** `name=2`: what a task counts beside the others. */
  taskWeights: v.optional(v.array(v.string()), []),
  /** Names of tasks that are never learned, or how many are chosen by a hash of their names. */
  holdOutTasks: v.optional(v.array(v.string()), []),
  /** Held-out rows answered before and after: of learned tasks, and as many of unseen ones. */
  evaluationRows: v.optional(count, 0),
  /** Of those answers. */
  maxNewTokens: v.optional(atLeastOne, 64),
  maxLength: count,
  /** Which weights are trained: those of an adapter, or all of the model's. Jobs of earlier versions do not say. */
  tuning: v.optional(v.picklist(['lora', 'full']), 'lora'),
  ...computation,
  lora: LoraSettingsSchema,
});
export type SftSettings = v.InferOutput<typeof SftSettingsSchema>;

const common = {
  format: v.literal(1),
  id: v.string(),
  /** Shown in the list and used as the name of the model that comes out. */
  name: v.string(),
  createdAt: v.string(),
  seed: v.pipe(v.number(), v.safeInteger()),
  model: ModelReferenceSchema,
  /** Workspace-relative or absolute folder into which the finished model is written. */
  output: v.string(),
  threads: v.optional(count),
  /** Write TensorBoard event files too. */
  tensorboard: v.optional(v.boolean()),
  /** Checkpoints that are kept while it runs; the last 2 where absent. */
  keepCheckpoints: v.optional(atLeastOne),
};

/** `job.json` of a job's folder. The same specification gives the same bytes. */
export const JobSpecificationSchema = v.variant('kind', [
  /** Rows of `data`: PreferencePair (ties too) or PreferenceRanking as JSON Lines. */
  v.object({ ...common, kind: v.literal('reward'), data: DataFileSchema, settings: RewardSettingsSchema }),
  /** Rows of `data`: PreferencePair. */
  v.object({ ...common, kind: v.literal('dpo'), data: DataFileSchema, settings: DpoSettingsSchema }),
  /** Rows of `data`: LabelledAnswer. */
  v.object({ ...common, kind: v.literal('kto'), data: DataFileSchema, settings: KtoSettingsSchema }),
  /** Rows of `data`: {"prompt": Prompt}. `heldOut` prompts are sampled before and after, and never trained on. */
  v.object({
    ...common,
    kind: v.literal('rlhf'),
    data: DataFileSchema,
    heldOut: v.optional(DataFileSchema),
    reward: RewardSourceSchema,
    gold: v.optional(GoldSchema),
    /** People are going to judge the answers of each evaluation: its adapter is kept, so that the best can be gone back to. */
    keepEvaluations: v.optional(v.boolean()),
    /** Where `model` has an adapter: what the KL is measured to, that adapter as it was at the start (the default) or the base. */
    reference: v.optional(v.picklist(['start', 'base'])),
    settings: RlhfSettingsSchema,
  }),
  /** Rows of `data`: {"messages": [...], "completion": string}. */
  v.object({ ...common, kind: v.literal('sft'), data: DataFileSchema, settings: SftSettingsSchema }),
]);
export type JobSpecification = v.InferOutput<typeof JobSpecificationSchema>;
export type RewardJob = Extract<JobSpecification, { kind: 'reward' }>;
export type DpoJob = Extract<JobSpecification, { kind: 'dpo' }>;
export type KtoJob = Extract<JobSpecification, { kind: 'kto' }>;
export type RlhfJob = Extract<JobSpecification, { kind: 'rlhf' }>;
export type SftJob = Extract<JobSpecification, { kind: 'sft' }>;

/**
 * `lost`: the process is gone without a word; the job can be resumed from its last checkpoint. `waiting`: it ended because nobody was
 * there to ask its model, and goes on from there when somebody is.
 */
export const JobStatuses = [
  'queued',
  'running',
  'stopping',
  'waiting',
  'succeeded',
  'failed',
  'cancelled',
  'lost',
] as const;
export type JobStatus = (typeof JobStatuses)[number];

/** `state.json`, replaced atomically by the worker (status `lost` is only ever derived by a reader). */
export const JobStateSchema = v.object({
  format: v.literal(1),
  status: v.picklist(JobStatuses),
  pid: v.optional(v.number()),
  /** Start time of the process, so that a recycled pid is not taken for it. */
  processStartedAt: v.optional(v.string()),
  /** Touched at least every 5 s while it lives. */
  heartbeatAt: v.string(),
  startedAt: v.optional(v.string()),
  endedAt: v.optional(v.string()),
  phase: v.optional(v.string()),
  step: count,
  totalSteps: count,
  /** Seconds, from the rate of the last steps. */
  secondsLeft: v.optional(v.number()),
  /** It runs, and waits for mains power. */
  paused: v.optional(v.literal('battery')),
  /** Failed: one sentence for a person, with what to do. */
  error: v.optional(v.object({ message: v.string(), human: v.boolean(), stack: v.optional(v.string()) })),
});
export type JobState = v.InferOutput<typeof JobStateSchema>;

const eventCommon = { time: v.string() };
/** One line of `events.jsonl`, append-only. */
export const JobEventSchema = v.variant('type', [
  v.object({ ...eventCommon, type: v.literal('phase'), phase: v.string() }),
  /** Metrics under TRL's names (REFERENCE.md §1): reward, kl, loss, accuracy, completions/mean_length … */
  v.object({ ...eventCommon, type: v.literal('metrics'), step: count, values: v.record(v.string(), v.number()) }),
  /** Answers to fixed prompts, to watch them change. `step` 0 is before training. */
  v.object({
    ...eventCommon,
    type: v.literal('samples'),
    step: count,
    samples: v.array(v.object({ prompt: v.string(), answer: v.string(), reward: v.optional(v.number()) })),
  }),
  /** Said before the weights are read: bytes that the job will take and that are free, least and most seconds. */
  v.object({
    ...eventCommon,
    type: v.literal('estimate'),
    memory: count,
    available: count,
    steps: count,
    seconds: v.tuple([positive, positive]),
  }),
  v.object({ ...eventCommon, type: v.literal('checkpoint'), step: count, folder: v.string(), bytes: count }),
  v.object({
    ...eventCommon,
    type: v.literal('log'),
    level: v.picklist(['info', 'warning', 'error']),
    message: v.string(),
  }),
]);
export type JobEvent = v.InferOutput<typeof JobEventSchema>;

/** `control.json`, written by whoever wants something of the worker; it looks at least once a step. */
export const JobControlSchema = v.object({ format: v.literal(1), request: v.picklist(['cancel']) });
export type JobControl = v.InferOutput<typeof JobControlSchema>;

const Interval = v.object({ estimate: v.number(), low: v.number(), high: v.number(), n: count });

/** `result.json`, written last, after the model's folder is complete. */
export const JobResultSchema = v.object({
  format: v.literal(1),
  /** PEFT folder, or the folder of a whole model. */
  adapter: v.string(),
  seconds: v.number(),
  metrics: v.record(v.string(), v.number()),
  /** Reward model, DPO and KTO: held-out accuracy with its Wilson 95 % interval. */
  accuracy: v.optional(Interval),
  /** Reward model: what else the held-out pairs say of it. */
  report: v.optional(RewardReportSchema),
  /** Supervised fine-tuning: greedy answers to held-out rows, before and after. */
  sft: v.optional(SftReportSchema),
  /** Held-out answers before and after. */
  samples: v.optional(
    v.array(
      v.object({
        prompt: v.string(),
        before: v.string(),
        after: v.string(),
        rewardBefore: v.optional(v.number()),
        rewardAfter: v.optional(v.number()),
      }),
    ),
  ),
  warnings: v.array(v.string()),
});
export type JobResult = v.InferOutput<typeof JobResultSchema>;

/** `tunesmith.json` beside `adapter_config.json` or `config.json`: the lineage that makes a folder a model of the registry. */
export const TunedModelSchema = v.object({
  format: v.literal(1),
  name: v.string(),
  kind: v.picklist(['policy', 'reward']),
  /** All weights were trained: the folder is a model by itself, and `base` only what it began from. */
  whole: v.optional(v.literal(true)),
  base: ModelReferenceSchema,
  job: v.string(),
  createdAt: v.string(),
  dataSha256: v.string(),
  /** Of a policy: id of the reward model that it was tuned on. */
  rewardModel: v.optional(v.string()),
  /** Added to the head's output so that rewards have zero mean on the references. */
  rewardBias: v.optional(v.number()),
  metrics: v.record(v.string(), v.number()),
});
export type TunedModel = v.InferOutput<typeof TunedModelSchema>;
