import assert from 'node:assert/strict';
import * as v from 'valibot';
import { estimateReward, estimateRlhf, rewardSteps } from '../../../../src/core/jobs/estimate.ts';
import { RewardSettingsSchema, RlhfSettingsSchema } from '../../../../src/core/jobs/job.ts';
import { PresetNames, rewardPresets, rlhfPresets } from '../../../../src/core/jobs/presets.ts';
import { getSetting, settingDescriptions, withSettings } from '../../../../src/core/jobs/settings.ts';

/** Every leaf of a settings object, as keys of descriptions. */
const leaves = (value: object, prefix = ''): string[] =>
  Object.entries(value).flatMap(([key, item]) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? leaves(item, `${prefix}${key}.`)
      : [prefix + key],
  );

describe('job settings', () => {
  it('a file of a job cannot ask for steps without end', () => {
    assert.throws(() => v.parse(RewardSettingsSchema, { ...rewardPresets.quick, batchSize: 0 }));
    for (const key of ['steps', 'promptsPerStep', 'microBatchSize', 'temperature', 'maxNewTokens'])
      assert.throws(() => v.parse(RlhfSettingsSchema, { ...rlhfPresets.quick, [key]: 0 }), key);
  });

  for (const [kind, presets, schema] of [
    ['reward', rewardPresets, RewardSettingsSchema],
    ['rlhf', rlhfPresets, RlhfSettingsSchema],
  ] as const) {
    it(`${kind}: every setting is described once, and every preset is valid and inside the ranges`, () => {
      const descriptions = settingDescriptions(kind);
      const keys = descriptions.map(({ key }) => key);
      assert.equal(new Set(keys).size, keys.length);
      for (const name of PresetNames) {
        const preset = presets[name];
        v.parse(schema, preset);
        assert.deepEqual(
          leaves(preset)
            .filter(key => key !== 'algorithm')
            .sort(),
          [...keys].sort(),
        );
        for (const { key, minimum, maximum } of descriptions) {
          const value = getSetting(preset, key);
          if (typeof value !== 'number') continue;
          assert.ok(value >= (minimum ?? -Infinity) && value <= (maximum ?? Infinity), `${name}.${key} = ${value}`);
        }
      }
    });
  }

  it('takes changes as text and leaves the preset alone', () => {
    const changed = withSettings('rlhf', rlhfPresets.quick, {
      steps: '7',
      'lora.r': '4',
      missingEosScore: '-1',
      'lora.targetModules': 'q_proj, v_proj',
    });
    assert.equal(changed.steps, 7);
    assert.deepEqual(changed.lora, { ...rlhfPresets.quick.lora, r: 4, targetModules: ['q_proj', 'v_proj'] });
    assert.equal(changed.missingEosScore, -1);
    assert.equal(withSettings('rlhf', changed, { missingEosScore: 'none' }).missingEosScore, null);
    assert.notEqual(rlhfPresets.quick.steps, 7);
  });

  for (const [changes, message] of [
    [{ steps: '1.5' }, /Steps must be a whole number, not “1.5”/],
    [{ steps: '0' }, /Steps must be at least 1, not 0/],
    [{ beta: 'much' }, /KL penalty \(β\) must be a number, not “much”/],
    [{ clipRange: '3' }, /at most 1/],
    [{ nonsense: '1' }, /no setting “nonsense”/],
    [{ steps: '' }, /whole number/],
    [{ 'lora.targetModules': ' ' }, /at least one/],
  ] as const) {
    it(`refuses ${JSON.stringify(changes)}`, () => {
      assert.throws(() => withSettings('rlhf', rlhfPresets.quick, changes), { name: 'HumanError', message });
    });
  }
});

describe('estimates', () => {
  const size = { parameters: 4e6, layers: 6, hiddenSize: 256, vocabularySize: 2048 };
  const machine = { memory: 4e9, flops: 2e11 };

  it('grow with the work', () => {
    const small = estimateReward(size, rewardPresets.quick, { pairs: 100, tokens: 80 }, machine);
    const large = estimateReward(size, rewardPresets.quick, { pairs: 1000, tokens: 80 }, machine);
    assert.ok(large.seconds > 8 * small.seconds && large.steps > 8 * small.steps);
    const alone = estimateRlhf(size, rlhfPresets.quick, { tokens: 60, rewardModel: false }, machine);
    const judged = estimateRlhf(size, rlhfPresets.quick, { tokens: 60, rewardModel: true }, machine);
    assert.ok(judged.seconds > alone.seconds && judged.memory > alone.memory);
  });

  it('count at least one step, and part epochs', () => {
    assert.equal(rewardSteps(1, { epochs: 0.1, batchSize: 32 }), 1);
    assert.equal(rewardSteps(100, { epochs: 1.5, batchSize: 10 }), 15);
  });
});
