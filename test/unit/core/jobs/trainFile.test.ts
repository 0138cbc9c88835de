import assert from 'node:assert/strict';
import { parseTrainFile, type TrainFileKey } from '../../../../src/core/jobs/trainFile.ts';

const keys: readonly TrainFileKey[] = [
  { key: 'model', type: 'text' },
  { key: 'seed', type: 'text' },
  { key: 'reward-json', type: 'switch' },
  { key: 'judge', type: 'words' },
];
const parse = (text: string) => parseTrainFile(text, 'job.yaml', 'ppo', keys);

describe('trainFile', () => {
  it('reads options and settings, nested as in job.json', () => {
    const { values, settings, lineOf } = parse(`kind: ppo
model: pebble # the bundled one
seed: 7
reward-json: true
judge: [gold, 3]
settings:
  learningRate: 1e-5
  missingEosScore: null
  klControl: adaptive
  lora: {r: 4, targetModules: [q_proj, v_proj]}
`);
    assert.deepEqual(values, [
      { key: 'model', value: 'pebble' },
      { key: 'seed', value: '7' },
      { key: 'reward-json', value: true },
      { key: 'judge', value: ['gold', '3'] },
    ]);
    assert.deepEqual(settings, {
      learningRate: '0.00001',
      missingEosScore: 'none',
      klControl: 'adaptive',
      'lora.r': '4',
      'lora.targetModules': 'q_proj,v_proj',
    });
    assert.equal(lineOf('seed'), 3);
  });

  it('takes an empty file for one that says nothing', () => {
    assert.deepEqual(parse('# nothing yet\n').values, []);
  });

  for (const [name, text, line, sentence] of [
    ['an unknown key', 'model: a\nmodle: b\n', 2, /no “modle” here.*kind, model, seed, reward-json, judge, settings/],
    ['an unknown setting', 'settings:\n  steps: 3\n  epochs: 2\n', 3, /no “epochs” here. There are: steps/],
    ['an unknown part of a setting', 'settings:\n  lora:\n    rank: 3\n', 3, /no “rank” here. There are: r, alpha/],
    ['another kind', 'model: a\nkind: dpo\n', 2, /Its kind must be ppo/],
    ['a list for a file', '- a\n- b\n', 1, /mapping of keys/],
    ['a text for settings', 'settings: fast\n', 1, /“settings” must be a mapping/],
    ['a value of another type', 'model: [a]\n', 1, /“model” must be a text or a number/],
    ['a switch that is none', 'reward-json: maybe\n', 1, /“reward-json” must be true or false/],
    ['a setting out of range', 'settings:\n  steps: 9\n  lambda: 1.5\n', 3, /GAE \(λ\) must be at most 1, not 1.5/],
    ['a setting that is no number', 'settings:\n  steps: many\n', 2, /Steps must be a whole number, not “many”/],
    ['a key twice', 'seed: 1\nmodel: a\nseed: 2\n', 3, /YAML is broken/],
    ['broken YAML', 'seed: 1\nmodel: [a\n', 3, /YAML is broken/],
  ] as const) {
    it(`refuses ${name} with its line`, () => {
      assert.throws(() => parse(text), { name: 'HumanError', message: sentence, place: { file: 'job.yaml', line } });
    });
  }
});
