/** Whether work grows with its input in proportion, told from processor time alone: a busy machine changes nothing. */
import assert from 'node:assert/strict';

/** Least processor time of three runs, microseconds of this process. */
async function cost(run: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}

/** Four times the input may cost eight times as much; sixteen would be quadratic. Choose `size` so that it takes some milliseconds. */
export async function assertLinear(run: (size: number) => unknown, size: number, what = ''): Promise<void> {
  await run(size);
  const small = await cost(() => run(size));
  const large = await cost(() => run(4 * size));
  // Below a few milliseconds the clock and the collector decide.
  assert.ok(large < 8 * Math.max(small, 3000), `${what} takes ${small} µs at ${size} and ${large} µs at ${4 * size}`);
}
