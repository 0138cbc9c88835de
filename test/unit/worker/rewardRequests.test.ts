import assert from 'node:assert/strict';
import { rewardPresets } from '../../../src/core/jobs/presets.ts';
import type { InferenceRequest } from '../../../src/protocol/inference.ts';
import { preparePairs } from '../../../src/training/pairData.ts';
import { encodeAnswer, encodePrompt } from '../../../src/training/promptTokens.ts';
import { openModel } from '../../../src/worker/openModel.ts';
import { RewardRequests } from '../../../src/worker/rewardRequests.ts';
import { runHere, somePairs, TinyWorkspace } from '../../fakes/trainingJobs.ts';

type Request = Extract<InferenceRequest, { method: 'reward' }>;

describe('reward requests', function () {
  this.timeout(60_000);
  let workspace: TinyWorkspace;
  let adapter: string;
  let measured: Readonly<Record<string, number>>;
  before(async () => {
    workspace = await TinyWorkspace.make();
    const result = (await runHere(await workspace.rewardJob('judge')))!;
    adapter = result.adapter;
    measured = result.metrics;
  });
  after(() => workspace.remove());

  const ask = (
    requests: RewardRequests,
    items: Request['items'],
    { location = { base: workspace.model, adapter }, signal = new AbortController().signal } = {},
    onProgress = (_message: string, _fraction?: number) => {},
  ) => requests.answer({ id: 1, method: 'reward', location, items }, { signal, onProgress });
  const itemOf = (content: string, answer: string): Request['items'][number] => ({
    prompt: { kind: 'messages', messages: [{ role: 'user', content }] },
    answer,
  });

  it('are those that the training job measured on the pairs it held out', async () => {
    const { files, tokenizer } = await openModel({ base: workspace.model });
    await files.close();
    const { heldOut } = preparePairs(somePairs, tokenizer, rewardPresets.quick);
    const keys = new Set(heldOut.map(({ chosen }) => chosen.join()));
    const pairs = somePairs.filter(({ messages, chosen }) =>
      keys.has([...encodePrompt(tokenizer, { kind: 'messages', messages }), ...encodeAnswer(tokenizer, chosen)].join()),
    );
    assert.equal(pairs.length, measured.eval_pairs);
    const items = pairs.flatMap(({ messages, chosen, rejected }) =>
      [chosen, rejected].map(answer => itemOf(messages[0]!.content, answer)),
    );
    const requests = new RewardRequests();
    const { rewards } = await ask(requests, items);
    const margins = pairs.map((_, i) => rewards[2 * i]! - rewards[2 * i + 1]!);
    const mean = margins.reduce((sum, margin) => sum + margin, 0) / margins.length;
    assert.ok(Math.abs(mean - measured.eval_margin!) < 1e-4, `${mean}, ${measured.eval_margin}`);
    assert.equal(margins.filter(margin => margin > 0).length / margins.length, measured.eval_accuracy);
    // The same alone as among others.
    const [alone] = (await ask(requests, [items[1]!])).rewards;
    assert.ok(Math.abs(alone! - rewards[1]!) < 1e-4);
  });

  it('come in the order asked, with nothing for what is longer than the model reads', async () => {
    const { files } = await openModel({ base: workspace.model });
    const { maxPositions } = files.config;
    await files.close();
    const long = itemOf('Question 1?', 'yes '.repeat(maxPositions));
    const [yes, no] = [itemOf('Question 1?', 'yes 1'), itemOf('Question 1?', 'no 1')];
    const fractions: (number | undefined)[] = [];
    const requests = new RewardRequests();
    const { rewards } = await ask(requests, [long, yes, no, yes], {}, (_, fraction) => fractions.push(fraction));
    assert.equal(rewards[0], null);
    assert.equal(rewards[1], rewards[3]);
    assert.notEqual(rewards[1], rewards[2]);
    assert.equal(fractions.at(-1), 1);
  });

  it('are refused where there is no reward model, and end when nobody wants them any more', async () => {
    const requests = new RewardRequests();
    const item = itemOf('Question 1?', 'yes 1');
    await assert.rejects(ask(requests, [item], { location: { base: workspace.model } as never }), {
      name: 'HumanError',
      message: /without a score head/,
    });
    await assert.rejects(ask(requests, [item], { signal: AbortSignal.abort() }), { name: 'AbortError' });
    assert.equal((await ask(requests, [item])).rewards.length, 1);
  });
});
