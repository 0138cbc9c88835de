import assert from 'node:assert/strict';
import { silentLogger } from '../../../../src/base/logger.ts';
import { Dispatcher } from '../../../../src/core/evaluation/dispatch.ts';
import type { Generation } from '../../../../src/core/generation.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import type { GenerateRequest, TextGenerator } from '../../../../src/core/textGenerator.ts';
import type { RunForecast } from '../../../../src/protocol/playgroundRuns.ts';
import { PlaygroundRun, type RunColumn } from '../../../../src/vscode/panels/playgroundRun.ts';
import { ForecastGate } from '../../../../src/vscode/panels/runForecast.ts';

const none = (): Promise<TextGenerator> => Promise.reject(new Error('not here'));
const template = parseTemplate('---\nname: n\n---\nuser:\nx\n', 'n.prompty');

function setUp({ calls = 50, cost = 0.1, price = 0, probabilities = false, generator = none } = {}) {
  const shown: (RunForecast | null)[] = [];
  const gate = new ForecastGate(forecast => shown.push(forecast), silentLogger);
  let rendered = 0;
  const kept = new Map<string, Generation>();
  const dispatcher = new Dispatcher({
    cache: { get: async key => kept.get(key), put: async (key, made) => void kept.set(key, made) },
  });
  const column: RunColumn = {
    id: 'm#current',
    template,
    strategy: 'direct',
    generator,
    render: async row => {
      rendered++;
      return { messages: [{ role: 'user', content: `row ${row}`, spans: [] }], continueLast: false, shots: [] };
    },
    expected: () => undefined,
    ...(price > 0 && { price: { input: price, output: price } }),
  } as RunColumn;
  const holds = (rows: number) =>
    gate.holds(
      { rows: { kind: 'all' }, fresh: false },
      { columns: [column], rows: [...Array(rows).keys()], repeats: 1, fresh: false, probabilities },
      { calls, cost },
      { dispatcher, match: async () => [] },
    );
  return { gate, shown, holds, looked: () => rendered, column, dispatcher };
}

describe('the gate before a run', () => {
  it('lets a small run through without a look at it', async () => {
    const { gate, shown, holds, looked } = setUp();
    assert.deepEqual([await holds(50), gate.forecast, shown, looked()], [false, null, [], 0]);
  });

  it('holds a big one until it is released', async () => {
    const { gate, shown, holds } = setUp();
    assert.equal(await holds(51), true);
    assert.deepEqual([gate.forecast?.calls, gate.forecast?.cost, shown.length], [51, null, 1]);
    assert.deepEqual(gate.release(), { rows: { kind: 'all' }, fresh: false });
    assert.deepEqual([gate.release(), gate.forecast, shown.at(-1)], [undefined, null, null]);
  });

  it('holds a short one that is dear', async () => {
    const { gate, holds } = setUp({ price: 1000 });
    assert.equal(await holds(2), true);
    assert.ok(gate.forecast!.cost!.expected > 0.1);
  });

  it('counts what is in the cache, with the probabilities of tokens where those are asked for', async () => {
    const model = {
      id: 'm',
      label: 'm',
      detail: '',
      kind: 'local',
      chat: true,
      logProbs: true,
      controlledSampling: true,
    };
    const made = { text: 'x', finishReason: 'stop', latencyMs: 1, model: 'm', repeat: 0 };
    const teller = { model, generate: async ({ options }: GenerateRequest) => ({ ...made, options }) } as TextGenerator;
    for (const probabilities of [true, false]) {
      const { gate, holds, column, dispatcher } = setUp({ calls: 1, probabilities, generator: async () => teller });
      const run = new PlaygroundRun({
        logger: silentLogger,
        match: async () => [],
        ask: generator => dispatcher.ask(generator),
        probabilities: true,
        listener: { cells() {}, append() {}, state() {}, finished() {} },
      });
      await run.run([column], [0, 1, 2], [0]);
      assert.equal(await holds(5), true);
      assert.deepEqual([gate.forecast?.cached, gate.forecast?.calls], probabilities ? [3, 2] : [0, 5]);
    }
  });

  it('begins nothing when it is stopped while it looks', async () => {
    const { gate, shown, holds } = setUp();
    const held = holds(60);
    gate.release();
    assert.deepEqual([await held, gate.forecast, shown], [true, null, []]);
  });
});
