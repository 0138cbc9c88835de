import assert from 'node:assert/strict';
import { HumanError } from '../../../../src/base/errors.ts';
import type { Ask } from '../../../../src/core/evaluation/ask.ts';
import { Dispatcher } from '../../../../src/core/evaluation/dispatch.ts';
import { type Cell, runCells, samplingOf } from '../../../../src/core/evaluation/runCells.ts';
import type { Generation } from '../../../../src/core/generation.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { renderPrompt } from '../../../../src/core/prompts/render.ts';
import type { Strategy } from '../../../../src/core/prompts/template.ts';
import type { GenerateRequest, TextGenerator } from '../../../../src/core/textGenerator.ts';
import { renderInProcess } from '../../../fakes/renderInProcess.ts';

const template = parseTemplate(
  `---
model: {options: {temperature: 0.3, maxOutputTokens: 50}}
inputs: {q: {kind: string}}
metadata: {tunesmith: {reasoning: {answer: {rule: last-number}}, grade: numbers-equal}}
---
user:
{{ q }}`,
  'x.prompty',
);
const match = async (): Promise<never> => {
  throw new Error('no pattern here');
};

/** Answers by a function, a character at a time, and remembers batches. */
function askOf(answer: (request: GenerateRequest) => string, batches?: GenerateRequest[][]): Ask {
  const one = (request: GenerateRequest, onDelta?: (text: string) => void): Generation => {
    const text = answer(request);
    for (const char of text) onDelta?.(char);
    const finishReason = text === 'CANCEL' ? 'cancelled' : 'stop';
    return { text, finishReason, latencyMs: 1, model: 'm', options: request.options, repeat: request.repeat };
  };
  const model = { id: 'm', label: 'm', detail: '', chat: true, logProbs: false, controlledSampling: true } as const;
  const generator: TextGenerator = {
    model: { ...model, kind: batches ? 'local' : 'endpoint' },
    generate: async (request, context) => one(request, context?.onDelta),
    ...(batches && {
      generateAll: async (requests, context) => {
        batches.push([...requests]);
        return requests.map((request, i) => one(request, text => context?.onDelta?.(i, text)));
      },
    }),
  };
  return new Dispatcher().ask(generator);
}

async function cellsOf(strategy: Strategy, questions: readonly string[]): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const q of questions) {
    const { prompt } = await renderPrompt(template, { values: { q }, strategy }, renderInProcess);
    cells.push({ prompt: prompt!, options: samplingOf(template), repeat: 0, expected: 4 });
  }
  return cells;
}

const last = (request: GenerateRequest): string => {
  assert.ok(request.prompt.kind === 'messages');
  return request.prompt.messages.at(-1)!.content;
};

describe('runCells', () => {
  it('asks once and grades', async () => {
    const cells = await cellsOf('direct', ['4', '5']);
    const results = await runCells(
      askOf(request => `It is ${last(request)}.`),
      template,
      'direct',
      cells,
      { match },
    );
    assert.deepEqual(
      results.map(({ text, answer, correct }) => [text, answer, correct]),
      [
        ['It is 4.', '4', true],
        ['It is 5.', '5', false],
      ],
    );
    assert.equal(results[0]!.generation.options.temperature, 0.3);
  });

  for (const batches of [undefined, [] as GenerateRequest[][]]) {
    it(`runs both stages of zero-shot chain of thought ${batches ? 'as batches' : 'one by one'}`, async () => {
      const cells = await cellsOf('zero-shot-cot', ['a', 'stop', 'b']);
      const generator = askOf(request => {
        const { messages } = request.prompt as Extract<GenerateRequest['prompt'], { kind: 'messages' }>;
        if (messages[0]!.content === 'stop') return 'CANCEL';
        return last(request).endsWith('the answer is') ? ' 4. Or 9?' : ` Since ${messages[0]!.content}. \n`;
      }, batches);
      const streamed = ['', '', ''];
      const results = await runCells(generator, template, 'zero-shot-cot', cells, {
        match,
        onDelta: (index, text) => {
          streamed[index] += text;
        },
      });
      assert.equal(results[0]!.text, "Let's think step by step. Since a.\nTherefore, the answer is 4. Or 9?");
      assert.deepEqual(
        results.map(({ answer, correct }) => [answer, correct]),
        [
          ['4', true],
          [undefined, undefined],
          ['4', true],
        ],
      );
      assert.equal(results[1]!.generation.finishReason, 'cancelled');
      assert.equal(results[2]!.stages[0]!.generation.text, ' Since b. \n');
      assert.equal(results[2]!.generation.options.maxOutputTokens, 32);
      for (const i of [0, 2]) assert.equal(streamed[i]!.replace(/\s+/g, ' '), results[i]!.text.replace(/\s+/g, ' '));
      if (batches)
        assert.deepEqual(
          batches.map(batch => batch.length),
          [3, 2],
        );
    });
  }

  for (const strategy of ['direct', 'zero-shot-cot'] as const) {
    it(`keeps what was written when the answers cannot be read (${strategy})`, async () => {
      const hanging = parseTemplate(
        `---
metadata:
  tunesmith:
    reasoning:
      answer: {rule: regex, pattern: '(a+)+$'}
---
user:
hi`,
        'x.prompty',
      );
      const results = await runCells(
        askOf(() => 'aaa!'),
        hanging,
        strategy,
        await cellsOf(strategy, ['4', '5']),
        {
          match: async () => {
            throw new HumanError('It took too long. Simplify it.');
          },
        },
      );
      for (const { text, answer, correct, problem } of results) {
        assert.match(text, /aaa!$/);
        assert.deepEqual([answer, correct], [undefined, undefined]);
        assert.match(problem!.describe(), /^x\.prompty:5: It took too long\./);
      }
      const broken = async (): Promise<never> => {
        throw new TypeError('a bug');
      };
      await assert.rejects(
        runCells(
          askOf(() => 'a'),
          hanging,
          strategy,
          await cellsOf(strategy, ['4']),
          { match: broken },
        ),
        TypeError,
      );
    });
  }

  for (const strategy of ['direct', 'zero-shot-cot'] as const) {
    it(`keeps the answers that came when a server refuses others (${strategy})`, async () => {
      const refusing = askOf(request => {
        const { messages } = request.prompt as Extract<GenerateRequest['prompt'], { kind: 'messages' }>;
        if (messages[0]!.content === '5') throw new Error('too many requests');
        return '4';
      });
      const results = await runCells(refusing, template, strategy, await cellsOf(strategy, ['4', '5', ...'44444444']), {
        match,
      });
      assert.deepEqual(
        results.map(({ correct, failure }) => [correct, (failure as Error | undefined)?.message]).slice(0, 2),
        [
          [true, undefined],
          [undefined, 'too many requests'],
        ],
      );
      assert.equal(results.at(-1)!.correct, true);
    });
  }

  it('lets the failure of a model through', async () => {
    const cells = await cellsOf('direct', ['4']);
    const failing = askOf(() => {
      throw new Error('the server is down');
    });
    await assert.rejects(runCells(failing, template, 'direct', cells, { match }), /server is down/);
  });

  it('samplingOf takes the caller, then the template, then the defaults', () => {
    const options = samplingOf(template, { maxOutputTokens: 7, seed: undefined });
    assert.deepEqual([options.temperature, options.maxOutputTokens, options.seed, options.topP], [0.3, 7, 0, 1]);
  });
});
