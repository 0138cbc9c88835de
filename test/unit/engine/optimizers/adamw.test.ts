/** AdamW on cases worked out by hand, with decay, clipping and saved state, on each kernel. */
import assert from 'node:assert/strict';
import { createSimdArena } from '../../../../src/engine/kernels/adamwSimd.ts';
import { AdamW, type AdamWArrays, type AdamWKernel, plainKernel } from '../../../../src/engine/optimizers/adamw.ts';

interface Given {
  readonly at: AdamWArrays;
  readonly kernel: AdamWKernel;
}
type Make = (parameters: readonly number[], gradients: readonly number[]) => Given;

const kernels: Readonly<Record<string, Make>> = {
  plain: (parameters, gradients) => ({
    at: {
      parameters: Float32Array.from(parameters),
      gradients: Float32Array.from(gradients),
      m: new Float32Array(parameters.length),
      v: new Float32Array(parameters.length),
    },
    kernel: plainKernel,
  }),
  SIMD: (parameters, gradients) => {
    const arena = createSimdArena(4, Math.ceil(parameters.length / 4) * 4);
    assert.ok(arena);
    const [p, g, m, v] = arena.arrays as [Float32Array, Float32Array, Float32Array, Float32Array];
    p.set(parameters);
    g.set(gradients);
    return { at: { parameters: p, gradients: g, m, v }, kernel: arena.kernel };
  },
};

const close = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);

function twoSteps(given: Make): void {
  // Four that decay and one that does not.
  const { at, kernel } = given([1, 1, 1, 1, 1], [0.5, 0, 0, 0, 0.5]);
  const optimizer = new AdamW(at, 4, { weightDecay: 0.1, maxGradNorm: 0, epsilon: 1e-30 }, kernel);
  // Step 1: m̂ = g and v̂ = g², so the update is η·sign(g).
  close(optimizer.apply(0.01).gradNorm, Math.sqrt(0.5));
  close(at.parameters[0]!, 1 - 0.01 * 0.1 - 0.01);
  close(at.parameters[1]!, 1 - 0.01 * 0.1);
  close(at.parameters[4]!, 1 - 0.01);
  // Step 2 with g = −0.1: m = 0.9·0.05 − 0.01 = 0.035, v = 0.999·0.00025 + 0.00001 = 0.00025975.
  at.gradients[0] = -0.1;
  at.gradients[4] = -0.1;
  optimizer.apply(0.01);
  const mean = 0.035 / (1 - 0.81);
  const root = Math.sqrt(0.00025975 / (1 - 0.998001));
  close(at.parameters[4]!, 0.99 - (0.01 * mean) / root);
  close(at.parameters[0]!, 0.989 * 0.999 - (0.01 * mean) / root);
  close(at.parameters[1]!, 0.999 * 0.999);
}

for (const [name, given] of Object.entries(kernels)) {
  describe(`AdamW on the ${name} kernel`, () => {
    it('makes the two steps of a case worked by hand', () => twoSteps(given));

    it('clips by the global norm, and leaves a smaller gradient alone', () => {
      const { at, kernel } = given([0, 0], [3, 4]);
      const optimizer = new AdamW(at, 0, { maxGradNorm: 1 }, kernel);
      assert.equal(optimizer.apply(0.01).gradNorm, 5);
      close(at.m[0]!, 0.1 * 0.6);
      close(at.m[1]!, 0.1 * 0.8);
      at.gradients[0] = 0.6;
      at.gradients[1] = 0;
      close(optimizer.apply(0.01).gradNorm, 0.6);
      // m = 0.9·0.06 + 0.1·0.6 and 0.9·0.08.
      close(at.m[0]!, 0.114);
      close(at.m[1]!, 0.072);
    });

    it('changes nothing on a gradient that is not finite', () => {
      for (const bad of [Number.POSITIVE_INFINITY, Number.NaN]) {
        const { at, kernel } = given([1, 2], [bad, 0]);
        const optimizer = new AdamW(at, 0, {}, kernel);
        assert.ok(!Number.isFinite(optimizer.apply(0.1).gradNorm));
        assert.deepEqual([...at.parameters.subarray(0, 2)], [1, 2]);
        assert.equal(optimizer.state().step, 0);
      }
    });

    it('goes on from a saved state to the same bytes', () => {
      const gradients = [
        [0.3, -0.2, 0.1],
        [-0.5, 0.4, 0.2],
        [0.1, 0.1, -0.7],
      ];
      const run = (optimizer: AdamW, { at }: Given, from: number): void => {
        for (const values of gradients.slice(from)) {
          at.gradients.set(values);
          optimizer.apply(0.02);
        }
      };
      const through = given([1, 2, 3], [0, 0, 0]);
      const optimizer = new AdamW(through.at, 0, {}, through.kernel);
      through.at.gradients.set(gradients[0]!);
      optimizer.apply(0.02);
      const [saved, parameters] = [optimizer.state(), through.at.parameters.slice()];
      run(optimizer, through, 1);
      const resumed = given([...parameters], [0, 0, 0]);
      const second = new AdamW(resumed.at, 0, {}, resumed.kernel);
      second.restore(saved);
      run(second, resumed, 1);
      assert.deepEqual(resumed.at.parameters, through.at.parameters);
    });
  });
}

describe('AdamW', () => {
  for (const [what, wrong] of Object.entries({
    'a missing correction of the second mean': { rootScale: 1 },
    'a decay that is left out': { keep: 1 },
  })) {
    it(`is noticed to be wrong by the case worked by hand: ${what}`, () => {
      const update: AdamWKernel['update'] = (arrays, start, end, factors) =>
        plainKernel.update(arrays, start, end, { ...factors, ...wrong });
      const make: Make = (...numbers) => ({ ...kernels.plain!(...numbers), kernel: { ...plainKernel, update } });
      assert.throws(() => twoSteps(make), /is not/);
    });
  }

  it('refuses a state of another size', () => {
    const { at, kernel } = kernels.plain!([1], [1]);
    const optimizer = new AdamW(at, 1, {}, kernel);
    assert.throws(() => optimizer.restore({ step: 1, m: new Float32Array(2), v: new Float32Array(2) }), /does not fit/);
  });
});
