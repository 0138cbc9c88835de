/** The SIMD kernels do what the plain ones do. */
import assert from 'node:assert/strict';
import { Rng } from '../../../../src/base/rng.ts';
import { createSimdArena } from '../../../../src/engine/kernels/adamwSimd.ts';
import { type AdamWArrays, plainKernel } from '../../../../src/engine/optimizers/adamw.ts';

const length = 44;
const named = (arrays: readonly Float32Array[]): AdamWArrays => {
  const [parameters, gradients, m, v] = arrays as [Float32Array, Float32Array, Float32Array, Float32Array];
  return { parameters, gradients, m, v };
};

function filled(arrays: readonly Float32Array[]): AdamWArrays {
  const rng = Rng.seeded(4);
  for (const array of arrays) for (let i = 0; i < array.length; i++) array[i] = rng.normal();
  const result = named(arrays);
  for (let i = 0; i < length; i++) result.v[i] = Math.abs(result.v[i]!);
  return result;
}

const near = (a: Float32Array, b: Float32Array): void => {
  for (let i = 0; i < a.length; i++) {
    assert.ok(Math.abs(a[i]! - b[i]!) <= 1e-6 * Math.max(1, Math.abs(b[i]!)), `${i}: ${a[i]} against ${b[i]}`);
  }
};

describe('the SIMD kernel of AdamW', () => {
  const arena = createSimdArena(4, length);
  assert.ok(arena);

  it('updates a stretch as the plain kernel does, and nothing outside it', () => {
    const simd = filled(arena.arrays);
    const plain = filled(Array.from({ length: 4 }, () => new Float32Array(length)));
    const factors = {
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-5,
      gradientScale: 0.5,
      keep: 0.98,
      stepSize: 0.03,
      rootScale: 1.7,
    };
    arena.kernel.update(simd, 8, 32, factors);
    plainKernel.update(plain, 8, 32, factors);
    for (const name of ['parameters', 'gradients', 'm', 'v'] as const) near(simd[name], plain[name]);
    assert.notEqual(simd.m[8], simd.m[0]);
  });

  it('sums squares and adds arrays', () => {
    const { gradients, m } = filled(arena.arrays);
    const expected = plainKernel.sumOfSquares(gradients);
    assert.ok(Math.abs(arena.kernel.sumOfSquares(gradients) - expected) < 1e-9 * expected);
    const sum = gradients.map((value, i) => value + m[i]!);
    arena.kernel.accumulate(gradients, m);
    assert.deepEqual(gradients, sum);
  });

  it('says when arrays do not fit', () => {
    assert.equal(createSimdArena(5, 2 ** 30), undefined);
    assert.throws(() => createSimdArena(1, 3), /multiple of 4/);
  });
});
