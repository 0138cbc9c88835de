/** One step of every family of losses against what TRL's own trainers computed (test/slow/writeLossFixtures.ts). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Precision } from '../../../src/engine/index.ts';
import { type LossFixtures, lossCases, lossFixtures } from '../../fakes/lossCases.ts';
import { relativeDistance } from '../../fakes/trainingGraphs.ts';

/** Largest ‖Δ‖/‖·‖ of each weight's gradient, of advantages and returns, and of the loss. */
const tolerance: Readonly<Record<Precision, number>> = { float64: 1e-9, float32: 1e-4 };

const fixtures = JSON.parse(readFileSync(lossFixtures, 'utf8')) as LossFixtures;
const cases = lossCases(fixtures.answers);

function expectedOf(name: string): Map<string, Float64Array> {
  const { sizes, values } = fixtures.cases[name]!;
  const all = new Float64Array(Uint8Array.from(Buffer.from(values, 'base64')).buffer);
  let at = 0;
  const results = new Map<string, Float64Array>();
  for (const [each, size] of Object.entries(sizes)) {
    results.set(each, all.subarray(at, at + size));
    at += size;
  }
  return results;
}

describe('losses as TRL computed them', () => {
  for (const name of Object.keys(fixtures.cases)) {
    const one = cases.find(running => running.name === name)!;
    for (const precision of ['float64', 'float32'] as const) {
      it(`${name} in ${precision}`, async () => {
        const expected = expectedOf(name);
        const mine = await one.ours(precision);
        const compared = (each: string) => each === 'loss' || each.startsWith('grad:') || expected.has(each);
        assert.deepEqual([...mine.results.keys()].filter(compared).sort(), [...expected.keys()].sort());
        assert.ok(expected.size > 10);
        for (const [each, values] of expected) {
          const apart = relativeDistance(mine.results.get(each)!, values);
          assert.ok(apart <= tolerance[precision], `${each}: ${apart}`);
        }
        for (const [metric, value] of Object.entries(mine.metrics)) {
          const apart = Math.abs(value - (fixtures.cases[name]!.metrics[metric] ?? Number.NaN));
          assert.ok(apart <= tolerance[precision], `${metric}: ${apart}`);
        }
      });
    }
  }
});
