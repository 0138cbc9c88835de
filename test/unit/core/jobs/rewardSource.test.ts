import assert from 'node:assert/strict';
import * as v from 'valibot';
import { RewardSourceSchema, type SingleReward } from '../../../../src/core/jobs/job.ts';
import { rewardLabel, rewardModelsOf, sumOfRewards } from '../../../../src/core/jobs/rewardSource.ts';

describe('sources of rewards', () => {
  const model = (name: string) => ({ id: `local:${name}`, base: '/models/pebble', adapter: `/models/${name}` });
  const ensemble = {
    kind: 'ensemble' as const,
    models: [model('a'), model('b')],
    combine: 'worst' as const,
  } satisfies SingleReward;
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

  it('are summed under the names of their kinds, and left as they are where there is one', () => {
    assert.deepEqual(sumOfRewards([{ weight: 1, source: rule }]), rule);
    const summed = sumOfRewards([
      { weight: 1, source: ensemble },
      { weight: 0.5, source: rule },
      { weight: -1, source: rule },
    ]);
    assert.deepEqual(v.parse(RewardSourceSchema, summed), {
      kind: 'sum',
      parts: [...sum.parts, { name: 'length-2', weight: -1, source: rule }],
    });
    assert.equal(rewardLabel(summed), 'the lowest of a, b + 0.5 × 3 to 9 words − 3 to 9 words');
    const judge = {
      kind: 'rule',
      reward: { rule: 'judge', model: 'http://localhost:1/v1|m', rubric: 'Be kind.' },
    } as const;
    assert.equal(rewardLabel(sumOfRewards([{ weight: -2, source: judge }])), '−2 × scored by m');
    assert.deepEqual(sumOfRewards([{ weight: 2, source: rule }]), {
      kind: 'sum',
      parts: [{ name: 'length', weight: 2, source: rule }],
    });
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
