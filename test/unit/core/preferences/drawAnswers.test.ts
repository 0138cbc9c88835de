/** What one model answers to several prompts until its answers differ, and where it is given up. */
import assert from 'node:assert/strict';
import { defaultSampling, type Prompt } from '../../../../src/core/generation.ts';
import { rankable } from '../../../../src/core/preferences/answerSources.ts';
import { drawAnswers, unanswered } from '../../../../src/core/preferences/drawAnswers.ts';
import { generationOf } from '../../../fakes/generators.ts';

const prompts: Prompt[] = [
  { kind: 'messages', messages: [{ role: 'user', content: 'differs' }] },
  { kind: 'messages', messages: [{ role: 'user', content: 'same' }] },
  { kind: 'text', text: 'third' },
];

describe('drawAnswers', () => {
  const draw = (options: { signal?: AbortSignal; onProgress?: (done: number, drawn: number) => void } = {}) => {
    const items = unanswered(prompts);
    const done = drawAnswers(prompts, items, {
      model: 'm',
      wanted: 2,
      most: 6,
      sampling: { ...defaultSampling, seed: 7 },
      ask: async request => {
        const text = request.prompt.kind === 'text' ? request.prompt.text : request.prompt.messages[0]!.content;
        // Every second answer is another one.
        return generationOf(request, text === 'same' ? ' yes ' : `answer ${request.repeat >> 1}`);
      },
      ...options,
    });
    return { items, done };
  };

  it('counts what it took, and says where the answers did not differ', async () => {
    const progress: [number, number][] = [];
    const { items, done } = draw({ onProgress: (...now) => progress.push(now) });
    assert.deepEqual(await done, { drawn: 3 + 6 + 3, short: 1, done: 3 });
    assert.deepEqual(progress, [
      [0, 0],
      [1, 3],
      [2, 9],
      [3, 12],
    ]);
    assert.deepEqual(
      items.map(({ answers }) => answers.map(({ text, repeat }) => `${text} ${repeat}`)),
      [['answer 0 0', 'answer 1 2'], ['yes 0'], ['answer 0 0', 'answer 1 2']],
    );
    assert.deepEqual(
      items[0]!.answers.map(({ model, seed }) => [model, seed]),
      [
        ['m', 7],
        ['m', 7],
      ],
    );
    assert.deepEqual(items[2]!.messages, [{ role: 'user', content: 'third' }]);
    const found = rankable(items);
    assert.deepEqual([found.items.length, found.alone], [2, 1]);
  });

  it('leaves out the prompt at which it was stopped', async () => {
    const abort = new AbortController();
    const { items, done } = draw({ signal: abort.signal, onProgress: done => done === 2 && abort.abort() });
    assert.deepEqual(await done, { drawn: 9, short: 1, done: 2 });
    assert.deepEqual(items[2]!.answers, []);
  });
});
