import assert from 'node:assert/strict';
import { Dispatcher } from '../../../../src/core/evaluation/dispatch.ts';
import { type CellResult, runCells, samplingOf } from '../../../../src/core/evaluation/runCells.ts';
import { listed } from '../../../../src/core/evaluation/strategies/leastToMost.ts';
import { counted } from '../../../../src/core/evaluation/strategies/selfConsistency.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { renderPrompt } from '../../../../src/core/prompts/render.ts';
import type { Strategy } from '../../../../src/core/prompts/template.ts';
import type { GenerateRequest, TextGenerator } from '../../../../src/core/textGenerator.ts';
import { renderInProcess } from '../../../fakes/renderInProcess.ts';

const template = parseTemplate(
  `---
model: {options: {temperature: 0, maxOutputTokens: 50}}
inputs: {q: {kind: string}}
metadata: {tunesmith: {reasoning: {of: direct, samples: 5, answer: {rule: last-number}}, grade: numbers-equal}}
---
system:
Be brief.

user:
{{ q }}`,
  'x.prompty',
);

/** A model that answers by a function of the conversation, and the conversations that it saw, batch by batch. */
function modelOf(answer: (turns: readonly string[], request: GenerateRequest) => string) {
  const batches: string[][][] = [];
  const turnsOf = ({ prompt }: GenerateRequest): string[] =>
    prompt.kind === 'messages' ? prompt.messages.map(({ role, content }) => `${role}: ${content}`) : [];
  const generator: TextGenerator = {
    model: { id: 'm', label: 'm', detail: '', kind: 'local', chat: true, logProbs: false, controlledSampling: true },
    generate: async request => ({
      text: answer(turnsOf(request), request),
      finishReason: 'stop',
      latencyMs: 1,
      model: 'm',
      options: request.options,
      repeat: request.repeat,
    }),
    async generateAll(requests) {
      batches.push(requests.map(turnsOf));
      return Promise.all(requests.map(request => generator.generate(request)));
    },
  };
  return { generator, batches };
}

async function run(
  strategy: Strategy,
  model: ReturnType<typeof modelOf>,
  questions = ['q1', 'q2'],
): Promise<CellResult[]> {
  const cells = [];
  for (const [repeat, q] of questions.entries()) {
    const { prompt } = await renderPrompt(template, { values: { q }, strategy }, renderInProcess);
    cells.push({ prompt: prompt!, options: samplingOf(template), repeat, expected: 4 });
  }
  return runCells(new Dispatcher().ask(model.generator), template, strategy, cells, { match: async () => [] });
}

describe('self-consistency', () => {
  it('lets samples of different seeds vote', async () => {
    const model = modelOf((_, { repeat }) => ['It is 4.', 'It is 5.', 'So 4', 'It is 5', 'Surely 4.0'][repeat % 5]!);
    const [first, second] = await run('self-consistency', model);
    assert.deepEqual(first!.votes, [
      { answer: '4', count: 3 },
      { answer: '5', count: 2 },
    ]);
    assert.equal(first!.text, 'It is 4.');
    assert.equal(first!.correct, true);
    assert.deepEqual(
      [first, second].flatMap(result => result!.stages.map(({ generation }) => generation.repeat)),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
    assert.equal(first!.stages[0]!.generation.options.temperature, 0.7, 'greedy samples would all be the same');
    assert.deepEqual(
      model.batches.map(batch => batch.length),
      [10],
      'all samples of all cells go together',
    );
  });

  it('takes the answer reached first where two have as many votes, and none where none can be read', async () => {
    const tie = await run(
      'self-consistency',
      modelOf((_, { repeat }) => ['a 9', 'a 8', 'a 8', 'a 9', 'none'][repeat % 5]!),
    );
    assert.equal(tie[0]!.answer, '9');
    const none = await run(
      'self-consistency',
      modelOf(() => 'no number'),
    );
    assert.deepEqual(
      [none[0]!.answer, none[0]!.votes, none[0]!.text, none[0]!.correct],
      [undefined, [], 'no number', false],
    );
  });

  it('counts answers that differ only in dress as one', () => {
    assert.deepEqual(counted(['Paris', undefined, 'paris.', ' PARIS', 'Rome', '4', '4.00']), [
      { answer: 'Paris', count: 3 },
      { answer: '4', count: 2 },
      { answer: 'Rome', count: 1 },
    ]);
  });
});

describe('critique and revision', () => {
  it('asks for the draft, its mistakes and the final answer in one conversation', async () => {
    const model = modelOf(turns => ['It is 5.', 'It should be 4.', 'It is 4.'][(turns.length - 2) / 2]!);
    const [result] = await run('critique-revise', model, ['What is 2 + 2?']);
    const { critique, revise } = template.tunesmith.reasoning;
    assert.equal(result!.text, 'It is 4.');
    assert.equal(result!.correct, true);
    assert.deepEqual(
      result!.stages.map(({ name }) => name),
      ['answer', 'critique', 'revision'],
    );
    const last = result!.stages[2]!.prompt;
    assert.deepEqual(last.kind === 'messages' && last.messages.map(({ role, content }) => `${role}: ${content}`), [
      'system: Be brief.',
      'user: What is 2 + 2?',
      'assistant: It is 5.',
      `user: ${critique}`,
      'assistant: It should be 4.',
      `user: ${revise}`,
    ]);
  });
});

describe('least-to-most', () => {
  it('answers the simpler questions one after the other and then the question itself', async () => {
    const model = modelOf(turns => {
      const last = turns.at(-1)!;
      if (last.includes('simpler questions')) return 'Here they are:\n1. What is 1 + 1?\n2. What is 2 + 1?\n';
      if (last.endsWith('1 + 1?')) return '2';
      return last.endsWith('2 + 1?') ? '3' : 'So 4.';
    });
    const results = await run('least-to-most', model, ['How many?', 'How much?']);
    assert.deepEqual(
      results.map(({ text, correct }) => [text, correct]),
      [
        ['So 4.', true],
        ['So 4.', true],
      ],
    );
    const last = results[0]!.stages.at(-1)!.prompt;
    assert.deepEqual(last.kind === 'messages' && last.messages.map(({ role, content }) => `${role}: ${content}`), [
      'system: Be brief.',
      'user: How many?\n\nWhat is 1 + 1?',
      'assistant: 2',
      'user: What is 2 + 1?',
      'assistant: 3',
      'user: How many?',
    ]);
    assert.deepEqual(
      model.batches.map(batch => batch.length),
      [2, 2, 2, 2],
      'cells walk in step',
    );
  });

  it('answers at once where no questions come', async () => {
    const model = modelOf(turns => (turns.at(-1)!.includes('simpler') ? '' : '4'));
    const [result] = await run('least-to-most', model, ['How many?']);
    assert.deepEqual([result!.text, result!.correct], ['4', true]);
  });

  it('reads lists of several styles and cuts endless ones', () => {
    assert.deepEqual(listed('1) What?\n- Who?\n* Where？\nSome words.'), ['What?', 'Who?', 'Where？']);
    assert.deepEqual(listed('Find x\nFind y'), ['Find x', 'Find y']);
    assert.deepEqual(listed('Questions:'), []);
    assert.equal(listed('a?\n'.repeat(50)).length, 8);
  });
});
