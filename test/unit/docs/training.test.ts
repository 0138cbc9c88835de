import assert from 'node:assert/strict';
import { describeGuide } from './guide.ts';

describeGuide('training.md', 180, ({ commands }) => {
  it('shows a job for every stage that it names', () => {
    const run = new Set(commands.flatMap(({ argv }) => argv.slice(2, 4)));
    for (const kind of ['sft', 'reinforce', 'reward', 'ppo', 'dpo', 'constitution', 'self-improve', 'refusals'])
      assert.ok(run.has(kind), kind);
  });
});
