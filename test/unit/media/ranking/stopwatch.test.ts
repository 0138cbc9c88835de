import assert from 'node:assert/strict';
import { Stopwatch } from '../../../../media/ranking/stopwatch.ts';

describe('stopwatch', () => {
  it('counts only what was in sight', () => {
    let now = 100;
    const watch = new Stopwatch(() => now);
    now = 150;
    assert.equal(watch.elapsed(), 50);
    watch.pause();
    now = 1000;
    assert.equal(watch.elapsed(), 50);
    watch.resume();
    watch.resume();
    now = 1010;
    assert.equal(watch.elapsed(), 60);
    watch.restart(7);
    now = 1013;
    assert.equal(watch.elapsed(), 10);
    watch.pause();
    watch.restart();
    now = 2000;
    assert.equal(watch.elapsed(), 0);
  });
});
