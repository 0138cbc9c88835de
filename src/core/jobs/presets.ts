/**
 * Ready-made settings of each kind of job, and the two sizes that people choose between. Their learning rates are those of
 * the bundled model; `rewardSettings` and `rlhfSettings` fit them to a model's size.
 */
import type {
  DpoSettings,
  ExpertSettings,
  GrpoSettings,
  KtoSettings,
  LoraSettings,
  PpoSettings,
  ReinforceSettings,
  RewardSettings,
  RlooSettings,
  SftSettings,
} from './job.ts';
import type { SettingsKind } from './settingDescriptions.ts';
import type { SettingsOf } from './settings.ts';

/** `quick`: about a minute for a small model on a laptop. `standard`: takes its time for a better model. */
export const PresetNames = ['quick', 'standard'] as const;
export type PresetName = (typeof PresetNames)[number];

const lora = (r: number): LoraSettings => ({ r, alpha: 2 * r, targetModules: ['all-linear'] });

const optimizer = { weightDecay: 0, maxGradNorm: 1 } as const;

/** Exact, and as fast as memory allows. */
const computation = { baseProducts: 'float32', recompute: 'off' } as const;

export const rewardPresets: Readonly<Record<PresetName, RewardSettings>> = {
  quick: {
    epochs: 3,
    batchSize: 8,
    learningRate: 3e-3,
    ...optimizer,
    weightDecay: 0.01,
    warmupRatio: 0.1,
    centerRewardsCoefficient: 0.01,
    loss: 'bradley-terry',
    tieThreshold: 1,
    maxPairs: 0,
    heldOutShare: 0.15,
    maxLength: 512,
    ...computation,
    lora: lora(8),
  },
  standard: {
    epochs: 3,
    batchSize: 16,
    learningRate: 1e-3,
    ...optimizer,
    weightDecay: 0.01,
    warmupRatio: 0.1,
    centerRewardsCoefficient: 0.01,
    loss: 'bradley-terry',
    tieThreshold: 1,
    maxPairs: 0,
    heldOutShare: 0.15,
    maxLength: 1024,
    ...computation,
    lora: lora(16),
  },
};

/** All rows of all tasks, each the same. */
const mixture = { taskCap: null, taskWeights: [], holdOutTasks: [] };

export const sftPresets: Readonly<Record<PresetName, SftSettings>> = {
  quick: {
    epochs: 3,
    batchSize: 16,
    microBatchSize: 16,
    learningRate: 2e-3,
    ...optimizer,
    warmupRatio: 0.1,
    heldOutShare: 0.1,
    ...mixture,
    evaluationRows: 32,
    maxNewTokens: 64,
    maxLength: 512,
    tuning: 'lora',
    ...computation,
    lora: lora(8),
  },
  standard: {
    epochs: 3,
    batchSize: 16,
    microBatchSize: 16,
    learningRate: 1e-3,
    ...optimizer,
    warmupRatio: 0.05,
    heldOutShare: 0.1,
    ...mixture,
    evaluationRows: 128,
    maxNewTokens: 128,
    maxLength: 1024,
    tuning: 'lora',
    ...computation,
    lora: lora(16),
  },
};

const offline = {
  quick: {
    epochs: 3,
    batchSize: 16,
    microBatchSize: 16,
    learningRate: 1e-3,
    ...optimizer,
    warmupRatio: 0.1,
    beta: 0.1,
    heldOutShare: 0.15,
    maxLength: 512,
    ...computation,
    lora: lora(8),
  },
  standard: {
    epochs: 5,
    batchSize: 16,
    microBatchSize: 16,
    learningRate: 5e-4,
    ...optimizer,
    warmupRatio: 0.1,
    beta: 0.1,
    heldOutShare: 0.15,
    maxLength: 1024,
    ...computation,
    lora: lora(16),
  },
} as const;

export const dpoPresets: Readonly<Record<PresetName, DpoSettings>> = {
  quick: { loss: 'sigmoid', labelSmoothing: 0, ...offline.quick },
  standard: { loss: 'sigmoid', labelSmoothing: 0, ...offline.standard },
};

export const ktoPresets: Readonly<Record<PresetName, KtoSettings>> = {
  quick: { desirableWeight: 1, undesirableWeight: 1, ...offline.quick },
  standard: { desirableWeight: 1, undesirableWeight: 1, ...offline.standard },
};

/** Sampling and learning in turn: what is sampled is never old. */
const actors = { actors: 0, actorLag: 1, actorOrder: 'fixed', importanceCap: 2 } as const;

