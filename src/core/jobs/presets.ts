/** Ready-made settings of each kind of job, and the two sizes that people choose between. */
import type { LoraSettings, RewardSettings, RlhfSettings } from './job.ts';

/** `quick`: about a minute for a small model on a laptop. `standard`: takes its time for a better model. */
export const PresetNames = ['quick', 'standard'] as const;
export type PresetName = (typeof PresetNames)[number];

const attention = ['q_proj', 'k_proj', 'v_proj', 'o_proj'];
const allLinear = [...attention, 'gate_proj', 'up_proj', 'down_proj'];

const lora = (r: number): LoraSettings => ({ r, alpha: 2 * r, targetModules: allLinear });

export const rewardPresets: Readonly<Record<PresetName, RewardSettings>> = {
  quick: {
    epochs: 2,
    batchSize: 16,
    learningRate: 1e-3,
    weightDecay: 0.01,
    maxGradNorm: 1,
    warmupRatio: 0.1,
    centerRewardsCoefficient: 0.01,
    heldOutShare: 0.15,
    maxLength: 512,
    lora: lora(8),
  },
  standard: {
    epochs: 4,
    batchSize: 32,
    learningRate: 5e-4,
    weightDecay: 0.01,
    maxGradNorm: 1,
    warmupRatio: 0.1,
    centerRewardsCoefficient: 0.01,
    heldOutShare: 0.15,
    maxLength: 1024,
    lora: lora(16),
  },
};

export const rlhfPresets: Readonly<Record<PresetName, RlhfSettings>> = {
  quick: {
    algorithm: 'rloo',
    steps: 30,
    promptsPerStep: 12,
    samplesPerPrompt: 4,
    microBatchSize: 16,
    temperature: 1,
    maxNewTokens: 64,
    learningRate: 1e-3,
    weightDecay: 0,
    maxGradNorm: 1,
    warmupRatio: 0.05,
    beta: 0.05,
    clipRange: 0.2,
    missingEosScore: null,
    updatesPerRollout: 1,
    evaluateEvery: 10,
    evaluationPrompts: 8,
    checkpointEvery: 10,
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
    learningRate: 3e-4,
    weightDecay: 0,
    maxGradNorm: 1,
    warmupRatio: 0.05,
    beta: 0.05,
    clipRange: 0.2,
    missingEosScore: null,
    updatesPerRollout: 1,
    evaluateEvery: 20,
    evaluationPrompts: 16,
    checkpointEvery: 20,
    lora: lora(16),
  },
};
