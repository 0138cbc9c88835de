import assert from 'node:assert/strict';
import { HumanError } from '../../../src/base/errors.ts';
import { defaultSampling, type Prompt } from '../../../src/core/generation.ts';
import type { RewardSource } from '../../../src/core/jobs/job.ts';
import { type RewardTools, rewardsOfAnswers, sampleAnswers } from '../../../src/jobs/answerRewards.ts';

const prompts: Prompt[] = ['one', 'two'].map(text => ({ kind: 'text', text }));
const answers = [['yes', 'no, never'], ['yes']];
const word = { kind: 'rule', reward: { rule: 'word', word: 'yes' } } as const;
const model = (name: string) => ({ id: name, base: 'base', adapter: name });

/** A reward model gives the length of the answer, times the length of its name. */
const tools: RewardTools = {
  inference: {
    reward: async ({ location, items }) => ({
      rewards: items.map(({ answer }) => (answer === 'long' ? null : answer.length * location.adapter!.length)),
    }),
  },
  evaluator: {
    match: async () => assert.fail('no pattern'),
    validate: async (_, texts) => texts.map(text => text === '{}'),
    reward: async (_, rows) => rows.map(() => Number.NaN),
  },
  ask:
    async judge =>
    async ({ prompt, options, repeat }) => {
      assert.equal(judge, 'judge');
      const said = prompt.kind === 'messages' ? prompt.messages.map(({ content }) => content).join() : '';
      const text = said.includes('never') ? 'Score: 2' : 'I like it.';
      return { generation: { text, finishReason: 'stop', latencyMs: 0, model: judge, options, repeat }, cached: false };
    },
  allowCode: true,
  signal: new AbortController().signal,
};

describe('best of n', () => {
  const rewards = (source: RewardSource, of: readonly (readonly string[])[] = answers) =>
    rewardsOfAnswers(source, prompts, of, tools);

  it('asks every kind of reward, and sums them by their weights', async () => {
    const judge = { kind: 'rule', reward: { rule: 'judge', model: 'judge', rubric: 'Be brief.' } } as const;
    const schema = { kind: 'rule', reward: { rule: 'json-schema', schema: {} } } as const;
    assert.deepEqual(await rewards(word), [[1, 0], [1]]);
    assert.deepEqual(await rewards(judge), [[0, 0.2], [0]]);
    assert.deepEqual(await rewards(schema, [['{}', '{'], ['']]), [[1, 0], [0]]);
    assert.deepEqual(await rewards({ kind: 'model', model: model('ab') }), [[6, 18], [6]]);
    const models = [model('a'), model('abc')];
    assert.deepEqual(await rewards({ kind: 'ensemble', models, combine: 'mean' }), [[6, 18], [6]]);
    assert.deepEqual(await rewards({ kind: 'ensemble', models, combine: 'worst' }), [[3, 9], [3]]);
    const parts = [
      { name: 'word', weight: 2, source: word },
      { name: 'judge', weight: -10, source: judge },
    ];
    assert.deepEqual(await rewards({ kind: 'sum', parts }), [[2, -2], [2]]);
  });

  it('refuses what is no number, and an answer that a reward model cannot read', async () => {
    await assert.rejects(rewards({ kind: 'rule', reward: { rule: 'javascript', file: 'r.mjs' } }), HumanError);
    await assert.rejects(
      rewards({ kind: 'model', model: model('a') }, [['long'], ['x']]),
      /longer than the reward model/,
    );
  });

  it('draws several answers to each prompt, with progress, and none when it is stopped', async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    const ask: Parameters<typeof sampleAnswers>[3] = async ({ prompt, options, repeat }) => ({
      generation: {
        text: ` ${prompt.kind === 'text' ? prompt.text : ''} ${repeat}`,
        finishReason: 'stop',
        latencyMs: 0,
        model: 'm',
        options,
        repeat,
      },
      cached: false,
    });
    const context = { signal: stop.signal, onProgress: (done: number, of: number) => seen.push(done, of) };
    const drawn = await sampleAnswers(prompts, 2, defaultSampling, ask, context);
    assert.deepEqual(drawn, [
      ['one 0', 'one 1'],
      ['two 0', 'two 1'],
    ]);
    assert.deepEqual(seen, [1, 4, 2, 4, 3, 4, 4, 4]);
    stop.abort();
    await assert.rejects(sampleAnswers(prompts, 2, defaultSampling, ask, context), { name: 'AbortError' });
  });
});
