/** What a job will need, before it starts: memory, time, steps. Rough, and said to be so. */
import type { RewardSettings, RlhfSettings } from './job.ts';

export interface Machine {
  /** Bytes free. */
  readonly memory: number;
  /** fp32 matrix multiplication, floating-point operations a second. */
  readonly flops: number;
}

export interface ModelSize {
  readonly parameters: number;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly vocabularySize: number;
}

export interface Estimate {
  /** Bytes at the peak. */
  readonly memory: number;
  readonly seconds: number;
  readonly steps: number;
}

/** Share of the matmul peak that a training step reaches. */
const efficiency = 0.5;
/** Floats kept a token and layer for the backward pass, in units of the hidden size. */
const activationsPerLayer = 34;

/** Steps of the optimizer over `pairs` training pairs. */
export const rewardSteps = (pairs: number, settings: Pick<RewardSettings, 'epochs' | 'batchSize'>): number =>
  Math.max(
    1,
    Math.round((Math.ceil(pairs / Math.max(1, settings.batchSize)) * Math.round(settings.epochs * 1000)) / 1000),
  );

/** pairs after the split; tokens: mean length of prompt and answer. */
export function estimateReward(
  size: ModelSize,
  settings: RewardSettings,
  data: { pairs: number; tokens: number },
  machine: Machine,
): Estimate {
  const steps = rewardSteps(data.pairs, settings);
  const tokensPerStep = 2 * settings.batchSize * data.tokens;
  const rows = Math.min(2 * settings.batchSize, 16);
  return {
    steps,
    seconds: (steps * tokensPerStep * 4 * size.parameters) / (machine.flops * efficiency),
    memory: weights(size, 1) + activations(size, rows * data.tokens),
  };
}

/** tokens: mean length of a prompt. Three models at work: the policy, its generator and the reward model. */
export function estimateRlhf(
  size: ModelSize,
  settings: RlhfSettings,
  data: { tokens: number; rewardModel: boolean },
  machine: Machine,
): Estimate {
  const rows = settings.promptsPerStep * settings.samplesPerPrompt;
  const length = data.tokens + settings.maxNewTokens;
  const forward = 2 * size.parameters * rows * length;
  // prefill and decoding, old and reference log-probabilities, score, forward and backward
  const flops = forward * (1.5 + 2 + (data.rewardModel ? 1 : 0) + 2 * settings.updatesPerRollout);
  return {
    steps: settings.steps,
    seconds: (settings.steps * flops) / (machine.flops * efficiency),
    memory:
      weights(size, data.rewardModel ? 3 : 2) +
      activations(size, Math.min(rows, settings.microBatchSize) * length) +
      2 * 4 * size.layers * rows * length * size.hiddenSize,
  };
}

const weights = (size: ModelSize, copies: number): number => 4 * size.parameters * copies * 2;
const activations = (size: ModelSize, tokens: number): number =>
  4 * tokens * (size.layers * size.hiddenSize * activationsPerLayer + 2 * size.vocabularySize);
