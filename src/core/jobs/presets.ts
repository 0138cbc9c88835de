/**
 * Ready-made settings of each kind of job, and the two sizes that people choose between. Their learning rates are those of
 * the bundled model; `rewardSettings` and `rlhfSettings` fit them to a model's size.
 */
import type { LoraSettings, RewardSettings, RlhfSettings } from './job.ts';

/** `quick`: about a minute for a small model on a laptop. `standard`: takes its time for a better model. */
export const PresetNames = ['quick', 'standard'] as const;
export type PresetName = (typeof PresetNames)[number];

const lora = (r: number): LoraSettings => ({ r, alpha: 2 * r, targetModules: ['all-linear'] });

/** Exact, and as fast as memory allows. */
const computation = { baseProducts: 'float32', recompute: 'off' } as const;

export const rewardPresets: Readonly<Record<PresetName, RewardSettings>> = {
  quick: {
    epochs: 3,
    batchSize: 8,
    learningRate: 3e-3,
    weightDecay: 0.01,
    maxGradNorm: 1,
    warmupRatio: 0.1,
    centerRewardsCoefficient: 0.01,
    heldOutShare: 0.15,
    maxLength: 512,
    ...computation,
    lora: lora(8),
  },
  standard: {
    epochs: 3,
    batchSize: 16,
    learningRate: 1e-3,
    weightDecay: 0.01,
    maxGradNorm: 1,
    warmupRatio: 0.1,
    centerRewardsCoefficient: 0.01,
    heldOutShare: 0.15,
    maxLength: 1024,
    ...computation,
    lora: lora(16),
  },
};

export const rlhfPresets: Readonly<Record<PresetName, RlhfSettings>> = {
  quick: {
    algorithm: 'rloo',
    steps: 24,
    promptsPerStep: 12,
    samplesPerPrompt: 4,
    microBatchSize: 16,
    temperature: 1,
    maxNewTokens: 64,
    learningRate: 2e-3,
    weightDecay: 0,
    maxGradNorm: 1,
    warmupRatio: 0.15,
    beta: 0.15,
    clipRange: 0.2,
    missingEosScore: null,
    updatesPerRollout: 1,
    evaluateEvery: 8,
    evaluationPrompts: 8,
    checkpointEvery: 8,
    ...computation,
    lora: lora(8),
  },
  standard: {
    algorithm: 'rloo',
    steps: 200,
    promptsPerStep: 16,
    samplesPerPrompt: 4,
    microBatchSize: 16,
    temperature: 1,
    maxNewTokens: 128,
    learningRate: 1e-3,
    weightDecay: 0,
    maxGradNorm: 1,
    warmupRatio: 0.05,
    beta: 0.15,
    clipRange: 0.2,
    missingEosScore: null,
    updatesPerRollout: 1,
    evaluateEvery: 20,
    evaluationPrompts: 16,
    checkpointEvery: 20,
    ...computation,
    lora: lora(16),
  },
};

/** Parameters of the model that the presets were tried on. */
const triedOn = 2e6;

/** Wider models take smaller steps: the rate falls with the root of the size. One digit, so that it reads well. */
const fitted = (learningRate: number, parameters: number): number =>
  Number((learningRate * Math.min(1, Math.sqrt(triedOn / Math.max(1, parameters)))).toPrecision(1));

/** A preset for a model of this many parameters. */
export const rewardSettings = (preset: PresetName, parameters: number): RewardSettings => ({
  ...rewardPresets[preset],
  learningRate: fitted(rewardPresets[preset].learningRate, parameters),
});

/** A preset for a model of this many parameters. */
export const rlhfSettings = (preset: PresetName, parameters: number): RlhfSettings => ({
  ...rlhfPresets[preset],
  learningRate: fitted(rlhfPresets[preset].learningRate, parameters),
});
