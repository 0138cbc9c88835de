import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';

describe('Rng', () => {
  it('gives the same numbers for the same seed and goes on from a saved state', () => {
    const a = Rng.seeded(7);
    const b = Rng.seeded(7);
    for (let i = 0; i < 10; i++) assert.equal(a.next(), b.next());
    const c = Rng.restore(JSON.parse(JSON.stringify(a.state())));
    assert.equal(c.next(), a.next());
  });

  it('makes streams that do not depend on what was drawn before', () => {
    const a = Rng.seeded(1);
    const before = a.stream('rollout', 3).next();
    a.next();
    assert.equal(a.stream('rollout', 3).next(), before);
    assert.notEqual(a.stream('rollout', 4).next(), before);
    assert.notEqual(a.stream('rollout', '3').next(), before);
  });

  it('is uniform: chi-squared over 64 cells of 64,000 draws, in every stream', () => {
    for (const stream of [0, 1, 2]) {
      const rng = Rng.seeded(5).stream(stream);
      const cells = new Array<number>(64).fill(0);
      for (let i = 0; i < 64000; i++) cells[rng.int(64)]!++;
      const chi2 = cells.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
      assert.ok(chi2 > 30 && chi2 < 113, `chi2 ${chi2} is outside the 99.9 % range of 63 degrees of freedom`);
    }
  });

  it('has no correlation between successive draws', () => {
    const rng = Rng.seeded(11);
    let previous = rng.next();
    let sum = 0;
    const n = 50000;
    for (let i = 0; i < n; i++) {
      const next = rng.next();
      sum += (previous - 0.5) * (next - 0.5) * 12;
      previous = next;
    }
    assert.ok(Math.abs(sum / n) < 4 / Math.sqrt(n));
  });

  it('draws normals with mean 0 and variance 1', () => {
    const rng = Rng.seeded(3);
    const n = 40000;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < n; i++) {
      const x = rng.normal();
      sum += x;
      squares += x * x;
    }
    assert.ok(Math.abs(sum / n) < 4 / Math.sqrt(n));
    assert.ok(Math.abs(squares / n - 1) < 0.03);
  });
});
