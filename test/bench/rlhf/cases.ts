/** What `npm run bench:rlhf` measures: whole steps of reinforcement learning, by name. */
import type { PpoSettings, RlooSettings } from '../../../src/core/jobs/job.ts';
import { ppoPresets, rlhfPresets } from '../../../src/core/jobs/presets.ts';

export interface Case {
  readonly name: string;
  readonly model: 'pebble' | 'smollm2';
  readonly peer: 'trl' | 'torch';
  readonly settings: RlooSettings | PpoSettings;
  /** Of each prompt: all are as long, so that nobody pads. */
  readonly promptTokens: number;
}

/** More than any run gets to; the learning rate falls to zero at their end. */
const steps = 100_000;
const common = {
  steps,
  maxNewTokens: 128,
  warmupRatio: 0,
  evaluateEvery: 0,
  evaluationPrompts: 0,
  checkpointEvery: 0,
  microBatchSize: 16,
} as const;
const rloo: RlooSettings = { ...rlhfPresets.quick, ...common, beta: 0.05 };
const ppo: PpoSettings = { ...ppoPresets.quick, ...common, beta: 0.05, temperature: 0.7, learningRate: 3e-6 };
const rates = { pebble: 1e-4, smollm2: 1e-5 } as const;

export const cases: readonly Case[] = [
  {
    name: 'rloo-pebble',
    model: 'pebble',
    peer: 'trl',
    promptTokens: 32,
    settings: { ...rloo, promptsPerStep: 12, samplesPerPrompt: 4, learningRate: rates.pebble },
  },
  {
    name: 'ppo-pebble',
    model: 'pebble',
    peer: 'torch',
    promptTokens: 32,
    settings: { ...ppo, promptsPerStep: 48, learningRate: rates.pebble },
  },
  {
    name: 'rloo-135m-lora',
    model: 'smollm2',
    peer: 'trl',
    promptTokens: 32,
    settings: { ...rloo, promptsPerStep: 4, samplesPerPrompt: 4, microBatchSize: 8, learningRate: rates.smollm2 },
  },
  {
    name: 'ppo-135m-lora',
    model: 'smollm2',
    peer: 'torch',
    promptTokens: 32,
    settings: { ...ppo, promptsPerStep: 8, microBatchSize: 8, learningRate: rates.smollm2 },
  },
];

export const answersOf = ({ settings }: Case): number => settings.promptsPerStep * settings.samplesPerPrompt;
