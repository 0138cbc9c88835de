import assert from 'node:assert/strict';
import * as v from 'valibot';
import {
  DpoSettingsSchema,
  GrpoSettingsSchema,
  KtoSettingsSchema,
  PpoSettingsSchema,
  ReinforceSettingsSchema,
  RewardSettingsSchema,
  RlhfSettingsSchema,
  SftSettingsSchema,
} from '../../../../src/core/jobs/job.ts';
import {
  dpoPresets,
  grpoPresets,
  ktoPresets,
  PresetNames,
  ppoPresets,
  reinforcePresets,
  rewardPresets,
  rlhfPresets,
  sftPresets,
} from '../../../../src/core/jobs/presets.ts';
import { settingDescriptions } from '../../../../src/core/jobs/settingDescriptions.ts';
import { getSetting, withSettings } from '../../../../src/core/jobs/settings.ts';

/** Every leaf of a settings object, as keys of descriptions. */
const leaves = (value: object, prefix = ''): string[] =>
  Object.entries(value).flatMap(([key, item]) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? leaves(item, `${prefix}${key}.`)
      : [prefix + key],
  );

describe('job settings', () => {
  it('a job of an earlier version computes as it did then', () => {
    const { baseProducts: _, recompute: __, ...earlier } = rewardPresets.quick;
    assert.deepEqual(v.parse(RewardSettingsSchema, earlier), rewardPresets.quick);
  });

  it('a file of a job cannot ask for steps without end', () => {
    assert.throws(() => v.parse(RewardSettingsSchema, { ...rewardPresets.quick, batchSize: 0 }));
    for (const key of ['steps', 'promptsPerStep', 'microBatchSize', 'temperature', 'maxNewTokens'])
      assert.throws(() => v.parse(RlhfSettingsSchema, { ...rlhfPresets.quick, [key]: 0 }), key);
  });

  for (const [kind, presets, schema] of [
    ['sft', sftPresets, SftSettingsSchema],
    ['reward', rewardPresets, RewardSettingsSchema],
    ['dpo', dpoPresets, DpoSettingsSchema],
    ['kto', ktoPresets, KtoSettingsSchema],
    ['rlhf', rlhfPresets, RlhfSettingsSchema],
    ['grpo', grpoPresets, GrpoSettingsSchema],
    ['reinforce', reinforcePresets, ReinforceSettingsSchema],
    ['ppo', ppoPresets, PpoSettingsSchema],
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
      baseProducts: 'int8',
      recompute: 'on',
      'lora.targetModules': 'q_proj, v_proj',
    });
    assert.equal(changed.steps, 7);
    assert.deepEqual(changed.lora, { ...rlhfPresets.quick.lora, r: 4, targetModules: ['q_proj', 'v_proj'] });
    assert.equal(changed.missingEosScore, -1);
    assert.deepEqual([changed.baseProducts, changed.recompute], ['int8', 'on']);
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
    [{ baseProducts: 'int4' }, /Base products must be one of float32, int8, not “int4”/],
  ] as const) {
    it(`refuses ${JSON.stringify(changes)}`, () => {
      assert.throws(() => withSettings('rlhf', rlhfPresets.quick, changes), { name: 'HumanError', message });
    });
  }
});
