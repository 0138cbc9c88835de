import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ItemRecord } from '../../../src/core/preferences/judgement.ts';
import type { InferenceProcess, InferenceResult } from '../../../src/jobs/inferenceProcess.ts';
import { RewardScores } from '../../../src/jobs/rewardScores.ts';
import { RewardFiles } from '../../../src/storage/rewardFiles.ts';
import { writeTinyModel } from '../../fakes/tinyModelFolder.ts';

type Reward = InferenceProcess['reward'];

describe('RewardScores', () => {
  let folder: string;
  let base: string;
  let asked: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tunesmith-rewards-'));
    base = join(folder, 'model');
    await writeTinyModel(base);
    asked = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** An answer's reward is its length; what is longer than ten characters is too long. */
  const process: { reward: Reward } = {
    async reward({ items }): Promise<InferenceResult<'reward'>> {
      asked.push(...items.map(({ answer }) => answer));
      return { rewards: items.map(({ answer }) => (answer.length > 10 ? null : answer.length)) };
    },
  };
  const scores = () => new RewardScores(process, new RewardFiles(join(folder, 'rewards')));
  const item = (id: string, ...texts: string[]): ItemRecord => ({
    format: 1,
    type: 'item',
    id,
    at: '2026-01-01T00:00:00.000Z',
    author: 'ada',
    set: 's',
    messages: [{ role: 'user', content: 'Who?' }],
    answers: texts.map((text, i) => ({ id: `${i}`, text, model: 'm' })),
  });

  it('asks for each answer once, also after a restart, and for no other items with the same', async () => {
    const items = [item('i', 'a', 'bcd', 'much too long'), item('j', 'a', 'ef')];
    const wanted = {
      i: { 0: 1, 1: 3 },
      j: { 0: 1, 1: 2 },
    };
    const plain = async (one: RewardScores) =>
      Object.fromEntries([...(await one.of({ base }, items))].map(([id, own]) => [id, Object.fromEntries(own)]));
    const first = scores();
    assert.deepEqual(await plain(first), wanted);
    assert.deepEqual(asked.sort(), ['a', 'bcd', 'ef', 'much too long']);
    assert.deepEqual(await plain(first), wanted);
    assert.deepEqual(await plain(scores()), wanted);
    assert.equal(asked.length, 4);
  });

  it('asks again when the model’s files changed, and when its own file is broken', async () => {
    const items = [item('i', 'a', 'b')];
    await scores().of({ base }, items);
    await writeFile(join(base, 'extra.safetensors'), 'x');
    await scores().of({ base }, items);
    assert.equal(asked.length, 4);
    for (const name of await readdir(join(folder, 'rewards'))) await writeFile(join(folder, 'rewards', name), '{');
    assert.equal((await scores().of({ base }, items)).get('i')!.size, 2);
    assert.equal(asked.length, 6);
  });

  it('keeps what was found before it was cancelled', async () => {
    const items = Array.from({ length: 100 }, (_, i) => item(`i${i}`, `${i}`));
    const abort = new AbortController();
    const one = scores();
    const stopping: { reward: Reward } = {
      reward(parameters, context) {
        abort.abort();
        return process.reward(parameters, context);
      },
    };
    const stopped = new RewardScores(stopping, new RewardFiles(join(folder, 'rewards')));
    await assert.rejects(stopped.of({ base }, items, { signal: abort.signal }), { name: 'AbortError' });
    assert.equal(asked.length, 64);
    assert.equal((await one.of({ base }, items)).size, 100);
    assert.equal(asked.length, 100);
  });
});
