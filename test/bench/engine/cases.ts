/** What is measured: the cases of `npm run bench:engine` by name. */
import type { ModelName } from './models.ts';

export type PeerName =
  | 'torch-fp32'
  | 'torch-bf16'
  | 'torch-fp32-compiled'
  | 'torch-bf16-compiled'
  | 'torch-int8'
  | 'torch-4bit'
  | 'tfjs'
  | 'llama.cpp'
  | 'transformers.js'
  | 'matmul-peak'
  | 'memory-bandwidth';

export interface TrainingCase {
  readonly kind: 'training';
  readonly name: string;
  readonly model: ModelName;
  /** Sequences of a step, and the tokens of each: all but the first are predicted. */
  readonly batch: number;
  readonly time: number;
  /** Adapters on all linear layers; absent: all weights are trained. */
  readonly lora?: { readonly r: number; readonly alpha: number };
  /** How the products with the frozen base are computed. */
  readonly baseProducts: 'float32' | 'int8';
  readonly peers: readonly PeerName[];
}

export interface DecodingCase {
  readonly kind: 'decoding';
  readonly name: string;
  readonly model: 'smollm2' | 'pebble';
  readonly batch: number;
  readonly precision: 'fp32' | 'int8' | '4bit';
  readonly promptTokens: number;
  /** Tokens of each sequence. The first comes from the prompt and is not timed. */
  readonly newTokens: number;
  readonly peers: readonly PeerName[];
}

export type Case = TrainingCase | DecodingCase;

const training = (name: string, shape: Pick<TrainingCase, 'model' | 'batch' | 'time'>, more: Partial<TrainingCase>) =>
  ({
    kind: 'training',
    name,
    ...shape,
    baseProducts: 'float32',
    peers: ['torch-fp32', 'torch-bf16', 'matmul-peak'],
    ...more,
  }) satisfies TrainingCase;

const lora = { r: 8, alpha: 16 };
const torchTraining = ['torch-fp32', 'torch-fp32-compiled', 'torch-bf16', 'torch-bf16-compiled'] as const;

/** At the same bits, and in float32 for a comparison with what most people run. */
const torchPeers = {
  fp32: ['torch-fp32'],
  int8: ['torch-int8', 'torch-fp32'],
  '4bit': ['torch-4bit', 'torch-int8', 'torch-fp32'],
} as const;

/** More sequences take longer together, so that each gets fewer tokens. */
const newTokens = { 1: 128, 8: 64, 16: 48, 64: 32 } as const;

const decoding = (
  model: DecodingCase['model'],
  batch: 1 | 8 | 16 | 64,
  precision: DecodingCase['precision'],
): DecodingCase => ({
  kind: 'decoding',
  name: `decode-${model === 'smollm2' ? '135m' : 'pebble'}-b${batch}-${precision}`,
  model,
  batch,
  precision,
  promptTokens: 64,
  newTokens: newTokens[batch],
  peers: [
    ...torchPeers[precision],
    'transformers.js',
    'llama.cpp',
    // The bundled model fits into the processor's cache, so that memory does not limit it.
    ...(model === 'smollm2' ? (['memory-bandwidth'] as const) : []),
  ],
});

export const cases: readonly Case[] = [
  training(
    'train-6m-full-fp32',
    { model: 'llama-6m', batch: 16, time: 128 },
    { peers: [...torchTraining, 'tfjs', 'matmul-peak'] },
  ),
  training(
    'train-35m-full-fp32',
    { model: 'llama-35m', batch: 4, time: 256 },
    { peers: [...torchTraining, 'matmul-peak'] },
  ),
  training('train-135m-lora-fp32', { model: 'smollm2', batch: 4, time: 256 }, { lora }),
  training('train-135m-lora-int8', { model: 'smollm2', batch: 4, time: 256 }, { lora, baseProducts: 'int8' }),
  ...(['fp32', 'int8', '4bit'] as const).flatMap(precision =>
    ([1, 8, 16, 64] as const).map(batch => decoding('smollm2', batch, precision)),
  ),
  ...([1, 8, 64] as const).map(batch => decoding('pebble', batch, 'fp32')),
];
