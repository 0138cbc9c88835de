import assert from 'node:assert/strict';
import {
  bfloatsToFloats,
  floatToBfloat,
  floatToHalf,
  halfToFloat,
} from '../../../../src/language-model/weights/float16.ts';

describe('float16', () => {
  it('gives every half back after a round trip', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = halfToFloat(bits);
      if (Number.isNaN(value)) assert.ok(Number.isNaN(halfToFloat(floatToHalf(value))));
      else assert.equal(floatToHalf(value), bits);
    }
  });

  it('knows values by hand', () => {
    assert.equal(halfToFloat(0x3c00), 1);
    assert.equal(halfToFloat(0xc000), -2);
    assert.equal(halfToFloat(0x7bff), 65504);
    assert.equal(halfToFloat(0x0001), 2 ** -24);
    assert.equal(halfToFloat(0x3555), 0.333251953125);
  });

  it('rounds to nearest, ties to even, and overflows to infinity', () => {
    assert.equal(floatToHalf(1 + 2 ** -11), 0x3c00);
    assert.equal(floatToHalf(1 + 3 * 2 ** -11), 0x3c02);
    assert.equal(floatToHalf(1 + 2 ** -11 + 2 ** -20), 0x3c01);
    assert.equal(floatToHalf(65519), 0x7bff);
    assert.equal(floatToHalf(65520), 0x7c00);
    assert.equal(floatToHalf(2 ** -25), 0);
    assert.equal(floatToHalf(1.5 * 2 ** -25), 1);
    assert.equal(floatToBfloat(1 + 2 ** -8), 0x3f80);
    assert.equal(floatToBfloat(1 + 3 * 2 ** -8), 0x3f82);
    assert.equal(floatToBfloat(-3.0), 0xc040);
  });

  it('widens bfloat16 exactly', () => {
    const bits = Uint16Array.of(0x3f80, 0xbf80, 0x4049, 0x7f80, 0x0001);
    assert.deepEqual([...bfloatsToFloats(bits)], [1, -1, 3.140625, Number.POSITIVE_INFINITY, 2 ** -133]);
  });
});
