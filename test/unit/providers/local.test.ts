import assert from 'node:assert/strict';
import { sampleStream } from '../../../src/providers/local.ts';

describe('the random numbers of a sample', () => {
  const prompt = (content: string) => ({ kind: 'messages', messages: [{ role: 'user', content }] }) as const;

  it('are the same for the same prompt and repeat, and differ between prompts and between repeats', () => {
    assert.equal(sampleStream(prompt('a'), 3), sampleStream(prompt('a'), 3));
    const streams = Array.from({ length: 500 }, (_, row) =>
      [0, 1].map(repeat => sampleStream(prompt(`row ${row}`), repeat)),
    );
    assert.equal(new Set(streams.flat()).size, 1000);
  });

  it('are named by a whole number that JSON keeps', () => {
    for (const text of ['', 'é😀', 'x'.repeat(10_000)]) {
      const stream = sampleStream({ kind: 'text', text }, 999_999);
      assert.ok(Number.isSafeInteger(stream) && stream >= 0);
    }
  });
});
