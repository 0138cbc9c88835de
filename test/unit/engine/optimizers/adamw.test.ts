/** AdamW on a case worked out by hand, with decay, clipping and saved state. */
import assert from 'node:assert/strict';
import { AdamW, type AdamWArrays, plainKernel } from '../../../../src/engine/optimizers/adamw.ts';

const arrays = (parameters: readonly number[], gradients: readonly number[]): AdamWArrays => ({
  parameters: Float32Array.from(parameters),
  gradients: Float32Array.from(gradients),
  m: new Float32Array(parameters.length),
  v: new Float32Array(parameters.length),
});
const close = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);

describe('AdamW', () => {
  it('makes the two steps of a case worked by hand', () => {
    const at = arrays([1, 1], [0.5, 0.5]);
    const optimizer = new AdamW(at, 1, { weightDecay: 0.1, maxGradNorm: 0, epsilon: 0 });
    // Step 1: m̂ = g and v̂ = g², so the update is η·sign(g); only the first parameter decays.
    close(optimizer.apply(0.01).gradNorm, Math.sqrt(0.5));
    close(at.parameters[0]!, 1 - 0.01 * 0.1 - 0.01);
    close(at.parameters[1]!, 1 - 0.01);
    // Step 2 with g = −0.1: m = 0.9·0.05 − 0.01 = 0.035, v = 0.999·0.00025 + 0.00001 = 0.00025975.
    at.gradients.fill(-0.1);
    optimizer.apply(0.01);
    const mean = 0.035 / (1 - 0.81);
    const root = Math.sqrt(0.00025975 / (1 - 0.998001));
    close(at.parameters[1]!, 0.99 - (0.01 * mean) / root);
    close(at.parameters[0]!, 0.989 * 0.999 - (0.01 * mean) / root);
  });

  it('clips by the global norm', () => {
    const at = arrays([0, 0], [3, 4]);
    const optimizer = new AdamW(at, 2, { maxGradNorm: 1 });
    assert.equal(optimizer.apply(0.01).gradNorm, 5);
    close(at.m[0]!, 0.1 * 0.6);
    close(at.m[1]!, 0.1 * 0.8);
  });

  it('changes nothing on a gradient that is not finite', () => {
    const at = arrays([1, 2], [Number.POSITIVE_INFINITY, 0]);
    const optimizer = new AdamW(at, 2);
    assert.equal(optimizer.apply(0.1).gradNorm, Number.POSITIVE_INFINITY);
    assert.deepEqual([...at.parameters], [1, 2]);
    assert.equal(optimizer.state().step, 0);
  });

  it('refuses a state of another size', () => {
    const optimizer = new AdamW(arrays([1], [1]), 1, {}, plainKernel);
    assert.throws(() => optimizer.restore({ step: 1, m: new Float32Array(2), v: new Float32Array(2) }), /does not fit/);
  });
});
