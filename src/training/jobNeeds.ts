/**
 * What a job will need, from its model's configuration, its settings and the lengths of its data: memory part by part and
 * arithmetic. No weight is read. The activations are planned exactly (engine/memoryPlan.ts); what surrounds them was measured.
 */
import { type JobNeeds, rewardSteps } from '../core/jobs/estimate.ts';
import type { DpoSettings, KtoSettings, RewardSettings, RlhfSettings, SftSettings } from '../core/jobs/job.ts';
import { elementCount, type MemoryPlan, planMemory, sum, type Value } from '../engine/index.ts';
import type { ModelConfig } from '../language-model/config.ts';
import { FLOAT_INPUTS } from '../language-model/int8Layers.ts';
import { cachedHeadDim } from '../language-model/keyValueCache.ts';
import type { LoraConfig } from '../language-model/lora.ts';
import { linearLayers, modelParameters } from '../language-model/model.ts';
import { buildTrainingGraph, type TrainingGraph, type TrainingGraphOptions } from '../language-model/trainingGraph.ts';
import { criticInputs, valueLoss } from './critic.ts';
import { policyMethod } from './policyMethods.ts';
import { dpoInputs, dpoLoss, ktoInputs, ktoLoss } from './preferenceLosses.ts';
import { rewardLesson } from './rewardLessons.ts';
import { rowsAtOnce } from './rewardModel.ts';
import { sftInputs, sftLoss } from './sft.ts';

/** Tokens: of the longest and of an average row. */
export interface Lengths {
  readonly longest: number;
  readonly mean: number;
}

const FLOAT = 4;
/** A process with Node and ONNX Runtime, before any model. Measured. */
export const PROCESS_BYTES = 130e6;
/** What steps take besides tensors: JavaScript's heap, and buffers of threads. Measured: 35 to 70 MB. */
export const STEP_BYTES = 50e6;
/** ONNX Runtime's session for each node of the graph, and the encoded model that it was made from. Measured. */
export const NODE_BYTES = 16e3;
/** Bytes for each byte of weights while a generator is made of them: tensors, packed copies and the encoded model. Measured. */
const GENERATOR = 2.5;
/** Sequences and bytes that a generator has under way at once. */
const GENERATED_ROWS = 64;
const CACHE_LIMIT = 2 ** 30;
/** Weights beyond this are read where they lie instead of copied into the generator. */
const CONSTANTS_LIMIT = 1.5e9;
/** Flat arrays of trained weights: weights, gradients, two means, scratch; a checkpoint copies three of them twice. */
const TRAINED_ARRAYS = 5 + 2 * 3;

/** examples: pairs or rankings after the split; answers: all of theirs; most: answers of the largest one. */
export function rewardNeeds(
  config: ModelConfig,
  settings: RewardSettings,
  data: Lengths & { readonly examples: number; readonly answers: number; readonly most: number },
): JobNeeds {
  const rows = Math.max(data.most, Math.min(rowsAtOnce, data.most * settings.batchSize, data.answers));
  const scored = Math.min(rowsAtOnce, data.answers);
  const lesson = rewardLesson([], settings);
  const program = new ProgramNeeds({
    config,
    head: 'score',
    trainable: { kind: 'lora', lora: settings.lora },
    ...computation(settings),
    inputs: lesson.inputs,
    loss: lesson.loss,
  });
  const steps = rewardSteps(data.examples, settings);
  const tokens = (steps * settings.batchSize * data.answers * data.mean) / data.examples;
  const parameters = weightCount(config);
  return {
    steps,
    // Forward and the gradients of activations; afterwards one pass over all answers.
    flops: 4 * parameters * tokens + 2 * parameters * data.answers * data.mean,
    decodedBytes: 0,
    parts: {
      process: PROCESS_BYTES + STEP_BYTES + program.sessions,
      weights: FLOAT * parameters + roundedBytes(config, settings),
      trained: program.trained,
      activations: program.training({ R: rows, B: rows, T: data.longest, ...lossSizes(rows) }),
      scoring: program.forward({ R: scored, B: scored, T: data.longest, ...lossSizes(1) }),
    },
  };
}

/** Axes of the inputs of a reward model's loss; none is near the size of the activations. */
const lossSizes = (rows: number) => ({ P: rows, C: rows, M: rows ** 2, Q: rows ** 2, A: rows, E: rows });

