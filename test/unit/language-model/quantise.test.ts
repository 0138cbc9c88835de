import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { dequantiseMatrix, quantiseMatrix, stackQuantised } from '../../../src/language-model/quantise.ts';

const random = (size: number, seed = 1): Float32Array => {
  const rng = Rng.seeded(seed);
  return Float32Array.from({ length: size }, () => rng.normal());
};

describe('quantise', () => {
  it('rounds a block to 255 numbers about 0, worked by hand', () => {
    const row = new Float32Array(32);
    row.set([2.54, -1.27, 0.02, 0.031, -0.009, 0]);
    const { data, scales, blockSize, zeros } = quantiseMatrix(row, 1, 32, 8);
    // max|w| = 2.54, so a step is 0.02.
    assert.equal(blockSize, 32);
    assert.deepEqual([...scales], [Math.fround(2.54 / 127)]);
    assert.deepEqual([...data.subarray(0, 7)], [255, 64, 129, 130, 128, 128, 128]);
    assert.equal(zeros, undefined);
  });

  it('rounds a block to 16 numbers between its ends, two in a byte, worked by hand', () => {
    const row = new Float32Array(64);
    row.set([1, -0.5, 0.26, 0.94]);
    row.fill(-3, 32);
    const { data, scales, zeros } = quantiseMatrix(row, 1, 64, 4);
    // From −0.5 to 1 in steps of 0.1: 0 is number 5. The second block reaches from −3 to 0 in steps of 0.2: 0 is number 15.
    assert.deepEqual([...scales], [Math.fround(0.1), Math.fround(0.2)]);
    assert.deepEqual([...zeros!], [5 | (15 << 4)]);
    assert.deepEqual([...data.subarray(0, 4)], [15 | (0 << 4), 8 | (14 << 4), 5 | (5 << 4), 5 | (5 << 4)]);
    assert.deepEqual([...data.subarray(16)], new Array(16).fill(0));
  });

  for (const bits of [8, 4] as const) {
    it(`is off by half a step at most, ${bits} bits, rows that do not fill their last block`, () => {
      const weights = random(7 * 75);
      const matrix = quantiseMatrix(weights, 7, 75, bits);
      const back = dequantiseMatrix(matrix);
      const blocks = 3;
      weights.forEach((weight, i) => {
        const scale = matrix.scales[Math.floor(i / 75) * blocks + Math.floor((i % 75) / 32)]!;
        // Four bits also round where 0 lies.
        const most = (bits === 8 ? 0.5 : 1) * scale + 1e-6;
        assert.ok(Math.abs(weight - back[i]!) <= most, `${i}: ${weight} became ${back[i]}, a step is ${scale}`);
      });
    });

    it(`keeps zeros, and equal numbers equal, ${bits} bits`, () => {
      for (const value of [0, 0.7, -0.7]) {
        const back = dequantiseMatrix(quantiseMatrix(new Float32Array(2 * 64).fill(value), 2, 64, bits));
        for (const number of back) assert.ok(Math.abs(number - value) < 1e-6, `${value} became ${number}`);
      }
    });

    it(`reads (in, out) matrices as their transposes, ${bits} bits`, () => {
      const weights = random(5 * 64);
      const transposed = new Float32Array(5 * 64);
      for (let r = 0; r < 5; r++) for (let c = 0; c < 64; c++) transposed[c * 5 + r] = weights[r * 64 + c]!;
      assert.deepEqual(quantiseMatrix(transposed, 5, 64, bits, true), quantiseMatrix(weights, 5, 64, bits));
    });

    it(`stacks matrices, ${bits} bits`, () => {
      const [a, b] = [random(3 * 96, 1), random(2 * 96, 2)];
      const stacked = stackQuantised([quantiseMatrix(a, 3, 96, bits), quantiseMatrix(b, 2, 96, bits)]);
      assert.deepEqual(stacked, quantiseMatrix(Float32Array.from([...a, ...b]), 5, 96, bits));
    });
  }

  it('refuses matrices that cannot be stacked', () => {
    const eight = quantiseMatrix(random(64), 1, 64, 8);
    assert.throws(() => stackQuantised([eight, quantiseMatrix(random(64), 1, 64, 4)]), /one layout/);
    assert.throws(() => quantiseMatrix(random(64), 2, 64, 8), /no 2×64 matrix/);
  });
});
