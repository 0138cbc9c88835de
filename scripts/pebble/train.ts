/**
 * Trains pebble from nothing with Tunesmith's own engine, in about an hour on two cores:
 *
 *     node scripts/pebble/tokenizer.ts && node scripts/pebble/train.ts [--steps N] [--name main] [--resume]
 *
 * Checkpoints and the log go to `.cache/pebble/<name>/`; `--publish` writes the last checkpoint into `models/pebble`.
 */

import { appendFileSync, mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Rng } from '../../src/base/rng.ts';
import { parseLlamaConfig } from '../../src/language-model/config.ts';
import { createTrainingProgram } from '../../src/language-model/trainable.ts';
import { runSft, type SftSettings, type SftSource, sftInputs, sftLoss, sftProgram } from '../../src/training/sft.ts';
import { checkpointFolder, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { trainingEpisode } from './corpus.ts';
import { encodeEpisode, pebbleEncoder } from './encode.ts';
import { initialWeights, writeModel } from './modelFolder.ts';
import { CONTEXT, pebbleConfig } from './pebble.ts';

const { values: options } = parseArgs({
  options: {
    name: { type: 'string', default: 'main' },
    steps: { type: 'string', default: '3600' },
    tokens: { type: 'string', default: '2048' },
    rate: { type: 'string', default: '0.004' },
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
  warmupSteps: 80,
  schedule: 'linear',
  finalShare: 0.02,
  seed: 1,
  checkpointEvery: 100,
};

const model = new URL('../../models/pebble/', import.meta.url);
const folder = checkpointFolder(options.name);
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
  const checkpoint = options.resume ? loadCheckpoint(folder) : undefined;
  if (checkpoint) program.restore(checkpoint);
  const state = checkpoint?.reached;
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
      onCheckpoint: reached => saveCheckpoint(folder, { reached, ...program.state() }),
    },
    state,
  );
  await program.dispose();
}

function log(entry: Readonly<Record<string, number>>): void {
  const line = JSON.stringify({ time: new Date().toISOString().slice(11, 19), ...entry });
  appendFileSync(new URL('log.jsonl', folder), `${line}\n`);
}

function publish(): void {
  const checkpoint = loadCheckpoint(folder);
  if (!checkpoint) throw new Error(`there is no checkpoint in ${folder.pathname}`);
  writeModel(model, checkpoint.parameters);
}
