import assert from 'node:assert/strict';
import {
  learningRateAt,
  promptCompletion,
  runSft,
  type SftBatch,
  type SftProgram,
  type SftSettings,
  type SftSource,
  type SftState,
  wholeText,
} from '../../../src/training/sft.ts';

const settings: SftSettings = {
  steps: 12,
  accumulation: 2,
  tokensPerMicroBatch: 64,
  window: 16,
  learningRate: 0.1,
  warmupSteps: 3,
  schedule: 'cosine',
  finalShare: 0.1,
  seed: 5,
  checkpointEvery: 4,
};

/** 40 sequences over 8 ids of 4 to 12 tokens; the id after x is mostly x + 1. */
const source: SftSource = {
  length: 40,
  at: index =>
    promptCompletion(
      [index % 8],
      Array.from({ length: 3 + (index % 9) }, (_, t) => (index + t + 1) % 8),
    ),
};

const nothingFound = { trainable: new Map<string, Float32Array>(), locateNonFinite: async () => undefined };

/** A bigram model with plain gradient descent: small enough to check by eye, real enough to learn. */
class Bigrams implements SftProgram {
  readonly logits: Float64Array;
  readonly #gradient = new Float64Array(64);
  readonly seen: SftBatch[] = [];
  readonly examined = nothingFound;
  constructor(logits: Float64Array = new Float64Array(64)) {
    this.logits = logits;
  }

  gradients(batch: SftBatch): { loss: number } {
    this.seen.push(batch);
    let loss = 0;
    batch.targets.forEach(({ row, index }, n) => {
      const from = batch.ids[row]![index - 1]!;
      const to = batch.ids[row]![index]!;
      const scores = this.logits.subarray(from * 8, from * 8 + 8);
      const sum = scores.reduce((total, score) => total + Math.exp(score), 0);
      loss -= batch.weights[n]! * (scores[to]! - Math.log(sum));
      for (let k = 0; k < 8; k++) {
        this.#gradient[from * 8 + k]! += batch.weights[n]! * (Math.exp(scores[k]!) / sum - (k === to ? 1 : 0));
      }
    });
    return { loss };
  }

  apply(learningRate: number): { gradNorm: number } {
    const gradNorm = Math.hypot(...this.#gradient);
    this.#gradient.forEach((g, i) => {
      this.logits[i]! -= 50 * learningRate * g;
    });
    this.#gradient.fill(0);
    return { gradNorm };
  }
}

describe('sft', () => {
  it('learns', async () => {
    const losses: number[] = [];
    await runSft(new Bigrams(), source, settings, { onStep: ({ loss }) => void losses.push(loss) });
    assert.equal(losses.length, 12);
    assert.ok(Math.abs(losses[0]! - Math.log(8)) < 1e-6, 'the first loss is that of a uniform guess');
    assert.ok(losses.at(-1)! < 0.3 * losses[0]!, `${losses}`);
  });

  it('resumes from any checkpoint to the same bytes', async () => {
    const saved: { state: SftState; logits: Float64Array }[] = [];
    const whole = new Bigrams();
    const keep = (state: SftState): void => void saved.push({ state, logits: whole.logits.slice() });
    const end = await runSft(whole, source, settings, { onCheckpoint: keep });
    assert.deepEqual(
      saved.map(({ state }) => state.step),
      [4, 8, 12],
    );
    for (const { state, logits } of saved) {
      const resumed = new Bigrams(logits);
      assert.deepEqual(await runSft(resumed, source, settings, {}, state), end);
      assert.deepEqual(resumed.logits, whole.logits);
    }
  });

  it('stops between two steps and goes on from there', async () => {
    const whole = new Bigrams();
    await runSft(whole, source, settings);
    const abort = new AbortController();
    const first = new Bigrams();
    const onStep = ({ step }: { step: number }): void => {
      if (step === 5) abort.abort();
    };
    const state = await runSft(first, source, settings, { signal: abort.signal, onStep });
    assert.equal(state.step, 5);
    await runSft(first, source, settings, {}, state);
    assert.deepEqual(first.logits, whole.logits);
  });

  it('weighs each target by its share of the step, however the step is cut', async () => {
    const program = new Bigrams();
    await runSft(program, source, { ...settings, steps: 1, accumulation: 3 });
    const weights = program.seen.flatMap(batch => [...batch.weights]);
    assert.equal(program.seen.length, 3);
    assert.ok(Math.abs(weights.reduce((a, b) => a + b, 0) - 1) < 1e-6);
    assert.ok(weights.every(weight => Math.abs(weight - weights[0]!) < 1e-9));
  });

  it('learns completions only, and whole texts from their second token', async () => {
    assert.deepEqual(promptCompletion([1, 2], [3, 4]), { ids: [1, 2, 3, 4], weights: [0, 0, 1, 1] });
    assert.deepEqual(promptCompletion([1, 2], [3], 0.1).weights, [0.1, 0.1, 1]);
    const program = new Bigrams();
    const texts: SftSource = { length: 1, at: () => wholeText([3, 4, 5]) };
    await runSft(program, texts, { ...settings, steps: 1, accumulation: 1 });
    assert.deepEqual(
      program.seen[0]!.targets.map(({ index }) => index),
      [1, 2],
    );
  });

  it('warms up, then falls to the final share', () => {
    const rates = Array.from({ length: 13 }, (_, step) => learningRateAt(step, settings));
    assert.deepEqual(
      rates.slice(0, 4).map(rate => rate.toFixed(4)),
      ['0.0333', '0.0667', '0.1000', '0.1000'],
    );
    assert.ok(Math.abs(rates[12]! - 0.01) < 1e-9);
    assert.ok(Math.abs(learningRateAt(12, { ...settings, schedule: 'linear' }) - 0.01) < 1e-9);
    assert.equal(learningRateAt(9, { ...settings, schedule: 'constant' }), 0.1);
  });

  it('refuses data that nothing can be learned from', async () => {
    await assert.rejects(runSft(new Bigrams(), { length: 0, at: source.at }, settings), /no examples/);
    const empty: SftSource = { length: 4, at: () => promptCompletion([1, 2], []) };
    await assert.rejects(runSft(new Bigrams(), empty, settings), /nothing|anything to learn/);
  });

  it('stops with a sentence when the loss is no number', async () => {
    const broken: SftProgram = {
      gradients: () => ({ loss: Number.NaN }),
      apply: () => ({ gradNorm: 0 }),
      examined: { ...nothingFound, locateNonFinite: async () => ({ scope: 'lm_head', op: 'MatMul', backward: true }) },
    };
    await assert.rejects(runSft(broken, source, settings), {
      name: 'HumanError',
      message:
        'Training stopped at step 1: the loss became NaN. It first appeared in lm_head, operator MatMul, in the backward pass. ' +
        'Lower the learning rate. There was no checkpoint yet: the job starts from the beginning.',
    });
    let applied = 0;
    const later: SftProgram = {
      gradients: () => ({ loss: 1 }),
      apply: () => ({ gradNorm: ++applied > 5 ? Number.POSITIVE_INFINITY : 1 }),
      examined: nothingFound,
    };
    await assert.rejects(
      runSft(later, source, settings),
      /step 6: the norm .* Infinity.* The checkpoint of step 4 is kept/,
    );
  });
});