/** data: rows of prompt + answer; `examples` of an epoch, `heldOut` rows whose loss is measured, `answered` by generation. */
export function sftNeeds(
  config: ModelConfig,
  settings: SftSettings,
  data: Lengths & { readonly examples: number; readonly heldOut: number; readonly answered: number },
): JobNeeds {
  const rows = Math.min(settings.microBatchSize, settings.batchSize, data.examples);
  const program = new ProgramNeeds({
    config,
    head: 'lm',
    trainable: settings.tuning === 'full' ? { kind: 'full' } : { kind: 'lora', lora: settings.lora },
    ...computation(settings),
    inputs: sftInputs,
    loss: sftLoss,
  });
  const steps = rewardSteps(data.examples, settings);
  const parameters = weightCount(config);
  const sizes = { R: rows, B: rows, T: data.longest, N: rows * (data.longest - 1) };
  const weights = FLOAT * parameters;
  const answered = Math.min(data.answered, GENERATED_ROWS);
  const longest = Math.min(config.maxPositions, data.longest + settings.maxNewTokens);
  return {
    steps,
    flops:
      parameters *
      data.mean *
      ((settings.tuning === 'full' ? 6 : 4) * steps * settings.batchSize + 2 * 2 * (data.heldOut + data.answered)),
    decodedBytes: 2 * Math.ceil(data.answered / GENERATED_ROWS) * settings.maxNewTokens * weights,
    parts: {
      process: PROCESS_BYTES + STEP_BYTES + program.sessions,
      weights: weights + roundedBytes(config, settings),
      trained: program.trained,
      activations: program.training(sizes),
      scoring: program.forward(sizes),
      generator: answered === 0 || weights > CONSTANTS_LIMIT ? 0 : GENERATOR * weights,
      caches: answered === 0 ? 0 : cacheBytes(config, answered, longest),
    },
  };
}

export type PreferenceSettings =
  | { readonly kind: 'dpo'; readonly settings: DpoSettings }
  | { readonly kind: 'kto'; readonly settings: KtoSettings };

/** data: rows of prompt + answer; `examples` (pairs, or labelled answers) after the split, `heldOut` beside them. */
export function preferenceNeeds(
  config: ModelConfig,
  task: PreferenceSettings,
  data: Lengths & { readonly examples: number; readonly heldOut: number },
): JobNeeds {
  const { settings } = task;
  const perExample = task.kind === 'dpo' ? 2 : 1;
  const inStep = perExample * Math.min(settings.batchSize, data.examples);
  const rows = Math.min(Math.max(perExample, settings.microBatchSize), inStep);
  const program = new ProgramNeeds({
    config,
    head: 'lm',
    trainable: { kind: 'lora', lora: settings.lora },
    ...computation(settings),
    ...(task.kind === 'dpo'
      ? { inputs: dpoInputs, loss: dpoLoss(task.settings) }
      : { inputs: ktoInputs, loss: ktoLoss(task.settings) }),
  });
  const steps = rewardSteps(data.examples, settings);
  const parameters = weightCount(config);
  // Rows whose log-probabilities are computed beside those that are trained on: KTO has a mismatched answer to each.
  const strange = task.kind === 'kto' ? 1 : 0;
  const trained = steps * settings.batchSize * data.mean;
  const read = (data.examples + 2 * data.heldOut) * (perExample + strange) * data.mean;
  const sizes = (count: number) => ({
    R: count,
    B: count,
    T: data.longest,
    N: count * (data.longest - 1),
    P: Math.ceil(count / 2),
  });
  return {
    steps,
    flops: parameters * (4 * perExample * trained + 2 * strange * trained + 2 * read),
    decodedBytes: 0,
    parts: {
      process: PROCESS_BYTES + STEP_BYTES + program.sessions,
      weights: FLOAT * parameters + roundedBytes(config, settings),
      trained: program.trained,
      activations: program.training(sizes(rows)),
      scoring: program.forward(sizes(settings.microBatchSize)),
    },
  };
}

