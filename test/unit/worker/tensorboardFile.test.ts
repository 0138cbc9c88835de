import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c, scalarEvent, TensorboardFile, tfRecord } from '../../../src/worker/tensorboardFile.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('tensorboardFile', () => {
  it('sums as RFC 3720 does', () => {
    // Appendix B.4, and the check value of the polynomial.
    assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
    assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
    assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
    assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  });

  it('frames a record as TensorFlow does', () => {
    // Every event file of TensorFlow begins with these bytes: a first record of 24 bytes and the masked sum of that length.
    assert.equal(hex(tfRecord(Buffer.alloc(24))).slice(0, 24), '1800000000000000a37f4b22');
  });

  it('writes scalars field by field', () => {
    // By hand: 09 double 1.5; 10 step 300 as varint ac 02; 2a summary of 10 bytes: 0a value of 8 bytes: 0a tag of 1 byte "a", 15 float 0.25.
    assert.equal(
      hex(scalarEvent(300, { a: 0.25, no: Number.NaN }, 1.5)),
      ['09000000000000f83f', '10ac02', '2a0a', '0a08', '0a0161', '150000803e'].join(''),
    );
  });

  it('has no step twice after a kill, and drops a record that was cut', () => {
    const folder = memoryFolder();
    const path = join(folder, 'tensorboard', 'events.out.tfevents.1.x');
    const first = new TensorboardFile(path, 0);
    for (let step = 1; step <= 200; step++) first.scalars(step, { loss: 1 / step }, step);
    const whole = readFileSync(path);
    truncateSync(path, whole.length - 5);
    const again = new TensorboardFile(path, 150);
    for (let step = 151; step <= 200; step++) again.scalars(step, { loss: 1 / step }, step);
    assert.deepEqual(readFileSync(path), whole);
    appendFileSync(path, 'nonsense');
    new TensorboardFile(path, 200);
    assert.deepEqual(readFileSync(path), whole);
    // From the beginning, only the version is left.
    new TensorboardFile(path, 0);
    assert.equal(readFileSync(path).length, 24 + 16);
    assert.match(readFileSync(path, 'latin1'), /brain\.Event:2/);
    rmSync(folder, { recursive: true });
  });
});
