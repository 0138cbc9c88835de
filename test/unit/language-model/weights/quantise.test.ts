/** Writing weights in fewer bits: hand-worked blocks, and what a reader gets back. */
import assert from 'node:assert/strict';
import { Rng } from '../../../../src/base/rng.ts';
import { blockTypes } from '../../../../src/language-model/weights/dequantise.ts';
import { encodeValues, writtenBlocks } from '../../../../src/language-model/weights/quantise.ts';

describe('quantise', () => {
  it('writes Q8_0 as ggml does: steps of a 127th of the largest, ties away from zero', () => {
    // The largest is 127 so that d = 1: 0.5 → 1, −0.5 → −1, 2.4 → 2.
    const block = new Float32Array(32).fill(2.4);
    block.set([127, 0.5, -0.5, -127, 0, 1.5]);
    const bytes = encodeValues(block, 'Q8_0');
    assert.equal(bytes.length, 34);
    assert.deepEqual([...bytes.subarray(0, 2)], [0x00, 0x3c]);
    assert.deepEqual([...new Int8Array(bytes.buffer, 2, 8)], [127, 1, -1, -127, 0, 2, 2, 2]);
    assert.ok(encodeValues(new Float32Array(32), 'Q8_0').every(byte => byte === 0));
  });

  it('writes halves to nearest, ties to even', () => {
    const values = Float32Array.of(1, -2, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 65536);
    assert.deepEqual(
      [...new Uint16Array(encodeValues(values, 'F16').buffer)],
      [0x3c00, 0xc000, 0x3c00, 0x3c02, 0x7c00],
    );
    assert.deepEqual([...new Uint16Array(encodeValues(Float32Array.of(1, -3), 'BF16').buffer)], [0x3f80, 0xc040]);
  });

  const types = { F32: 0, F16: 1, BF16: 30, Q8_0: 8 } as const;
  const tolerance = { F32: 0, F16: 2 ** -11, BF16: 2 ** -8, Q8_0: 1 / 127 };
  for (const type of ['F32', 'F16', 'BF16', 'Q8_0'] as const) {
    it(`comes back from ${type} as near as its bits allow`, () => {
      const rng = Rng.seeded(2);
      const values = Float32Array.from({ length: 256 }, () => rng.normal());
      const bytes = encodeValues(values, type);
      const { block, bytes: size } = writtenBlocks[type];
      assert.equal(bytes.length, (values.length / block) * size);
      const back = new Float32Array(values.length);
      blockTypes.get(types[type])!.decode!(bytes, back);
      for (const [i, value] of values.entries()) {
        // Each block of 32 normal numbers has a largest below 4.
        const allowed = type === 'Q8_0' ? 4 * tolerance.Q8_0 * 0.51 : Math.abs(value) * tolerance[type];
        assert.ok(Math.abs(back[i]! - value) <= allowed, `${i}: ${back[i]} is not ${value}`);
      }
    });
  }
});