/** data: of prompts. `reward` and `gold` are adapters of reward models on the same base. */
export function rlhfNeeds(
  config: ModelConfig,
  settings: RlhfSettings,
  data: Lengths & { readonly rewards: readonly LoraConfig[]; readonly gold?: LoraConfig | undefined },
): JobNeeds {
  const rows = settings.promptsPerStep * settings.samplesPerPrompt;
  const micro = Math.min(rows, settings.microBatchSize);
  const longest = Math.min(config.maxPositions, data.longest + settings.maxNewTokens);
  const sizes = { R: micro, B: micro, T: longest, N: micro * settings.maxNewTokens };
  const trainable = { kind: 'lora', lora: settings.lora } as const;
  const { inputs, loss } = policyMethod(settings);
  const policy = new ProgramNeeds({
    config,
    head: 'lm',
    trainable,
    ...computation(settings),
    inputs,
    loss,
  });
  const scorer = (lora: LoraConfig): ProgramNeeds =>
    new ProgramNeeds({
      config,
      head: 'score',
      trainable: { kind: 'lora', lora },
      inputs: {},
      loss: (_, out) => ({ loss: sum(out.scores) }),
    });
  const judges = data.rewards.map(scorer);
  const ofJudges = (bytes: (judge: ProgramNeeds) => number) => judges.reduce((total, judge) => total + bytes(judge), 0);
  const gold = data.gold && scorer(data.gold);
  const critic =
    settings.algorithm === 'ppo'
      ? new ProgramNeeds({
          config,
          head: 'score',
          trainable: { kind: 'lora', lora: data.rewards[0] ?? settings.lora },
          ...computation(settings),
          inputs: criticInputs,
          loss: valueLoss(settings.valueClipRange),
        })
      : undefined;
  const parameters = weightCount(config);
  const weights = FLOAT * parameters;
  const length = data.mean + settings.maxNewTokens;
  // Sampling, log-probabilities of policy and base, scores, and the updates.
  const updates = 'updatesPerRollout' in settings ? settings.updatesPerRollout : 1;
  const passes = (critic ? 2 + 4 * updates : 0) + 2 + 2 * 2 + 2 * judges.length + 4 * updates;
  return {
    steps: settings.steps,
    flops: settings.steps * rows * length * passes * parameters,
    decodedBytes: settings.steps * Math.ceil(rows / GENERATED_ROWS) * settings.maxNewTokens * weights,
    parts: {
      process:
        PROCESS_BYTES + STEP_BYTES + policy.sessions + ofJudges(({ sessions }) => sessions) + (gold?.sessions ?? 0),
      weights: weights + roundedBytes(config, settings),
      trained: policy.trained,
      activations: policy.training(sizes),
      scoring: policy.forward(sizes),
      generator: weights > CONSTANTS_LIMIT ? 0 : GENERATOR * weights,
      caches: cacheBytes(config, Math.min(rows, GENERATED_ROWS), longest),
      critic: critic ? critic.trained + critic.sessions + critic.training(sizes) + critic.forward(sizes) : 0,
      rewardModel: ofJudges(judge => judge.trained + judge.forward(sizes)),
      actors:
        settings.actors *
        (PROCESS_BYTES +
          (1 + GENERATOR) * weights +
          cacheBytes(config, Math.ceil(rows / Math.max(1, settings.actors)), longest)),
      goldModel: gold ? gold.trained + gold.forward(sizes) : 0,
    },
  };
}

type Computation = Pick<RewardSettings, 'baseProducts' | 'recompute'>;

const computation = ({ baseProducts, recompute }: Computation) => ({ baseProducts, recompute: recompute === 'on' });

/** The copies of the layers' matrices in eight bits, one for each direction. */
function roundedBytes(config: ModelConfig, { baseProducts }: Computation): number {
  if (baseProducts === 'float32') return 0;
  let total = 0;
  for (const [inSize, outSize] of linearLayers(config).values()) {
    total += 2 * inSize * outSize + FLOAT * FLOAT_INPUTS * (inSize + outSize);
  }
  return total;
}

/** Keys and values, and the rows of log-probabilities over the vocabulary that sampling works on. */
function cacheBytes(config: ModelConfig, rows: number, tokens: number): number {
  const { layers, kvHeads, vocabSize } = config;
  const row = FLOAT * 2 * layers * kvHeads * cachedHeadDim(config) * Math.ceil(tokens / 64) * 64;
  // The caches of one round may still wait for the garbage collector when those of the next are made.
  return 2 * Math.min(CACHE_LIMIT, rows * row) + FLOAT * 6 * rows * vocabSize;
}

export function weightCount(config: ModelConfig): number {
  let total = 0;
  for (const shape of modelParameters(config).values()) total += elementCount(shape);
  return total;
}

/** The memory of one training program, its sessions planned for any sizes. */
class ProgramNeeds {
  readonly #built: TrainingGraph;

  constructor(options: TrainingGraphOptions) {
    this.#built = buildTrainingGraph(options);
  }

  get trained(): number {
    let total = 0;
    for (const shape of this.#built.trained.values()) total += elementCount(shape);
    return FLOAT * TRAINED_ARRAYS * total;
  }

  get sessions(): number {
    return NODE_BYTES * this.#built.graph.nodes.length;
  }

  training(sizes: Readonly<Record<string, number>>): number {
    return this.#plan({ ...this.#built.metrics, ...this.#built.gradients }, sizes);
  }

  forward(sizes: Readonly<Record<string, number>>): number {
    return this.#plan({ ...this.#built.metrics, ...this.#built.rows }, sizes);
  }

  #plan(outputs: Readonly<Record<string, Value>>, sizes: Readonly<Record<string, number>>): number {
    const plan: MemoryPlan = planMemory(this.#built.graph, { loss: this.#built.loss, ...outputs }, sizes);
    return plan.arena + 4 * plan.constants;
  }
}
