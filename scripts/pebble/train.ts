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
import { parseModelConfig } from '../../src/language-model/config.ts';
import { createTrainingProgram, type TrainingProgram } from '../../src/language-model/trainable.ts';
import {
  runSft,
  type SftReport,
  type SftSettings,
  type SftSource,
  type SftState,
  sftInputs,
  sftLoss,
  sftProgram,
} from '../../src/training/sft.ts';
import { checkpointFolder, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { copyingEnds, fullMix, trainingEpisode } from './corpus.ts';
import { encodeEpisode, pebbleEncoder } from './encode.ts';
import { initialWeights, writeModel } from './modelFolder.ts';
import { CONTEXT, pebbleConfig } from './pebble.ts';

const { values: options } = parseArgs({
  options: {
    name: { type: 'string', default: 'main' },
    steps: { type: 'string', default: '2050' },
    resume: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
    threads: { type: 'string', default: '2' },
  },
});

/** A stage has its own examples and settings; the model and the optimizer go on from stage to stage. */
interface Stage {
  /** Number of the curriculum's example that it begins with. */
  readonly from: number;
  readonly settings: SftSettings;
}

const common = { seed: 1, checkpointEvery: 50, accumulation: 1, schedule: 'linear' } as const;
const stages: readonly Stage[] = [
  // Copying. Many small steps matter more than many tokens, and a step must mix lengths: rows of one length can be copied
  // by counting back, a different distance in each step, and nothing is learned at all.
  {
    from: 0,
    settings: {
      ...common,
      steps: 450,
      tokensPerMicroBatch: 1200,
      window: 32,
      lengthRatio: 10,
      learningRate: 0.0035,
      finalShare: 0.4,
      warmupSteps: 50,
    },
  },
  // Short tasks.
  {
    from: copyingEnds,
    settings: {
      ...common,
      steps: 300,
      tokensPerMicroBatch: 640,
      accumulation: 3,
      window: 48,
      lengthRatio: 2,
      learningRate: 0.002,
      finalShare: 1,
      warmupSteps: 20,
    },
  },
  // Everything.
  {
    from: fullMix,
    settings: {
      ...common,
      steps: Number(options.steps),
      tokensPerMicroBatch: 1024,
      accumulation: 4,
      window: 64,
      lengthRatio: 2,
      learningRate: 0.0025,
      finalShare: 0.03,
      warmupSteps: 20,
    },
  },
];

const model = new URL('../../models/pebble/', import.meta.url);
const folder = checkpointFolder(options.name);
mkdirSync(folder, { recursive: true });

if (options.publish) publish();
else await train();

async function train(): Promise<void> {
  const program = await createTrainingProgram({
    config: parseModelConfig({ ...pebbleConfig, max_position_embeddings: CONTEXT }, 'config.json'),
    weights: initialWeights(1),
    trainable: { kind: 'full' },
    head: 'lm',
    inputs: sftInputs,
    loss: sftLoss,
    optimizer: { beta2: 0.98, weightDecay: 0.02 },
    threads: Number(options.threads),
  });
  const checkpoint = options.resume ? loadCheckpoint(folder) : undefined;
  if (checkpoint) program.restore(checkpoint);
  for (let stage = checkpoint?.stage ?? 0; stage < stages.length; stage++) {
    await runStage(program, stage, stage === checkpoint?.stage ? checkpoint.reached : undefined);
  }
  await program.dispose();
}

async function runStage(program: TrainingProgram, stage: number, start: SftState | undefined): Promise<void> {
  const { from, settings } = stages[stage]!;
  const { encode } = pebbleEncoder(model);
  const rng = Rng.seeded(settings.seed);
  const source: SftSource = {
    length: 1e9,
    at: index => encodeEpisode(trainingEpisode(rng, from + index), encode, rng.stream('prompt', from + index)),
  };
  let mark = performance.now();
  let tokens = start?.tokens ?? 0;
  let sum = 0;
  const onStep = (report: SftReport): void => {
    sum += report.loss;
    if (report.step % 20 !== 0) return;
    const now = performance.now();
    const tokensPerSecond = Math.round((report.tokens - tokens) / ((now - mark) / 1000));
    log({ stage, ...report, loss: sum / 20, tokensPerSecond });
    [mark, tokens, sum] = [now, report.tokens, 0];
  };
  const onCheckpoint = (reached: SftState): void => saveCheckpoint(folder, { stage, reached, ...program.state() });
  await runSft(sftProgram(program), source, settings, { onStep, onCheckpoint }, start);
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
