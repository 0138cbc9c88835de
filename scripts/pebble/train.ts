/**
 * Trains pebble from nothing with Tunesmith's own engine, in about an hour on two cores:
 *
 *     node scripts/pebble/tokenizer.ts && node scripts/pebble/train.ts [--steps N] [--name main] [--resume]
 *
 * Checkpoints and the log go to `.cache/pebble/<name>/`; `--publish` writes the last checkpoint into `models/pebble`.
 */

import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Rng } from '../../src/base/rng.ts';
import { parseLlamaConfig } from '../../src/language-model/config.ts';
import { createTrainingProgram, type TrainingProgram } from '../../src/language-model/trainable.ts';
import {
  runSft,
  type SftSettings,
  type SftSource,
  type SftState,
  sftInputs,
  sftLoss,
  sftProgram,
} from '../../src/training/sft.ts';
import { trainingEpisode } from './corpus.ts';
import { encodeEpisode, pebbleEncoder } from './encode.ts';
import { initialWeights, writeModel } from './modelFolder.ts';
import { CONTEXT, pebbleConfig } from './pebble.ts';

const { values: options } = parseArgs({
  options: {
    name: { type: 'string', default: 'main' },
    steps: { type: 'string', default: '2400' },
    tokens: { type: 'string', default: '4096' },
    rate: { type: 'string', default: '0.003' },
    resume: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
    threads: { type: 'string', default: '2' },
  },
});

const settings: SftSettings = {
  steps: Number(options.steps),
  accumulation: 1,
  tokensPerMicroBatch: Number(options.tokens),
  window: 3000,
  learningRate: Number(options.rate),
  warmupSteps: 60,
  schedule: 'linear',
  finalShare: 0.02,
  seed: 1,
  checkpointEvery: 100,
};

const model = new URL('../../models/pebble/', import.meta.url);
const folder = new URL(`../../.cache/pebble/${options.name}/`, import.meta.url);
mkdirSync(folder, { recursive: true });

if (options.publish) publish();
else await train();

async function train(): Promise<void> {
  const { encode } = pebbleEncoder(model);
  const rng = Rng.seeded(settings.seed);
  const source: SftSource = {
    length: 1e9,
    at: index => encodeEpisode(trainingEpisode(rng, index), encode, rng.stream('prompt', index)),
  };
  const program = await createTrainingProgram({
    config: parseLlamaConfig({ ...pebbleConfig, max_position_embeddings: CONTEXT }, 'config.json'),
    weights: initialWeights(1),
    trainable: { kind: 'full' },
    head: 'lm',
    inputs: sftInputs,
    loss: sftLoss,
    optimizer: { beta2: 0.98, weightDecay: 0.05 },
    threads: Number(options.threads),
  });
  const state = options.resume ? restore(program) : undefined;
  let mark = performance.now();
  let tokens = state?.tokens ?? 0;
  let sum = 0;
  await runSft(
    sftProgram(program),
    source,
    settings,
    {
      onStep(report) {
        sum += report.loss;
        if (report.step % 20 !== 0) return;
        const now = performance.now();
        log({
          ...report,
          loss: sum / 20,
          tokensPerSecond: Math.round((report.tokens - tokens) / ((now - mark) / 1000)),
        });
        [mark, tokens, sum] = [now, report.tokens, 0];
      },
      onCheckpoint: reached => save(program, reached),
    },
    state,
  );
  await program.dispose();
}

function log(entry: Readonly<Record<string, number>>): void {
  const line = JSON.stringify({ time: new Date().toISOString().slice(11, 19), ...entry });
  appendFileSync(new URL('log.jsonl', folder), `${line}\n`);
}

/** One file: a line of JSON, then parameters, running means and running squares as float32. */
function save(program: TrainingProgram, reached: SftState): void {
  const { parameters, optimizer } = program.state();
  const arrays = [...parameters.values(), optimizer.m, optimizer.v];
  const header = {
    reached,
    updates: optimizer.step,
    parameters: [...parameters].map(([name, { length }]) => [name, length]),
  };
  const temporary = new URL('checkpoint.tmp', folder);
  const bytes = (array: Float32Array): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  writeFileSync(temporary, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...arrays.map(bytes)]));
  renameSync(temporary, new URL('checkpoint', folder));
}

interface Checkpoint {
  readonly reached: SftState;
  readonly updates: number;
  readonly parameters: Map<string, Float32Array>;
  readonly m: Float32Array;
  readonly v: Float32Array;
}

function load(): Checkpoint {
  const bytes = readFileSync(new URL('checkpoint', folder));
  const line = bytes.indexOf('\n');
  const header = JSON.parse(bytes.toString('utf8', 0, line)) as {
    reached: SftState;
    updates: number;
    parameters: [string, number][];
  };
  let at = line + 1;
  const take = (length: number): Float32Array => {
    const array = new Float32Array(new Uint8Array(bytes.subarray(at, at + 4 * length)).buffer);
    at += 4 * length;
    return array;
  };
  const parameters = new Map(header.parameters.map(([name, length]) => [name, take(length)]));
  const size = header.parameters.reduce((total, [, length]) => total + length, 0);
  return { reached: header.reached, updates: header.updates, parameters, m: take(size), v: take(size) };
}

function restore(program: TrainingProgram): SftState | undefined {
  if (!existsSync(new URL('checkpoint', folder))) return undefined;
  const { reached, updates, parameters, m, v } = load();
  program.restore({ parameters, optimizer: { step: updates, m, v } });
  return reached;
}

function publish(): void {
  writeModel(model, load().parameters);
}