export const rlhfPresets: Readonly<Record<PresetName, RlooSettings>> = {
  quick: {
    algorithm: 'rloo',
    steps: 24,
    promptsPerStep: 12,
    samplesPerPrompt: 4,
    microBatchSize: 16,
    temperature: 1,
    maxNewTokens: 64,
    learningRate: 2e-3,
    ...optimizer,
    warmupRatio: 0.15,
    beta: 0.15,
    klEstimator: 'k1',
    clipRange: 0.2,
    targetKl: null,
    missingEosScore: null,
    updatesPerRollout: 1,
    evaluateEvery: 8,
    evaluationPrompts: 8,
    checkpointEvery: 8,
    ...actors,
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
    ...optimizer,
    warmupRatio: 0.05,
    beta: 0.15,
    klEstimator: 'k1',
    clipRange: 0.2,
    targetKl: null,
    missingEosScore: null,
    updatesPerRollout: 1,
    evaluateEvery: 20,
    evaluationPrompts: 16,
    checkpointEvery: 20,
    ...actors,
    ...computation,
    lora: lora(16),
  },
};

const grpo = (preset: PresetName): GrpoSettings => ({
  ...rlhfPresets[preset],
  algorithm: 'grpo',
  promptsPerStep: 8,
  samplesPerPrompt: 8,
  beta: 0.02,
  klEstimator: 'k3',
  clipRangeHigh: null,
  aggregation: 'dapo',
  scaleRewards: 'group',
});

export const grpoPresets: Readonly<Record<PresetName, GrpoSettings>> = {
  quick: grpo('quick'),
  standard: grpo('standard'),
};

function reinforce(preset: PresetName): ReinforceSettings {
  const { clipRange: _, updatesPerRollout: __, targetKl: ___, ...rest } = rlhfPresets[preset];
  return { ...rest, algorithm: 'reinforce', promptsPerStep: 48, samplesPerPrompt: 1, beta: 0.05, baseline: 'mean' };
}

export const reinforcePresets: Readonly<Record<PresetName, ReinforceSettings>> = {
  quick: reinforce('quick'),
  standard: reinforce('standard'),
};

const ppo = (preset: PresetName): PpoSettings => ({
  ...rlhfPresets[preset],
  algorithm: 'ppo',
  promptsPerStep: 48,
  samplesPerPrompt: 1,
  beta: 0.05,
  updatesPerRollout: 4,
  gamma: 1,
  lambda: 0.95,
  valueClipRange: 0.2,
  valueWeight: 0.1,
  missingEosPenalty: null,
  klControl: 'fixed',
  klTarget: 6,
  klHorizon: 10_000,
});

export const ppoPresets: Readonly<Record<PresetName, PpoSettings>> = { quick: ppo('quick'), standard: ppo('standard') };

function expert(preset: PresetName): ExpertSettings {
  const { beta: _, klEstimator: __, clipRange: ___, targetKl: ____, ...rest } = rlhfPresets[preset];
  return {
    ...rest,
    algorithm: 'expert',
    samplesPerPrompt: 8,
    keepBest: 1,
    minimumScore: null,
    updatesPerRollout: 2,
  };
}

export const expertPresets: Readonly<Record<PresetName, ExpertSettings>> = {
  quick: expert('quick'),
  standard: expert('standard'),
};

/** Parameters of the model that the presets were tried on. */
const triedOn = 2e6;

/** Wider models take smaller steps: the rate falls with the root of the size. One digit, so that it reads well. */
const fitted = (learningRate: number, parameters: number): number =>
  Number((learningRate * Math.min(1, Math.sqrt(triedOn / Math.max(1, parameters)))).toPrecision(1));

/** A preset for a model of this many parameters. */
export const fit = <S extends { readonly learningRate: number }>(settings: S, parameters: number): S => ({
  ...settings,
  learningRate: fitted(settings.learningRate, parameters),
});

/** The presets of every kind. */
const presets: { readonly [K in SettingsKind]: Readonly<Record<PresetName, SettingsOf[K]>> } = {
  sft: sftPresets,
  reward: rewardPresets,
  dpo: dpoPresets,
  kto: ktoPresets,
  rlhf: rlhfPresets,
  grpo: grpoPresets,
  reinforce: reinforcePresets,
  ppo: ppoPresets,
  expert: expertPresets,
};

/** A preset of a kind for a model of this many parameters. */
export const presetOf = <K extends SettingsKind>(kind: K, preset: PresetName, parameters: number): SettingsOf[K] =>
  fit<SettingsOf[K]>(presets[kind][preset], parameters);

/** Presets for a model of this many parameters. */
export const rewardSettings = (preset: PresetName, parameters: number): RewardSettings =>
  fit(rewardPresets[preset], parameters);
export const dpoSettings = (preset: PresetName, parameters: number): DpoSettings => fit(dpoPresets[preset], parameters);
export const ktoSettings = (preset: PresetName, parameters: number): KtoSettings => fit(ktoPresets[preset], parameters);
export const rlhfSettings = (preset: PresetName, parameters: number): RlooSettings =>
  fit(rlhfPresets[preset], parameters);
