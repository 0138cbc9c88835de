import assert from 'node:assert/strict';
import { Dispatcher } from '../../../../src/core/evaluation/dispatch.ts';
import {
  callsOf,
  type ForecastColumn,
  forecastRun,
  isBig,
  mostCalls,
} from '../../../../src/core/evaluation/forecastRun.ts';
import { runCells, samplingOf } from '../../../../src/core/evaluation/runCells.ts';
import type { Generation } from '../../../../src/core/generation.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { Strategies, type Strategy } from '../../../../src/core/prompts/template.ts';
import type { GenerateRequest, TextGenerator } from '../../../../src/core/textGenerator.ts';

const template = parseTemplate(
  '---\nname: n\nmodel: {options: {maxOutputTokens: 10}}\nmetadata: {tunesmith: {reasoning: {samples: 3}}}\n---\nuser:\nx\n',
  'n.prompty',
);
const model = (calls: GenerateRequest[]): TextGenerator => ({
  model: { id: 'm', label: 'm', detail: '', kind: 'local', chat: true, logProbs: false, controlledSampling: true },
  generate: async request => {
    calls.push(request);
    return {
      text: 'Is it 1?',
      finishReason: 'stop',
      latencyMs: 10,
      model: 'm',
      usage: { promptTokens: 7, completionTokens: 2 },
      ...pick(request),
    };
  },
  countTokens: async texts => texts.map(text => text.length),
});
const pick = ({ options, repeat }: GenerateRequest) => ({ options, repeat });
const prompt = (row: number) => ({
  messages: [{ role: 'user' as const, content: `row ${row}`, spans: [] }],
  continueLast: false,
  shots: [],
});
const match = async () => [];

function setUp(strategy: Strategy) {
  const calls: GenerateRequest[] = [];
  const generator = model(calls);
  const answers = new Map<string, Generation>();
  const dispatcher = new Dispatcher({
    cache: { get: async key => answers.get(key), put: async (key, made) => void answers.set(key, made) },
  });
  const column: ForecastColumn = {
    template,
    strategy,
    generator: async () => generator,
    render: async row => prompt(row),
  };
  const run = (rows: readonly number[]) =>
    runCells(
      dispatcher.ask(generator),
      template,
      strategy,
      rows.map(row => ({ prompt: prompt(row), options: samplingOf(template), repeat: 0 })),
      { match },
    );
  const look = (rows: readonly number[], columns: readonly ForecastColumn[] = [column], fresh = false) =>
    forecastRun(columns, rows, 1, {
      match,
      measured: id => dispatcher.measured(id),
      ...(fresh ? {} : { known: (...asked) => dispatcher.known(...asked) }),
    });
  return { calls, column, run, look };
}

describe('forecastRun', () => {
  for (const strategy of Strategies) {
    it(`knows what of ${strategy} is in the cache, asking no model`, async () => {
      const { calls, run, look } = setUp(strategy);
      const before = await look([0, 1, 2, 3]);
      assert.deepEqual(
        [before.calls, before.cached, before.cells, before.exact],
        [4 * callsOf(strategy, template), 0, 4, true],
      );
      assert.equal(calls.length, 0);
      await run([0, 1, 2]);
      const asked = calls.length;
      const after = await look([0, 1, 2, 3]);
      assert.deepEqual([after.calls, after.cached], [callsOf(strategy, template), 3]);
      assert.equal((await look([0, 1, 2, 3], undefined, true)).calls, 4 * callsOf(strategy, template));
      assert.equal(calls.length, asked);
    });
  }

  it('counts tokens, and takes the answers to be as long as before', async () => {
    const { look, run } = setUp('direct');
    const before = await look([0, 1]);
    // “row 0” has 5 characters, and a message some tokens around it.
    assert.deepEqual(
      [before.promptTokens, before.completionTokens, before.counted],
      [20, { expected: 20, most: 20 }, true],
    );
    await run([5]);
    const after = await look([0, 1]);
    assert.deepEqual([after.completionTokens, after.seconds !== undefined], [{ expected: 4, most: 20 }, true]);
  });

  it('takes the cells that it does not look at to be like the others', async () => {
    const { look, run, column } = setUp('direct');
    const rows = [...Array(3000).keys()];
    await run(rows.filter(row => row < 1500));
    const half = await look(rows, [column, { ...column, price: { input: 1, output: 1 } }]);
    assert.equal(half.exact, false);
    assert.ok(Math.abs(half.calls - 3000) < 60, `${half.calls} calls`);
    assert.equal(half.cached + half.calls, 6000);
  });

  it('leaves what is wrong to the run', async () => {
    const { look, column } = setUp('zero-shot-cot');
    const broken = { ...column, render: async () => Promise.reject(new Error('no')) };
    const gone = { ...column, generator: async () => Promise.reject(new Error('gone')) };
    assert.equal((await look([0, 1], [broken, gone])).calls, 8);
  });

  it('calls a run big by its calls or its money', () => {
    const limits = { calls: 50, cost: 0.1 };
    const cost = (expected: number) => ({ expected, most: expected });
    assert.deepEqual(
      [{ calls: 50 }, { calls: 51 }, { calls: 2, cost: cost(0.2) }, { calls: 50, cost: cost(0.1) }].map(one =>
        isBig(one, limits),
      ),
      [false, true, true, false],
    );
    assert.equal(mostCalls([{ template, strategy: 'self-consistency' }], 10, 2), 60);
  });
});
