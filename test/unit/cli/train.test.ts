import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tunesmith } from '../../fakes/commandLine.ts';

describe('tunesmith train, what it refuses', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-train-'));
    writeFileSync(join(folder, 'pairs.jsonl'), '{"prompt":"a","chosen":"b","rejected":"c"}\n{"prompt":"a"}\n');
    writeFileSync(
      join(folder, 'rankings.jsonl'),
      '{"prompt":"a","answers":["b","c"],"ranking":[[1],[0]]}\n{"prompt":"a"}\n',
    );
    writeFileSync(join(folder, 'labelled.jsonl'), '{"prompt":"a","completion":"b","label":1}\n');
    writeFileSync(join(folder, 'empty.jsonl'), '\n');
    for (const name of ['one', 'two'])
      writeFileSync(join(folder, `${name}.jsonl`), '{"prompt":"a","completion":"b"}\n');
    writeFileSync(join(folder, 'task.json'), '{"Definition":["Add."],"Instances":[{"input":"1"}]}');
    writeFileSync(join(folder, 'prompts.jsonl'), '{"prompt":"a"}\n');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const prompts = ['--prompts', 'prompts.jsonl'];
  for (const [argv, sentence] of [
    [['reward'], /There are no rankings in this workspace yet/],
    [['reward', '--data', 'nowhere.jsonl'], /nowhere\.jsonl: This file cannot be read/],
    [['reward', '--data', 'pairs.jsonl'], /pairs\.jsonl:2: This row has no “chosen”/],
    [['reward', '--data', 'pairs.jsonl', '--epochs', 'many'], /Epochs must be a number, not “many”/],
    [
      ['reward', '--data', 'pairs.jsonl', '--loss', 'plackett-luce', '--tie-threshold', '2'],
      /Plackett–Luce does not learn from ties/,
    ],
    [['reward', '--data', 'rankings.jsonl'], /rankings\.jsonl:2: This row needs “prompt”, “answers”/],
    [['dpo'], /There are no rankings in this workspace yet/],
    [['dpo', '--data', 'pairs.jsonl'], /pairs\.jsonl:2: This row has no “chosen”/],
    [['dpo', '--data', 'pairs.jsonl', '--loss', 'hinge'], /Loss must be one of sigmoid, ipo, not “hinge”/],
    [['dpo', '--data', 'pairs.jsonl', '--label-smoothing', '0.5'], /Label smoothing must be at most 0.49/],
    [['kto', '--data', 'labelled.jsonl'], /labelled\.jsonl:1: The “label” of this row must be true or false/],
    [['kto', '--data', 'empty.jsonl'], /empty\.jsonl: This file has no labelled answers/],
    [['sft', '--data', 'pairs.jsonl'], /pairs\.jsonl:1: This row is no example/],
    [['sft', '--data', 'one.jsonl', '--hold-out-tasks', '1'], /one task only/],
    [
      ['sft', '--data', 'one.jsonl', 'two.jsonl', '--hold-out-tasks', 'three'],
      /no task “three”. Its tasks are: one, two/,
    ],
    [['sft', '--data', 'one.jsonl', '--task-weights', 'one'], /written as name=2, not “one”/],
    [['sft', '--data', 'task.json'], /task\.json: This file looks like a task of Super-NaturalInstructions/],
    [['sft', '--data', 'empty.jsonl'], /empty\.jsonl: This file has no examples/],
    [['rlhf', ...prompts, '--steps', '0', '--reward-json'], /Steps must be at least 1, not 0/],
    [['rlhf', ...prompts, '--samples-per-prompt', '1', '--reward-json'], /Samples of a prompt must be at least 2/],
    [['rlhf', ...prompts], /There is no reward model yet/],
    [['rlhf', ...prompts, '--reward-model', 'judge'], /There is no reward model “judge”/],
    [['rlhf', ...prompts, '--reward-json', '--reward-weight', 'word=2'], /names “word”.* Its parts are: json\./],
    [['rlhf', ...prompts, '--reward-json', '--reward-weight', 'json'], /needs a part and a number other than 0/],
    [
      ['rlhf', ...prompts, '--reward-json', '--reward-combine', 'worst'],
      /--reward-combine is for several reward models/,
    ],
    [['rlhf', ...prompts, '--reward-schema', 'pairs.jsonl'], /pairs\.jsonl: This file is no JSON Schema/],
    [['rlhf', ...prompts, '--reward-schema', 'none.json'], /none\.json: This file cannot be read/],
    [['rlhf', ...prompts, '--reward-regex', '(a'], /regular expression “\(a” is not valid/],
    [['rlhf', ...prompts, '--reward-rubric', 'r.md'], /--reward-rubric is for --reward-judge/],
    [['grpo', ...prompts, '--reward-judge', 'pebble'], /--reward-judge needs --reward-rubric/],
    [['expert', ...prompts, '--reward-judge', 'pebble', '--reward-rubric', 'r.md'], /r\.md: This file cannot be read/],
    [['ppo', ...prompts, '--reward-json', '--gold-schema', 'pairs.jsonl'], /pairs\.jsonl: This file is no JSON Schema/],
    [['rlhf', ...prompts, '--reward-length', '9-3'], /two numbers of words such as 10-30, not “9-3”/],
    [
      ['rlhf', ...prompts, '--reward-code', 'r.mjs'],
      /r\.mjs: A reward function is code, which runs only with --allow-code/,
    ],
    [['rlhf', ...prompts, '--reward-json', '--restore-best'], /no gold to go by/],
    [['rlhf', ...prompts, '--reward-json', '--stop-at-gold-peak', '2'], /no gold to go by/],
    [
      ['rlhf', ...prompts, '--reward-json', '--gold-word', 'a', '--stop-at-gold-peak', '0'],
      /--stop-at-gold-peak must be a whole number from 1/,
    ],
    [['ppo', ...prompts, '--reward-json', '--gold-word', 'a', '--gold-length', '1-2'], /one gold only/],
    [['ppo', ...prompts, '--reward-json', '--gold-length', '9-3'], /--gold-length needs two numbers of words/],
    [['grpo', ...prompts, '--aggregation', 'mean', '--reward-json'], /Aggregation must be one of grpo, bnpo, dr_grpo/],
    [['grpo', ...prompts, '--samples-per-prompt', '1', '--reward-json'], /Samples of a prompt must be at least 2/],
    [['grpo', ...prompts, '--kl-estimator', 'k1', '--reward-json'], /KL estimator must be one of k2, k3, not “k1”/],
    [['ppo', ...prompts, '--target-kl', '0', '--reward-json'], /Target KL of a round must be at least/],
    [['expert', ...prompts, '--keep-best', '0', '--reward-json'], /Best answers kept must be at least 1/],
    [['reinforce', ...prompts, '--baseline', 'median', '--reward-json'], /Baseline must be one of none, mean/],
    [['ppo', ...prompts, '--lambda', '1.5', '--reward-json'], /GAE \(λ\) must be at most 1/],
    [['ppo', ...prompts, '--kl-target', '0', '--reward-json'], /KL target must be at least/],
    [['reinforce', ...prompts], /There is no reward model yet/],
    [['rlhf', '--prompts', 'empty.jsonl', '--reward-json'], /empty\.jsonl: This file has no prompts/],
    [['rlhf', '--reward-json'], /no ranked prompts/],
    [['rlhf', ...prompts, '--reward-json', '--model', 'nobody'], /There is no model “nobody”/],
  ] as const) {
    it(argv.join(' '), async () => {
      const { code, stdout, stderr } = await tunesmith(['train', ...argv, '--workspace', folder], { cwd: folder });
      assert.match(stderr, sentence);
      assert.notEqual(code, 0);
      assert.equal(stdout, '');
    });
  }
});

describe('tunesmith learning-curve, what it refuses', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-curve-'));
    writeFileSync(join(folder, 'pairs.jsonl'), '{"prompt":"a","chosen":"b","rejected":"c"}\n');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [argv, sentence] of [
    [[], /There are no rankings in this workspace yet/],
    [['--data', 'pairs.jsonl', '--sizes', '10,x'], /--sizes needs whole numbers above 0/],
    [['--data', 'pairs.jsonl', '--held-out-share', '0'], /A learning curve needs held-out prompts/],
    [['--data', 'pairs.jsonl', '--model', 'nobody'], /There is no model “nobody”/],
  ] as const) {
    it(argv.join(' ') || 'nothing ranked', async () => {
      const { code, stdout, stderr } = await tunesmith(['learning-curve', ...argv, '--workspace', folder], {
        cwd: folder,
      });
      assert.match(stderr, sentence);
      assert.notEqual(code, 0);
      assert.equal(stdout, '');
    });
  }
});
