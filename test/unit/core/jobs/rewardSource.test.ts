import assert from 'node:assert/strict';
import * as v from 'valibot';
import { RewardSourceSchema } from '../../../../src/core/jobs/job.ts';
import { rewardLabel, rewardModelsOf } from '../../../../src/core/jobs/rewardSource.ts';

describe('sources of rewards', () => {
  const model = (name: string) => ({ id: `local:${name}`, base: '/models/pebble', adapter: `/models/${name}` });
  const ensemble = { kind: 'ensemble', models: [model('a'), model('b')], combine: 'worst' } as const;
  const rule = { kind: 'rule', reward: { rule: 'length', min: 3, max: 9 } } as const;
  const sum = {
    kind: 'sum',
    parts: [
      { name: 'model', weight: 1, source: ensemble },
      { name: 'length', weight: 0.5, source: rule },
    ],
  } as const;

  it('are said in a few words, with all their models', () => {
    const source = v.parse(RewardSourceSchema, sum);
    assert.equal(rewardLabel(source), 'the lowest of a, b + 0.5 × 3 to 9 words');
    assert.deepEqual(
      rewardModelsOf(source).map(({ id }) => id),
      ['local:a', 'local:b'],
    );
    assert.equal(
      rewardLabel({ kind: 'rule', reward: { rule: 'json-schema', schema: {}, file: '/x/s.json' } }),
      'JSON by s.json',
    );
  });

  it('a job of an earlier version reads as before; sums of sums, lone ensembles and twins are refused', () => {
    for (const source of [{ kind: 'model', model: model('a') }, rule]) {
      assert.deepEqual(v.parse(RewardSourceSchema, source), source);
    }
    for (const bad of [
      { kind: 'sum', parts: [] },
      { kind: 'sum', parts: [{ name: 'x', weight: 1, source: sum }] },
      { kind: 'sum', parts: [sum.parts[0], sum.parts[0]] },
      { kind: 'sum', parts: [{ name: 'x', weight: Number.NaN, source: rule }] },
      { ...ensemble, models: [model('a')] },
    ]) {
      assert.ok(!v.safeParse(RewardSourceSchema, bad).success, JSON.stringify(bad));
    }
  });
});
