/** The pure parts of the playground's benchmark: what it makes of samples, and what its model answers. */
import assert from 'node:assert/strict';
import { AnswerTokens, answerTokens } from '../../bench/playground/answers.ts';
import { quantile } from '../../bench/playground/frames.ts';
import type { Round } from '../../bench/playground/measure.ts';
import { document, framesPerSecond, holds, lines, numbers } from '../../bench/playground/report.ts';
import { Cells, Models, Rows, Samples } from '../../bench/playground/workspace.ts';

const round = (over: Partial<Round> = {}): Round => ({
  activationMs: [30, 20, 40],
  idleMiB: [180, 700],
  peakMiB: 200,
  peakParts: [150, 50],
  runSeconds: 100,
  firstRunCalls: Cells,
  secondRunCalls: 0,
  secondRunSeconds: 30,
  frames: { empty: [16.7, 16.7], scroll: [16.6, 16.8], run: [16.7, 33.3] },
  keys: { empty: [8, 9, 10], rest: [9, 10, 30], run: [20, 20, 20] },
  ...over,
});

describe('bench/playground', () => {
  it('takes the nearest rank for a quantile', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    assert.equal(quantile(hundred, 0.95), 95);
    assert.equal(quantile([3, 1, 2], 0.5), 2);
    assert.equal(quantile([7], 0.95), 7);
    assert.throws(() => quantile([], 0.5), /nothing/);
  });

  it('calls a frame a screen late every twentieth time what it is', () => {
    assert.equal(framesPerSecond([...Array(96).fill(16.7), 33.3, 33.3, 33.3, 33.3]), 60);
    assert.equal(framesPerSecond([...Array(94).fill(16.7), ...Array(6).fill(33.3)]), 30);
  });

  it('gives the six numbers as medians of the rounds', () => {
    const rounds = [
      round(),
      round({ peakMiB: 340, secondRunCalls: 2 }),
      round({ peakMiB: 360, activationMs: [60, 61, 62] }),
    ];
    assert.deepEqual(numbers({ rounds, renderMs: [500, 700.26, 900] }), {
      render10kMs: 700.3,
      peakMiB: 340,
      scrollFps: 60,
      secondRunCalls: 0,
      keystrokeMs: 10,
      activationMs: 30,
    });
  });

  it('says which limits are held, and does not round them away', () => {
    const held = (over: Partial<Round>, renderMs = 900) =>
      lines({ rounds: [round(over)], renderMs: [renderMs] })
        .slice(0, 6)
        .map(holds);
    assert.deepEqual(held({}), [true, true, true, true, true, true]);
    assert.deepEqual(
      held(
        {
          peakMiB: 350.1,
          secondRunCalls: 1,
          activationMs: [50.1],
          frames: { ...round().frames, scroll: [17, 17] },
          keys: { ...round().keys, rest: [16.1] },
        },
        1000.2,
      ),
      [false, false, false, false, false, false],
    );
    const text = document({ rounds: [round({ peakMiB: 351 })], renderMs: [1] }, 'abc');
    assert.match(text, /peak memory of the run \| 351 MiB \| ≤ 350 \| \*\*no\*\*/);
    assert.match(text, /medians of 1 round,/);
  });

  it('asks for 21,420 cells, and answers each in 400 tokens of its own', () => {
    assert.equal(Rows * Models.length * Samples, 21_420);
    const ask = (model: string, content: string, seed: number): string[] =>
      answerTokens({ model, seed, messages: [{ role: 'user', content }] });
    const answers = [ask('one', 'a', 0), ask('two', 'a', 0), ask('one', 'b', 0), ask('one', 'a', 1)];
    for (const tokens of answers) assert.equal(tokens.length, AnswerTokens);
    assert.equal(new Set(answers.map(tokens => tokens.join(''))).size, 4);
    assert.deepEqual(ask('one', 'a', 0), answers[0]);
    assert.match(answers[0]!.join(''), /The answer is \d+$/);
  });
});
