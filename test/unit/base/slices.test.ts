import assert from 'node:assert/strict';
import { inSlices } from '../../../src/base/slices.ts';

function* work(steps: number, each: () => void): Generator<void, number> {
  for (let i = 0; i < steps; i++) {
    each();
    yield;
  }
  return steps;
}

describe('work in slices', () => {
  it('gives its result and lets others in between', async () => {
    let turns = 0;
    const busy = (): void => {
      const end = performance.now() + 0.2;
      while (performance.now() < end);
    };
    const timer = setInterval(() => turns++, 1);
    const done = await inSlices(work(200, busy), () => false);
    clearInterval(timer);
    assert.equal(done, 200);
    // 40 ms in slices of 5: about 8 turns for others, on a slow machine more.
    assert.ok(turns >= 4, `${turns} turns`);
  });

  it('is given up between two slices', async () => {
    let steps = 0;
    const never = work(Number.POSITIVE_INFINITY, () => steps++);
    assert.equal(await inSlices(never, () => true, 1), undefined);
    assert.ok(steps > 0);
  });
});
