/**
 * Training on a base in eight-bit integers against float32: the same model, examples, order and number of tokens, and the
 * held-out loss of both adapters on the float32 base. What it must stay within is what lets the product offer it.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fetchTestModel } from '../../scripts/fetchTestModel.ts';
import { Rng } from '../../src/base/rng.ts';
import { mean, neg } from '../../src/engine/index.ts';
import { openModelGguf } from '../../src/language-model/modelFiles.ts';
import {
  createTrainingProgram,
  predictFrom,
  type TrainingProgram,
  type TrainingProgramOptions,
} from '../../src/language-model/trainable.ts';
import { openFile } from '../../src/storage/modelFolder.ts';
import { createTokenizer, type Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { quick, recordFigures } from './figures.ts';

/** Grade-school problems with worked answers, where they are beside the checkout. */
const data = path.join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'gsm8k');
const seeds = quick ? [1] : [1, 2, 3];
const steps = quick ? 2 : 40;
const tokensPerStep = 900;
const heldOutExamples = quick ? 6 : 60;
const learningRate = 5e-4;
/** Largest relative difference of the held-out losses. */
const tolerance = 0.01;

interface Example {
  readonly ids: readonly number[];
  /** Where the answer begins. */
  readonly start: number;
}

function read(tokenizer: Tokenizer, file: string, count: number): Example[] {
  const lines = gunzipSync(readFileSync(path.join(data, file)))
    .toString('utf8')
    .trim()
    .split('\n')
    .slice(0, count);
  return lines.map(line => {
    const { question, answer } = JSON.parse(line) as { question: string; answer: string };
    const prompt = tokenizer.encode(`Question: ${question}\nAnswer:`);
    return {
      ids: [...prompt, ...tokenizer.encode(` ${answer}`), tokenizer.endIds[0]!].slice(0, 256),
      start: prompt.length,
    };
  });
}

const batchOf = (examples: readonly Example[]) => {
  const ids = examples.map(example => example.ids);
  return {
    ids,
    predictions: predictFrom(
      ids,
      examples.map(example => example.start),
    ),
  };
};

/** Mean negative log-probability of the answers' tokens, nats. */
async function heldOutLoss(program: TrainingProgram, examples: readonly Example[]): Promise<number> {
  let total = 0;
  let count = 0;
  for (let from = 0; from < examples.length; from += 6) {
    const { rows } = await program.forward(batchOf(examples.slice(from, from + 6)));
    for (const logProb of rows.logProbs!) total -= logProb;
    count += rows.logProbs!.length;
  }
  return total / count;
}

describe('training on an eight-bit base', function () {
  this.timeout(3_600_000);

  it(`ends within ${tolerance * 100} % of float32's held-out loss`, async function () {
    if (!existsSync(data)) {
      console.log(`      skipped: there is no ${data}`);
      return this.skip();
    }
    const files = await openModelGguf(await openFile(fetchTestModel()));
    const weights = await files.readWeights();
    const { config } = files;
    const tokenizer = createTokenizer(files.tokenizer);
    await files.close();
    const examples = read(tokenizer, 'train-first-2000.jsonl.gz', 2000);
    const heldOut = read(tokenizer, 'test.jsonl.gz', heldOutExamples);
    const lora = { r: 8, alpha: 16, targetModules: 'all-linear' } as const;
    const create = (changes: Partial<TrainingProgramOptions>) =>
      createTrainingProgram({
        config,
        weights,
        head: 'lm',
        trainable: { kind: 'lora', lora, seed: 0 },
        inputs: {},
        loss: (_, out) => ({ loss: neg(mean(out.logProbs)) }),
        optimizer: {},
        ...changes,
      });

    async function train(baseProducts: 'float32' | 'int8', seed: number) {
      const order = Rng.seeded(seed).shuffled(examples);
      const program = await create({ baseProducts, trainable: { kind: 'lora', lora, seed } });
      let at = 0;
      let tokens = 0;
      const started = performance.now();
      for (let step = 0; step < steps; step++) {
        const part: Example[] = [];
        for (let room = tokensPerStep; room > 0; room -= part.at(-1)!.ids.length) part.push(order[at++]!);
        tokens += part.reduce((sum, { ids }) => sum + ids.length, 0);
        await program.gradients(batchOf(part));
        program.apply(learningRate * Math.min(1, (step + 1) / 4) * (1 - step / steps));
      }
      const seconds = (performance.now() - started) / 1000;
      const { parameters } = program.state();
      await program.dispose();
      // Both adapters are judged on the base as it is used afterwards.
      const judge = await create({ trainable: { kind: 'lora', lora, seed, initial: parameters } });
      const loss = await heldOutLoss(judge, heldOut);
      await judge.dispose();
      return { loss, tokens, seconds };
    }

    const untouched = await create({});
    const before = await heldOutLoss(untouched, heldOut);
    await untouched.dispose();
    const rows: string[] = [];
    const differences: number[] = [];
    for (const seed of seeds) {
      const exact = await train('float32', seed);
      const rounded = await train('int8', seed);
      assert.equal(rounded.tokens, exact.tokens);
      differences.push(rounded.loss / exact.loss - 1);
      const percent = (100 * differences.at(-1)!).toFixed(2);
      rows.push(`| ${seed} | ${exact.tokens} | ${exact.loss.toFixed(4)} | ${rounded.loss.toFixed(4)} | ${percent} % |`);
      console.log(`      ${rows.at(-1)} ${exact.seconds.toFixed(0)} s, ${rounded.seconds.toFixed(0)} s`);
      assert.ok(exact.loss < before, `${exact.loss} is no better than ${before}`);
    }
    recordFigures(
      'int8-training',
      `SmolLM2-135M-Instruct, LoRA of rank 8 on all layers, ${steps} steps on worked grade-school problems; held-out loss in nats per token, on the float32 base. Before training: ${before.toFixed(4)}.\n\n| seed | tokens | float32 | int8 base | difference |\n|---:|---:|---:|---:|---:|\n${rows.join('\n')}`,
    );
    for (const difference of differences) {
      assert.ok(Math.abs(difference) <= tolerance, `the held-out loss differs by ${100 * difference} %`);
    }
  });
});
