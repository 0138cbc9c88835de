import assert from 'node:assert/strict';
import { HumanError } from '../../../../src/base/errors.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import { Dispatcher } from '../../../../src/core/evaluation/dispatch.ts';
import type { Generation } from '../../../../src/core/generation.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import type { GenerateContext, GenerateRequest, TextGenerator } from '../../../../src/core/textGenerator.ts';
import type { Cell } from '../../../../src/protocol/playgroundCells.ts';
import type { RunState } from '../../../../src/protocol/playgroundRuns.ts';
import { keyOf, PlaygroundRun, placed, type RunColumn } from '../../../../src/vscode/panels/playgroundRun.ts';

const template = parseTemplate(
  `---
name: t
inputs: {q: {kind: string}}
metadata:
  tunesmith:
    expected: a
    grade: numbers-equal
    reasoning: {answer: {rule: last-number}}
---
user:
{{ q }}
`,
  't.prompty',
);

/** Says the last word of the prompt token by token; waits a turn between tokens, obeys its signal. */
const echo: TextGenerator = {
  model: {
    id: 'echo',
    label: 'echo',
    detail: '',
    kind: 'local',
    chat: true,
    logProbs: false,
    controlledSampling: true,
  },
  async generate(request: GenerateRequest, { signal, onDelta }: GenerateContext = {}): Promise<Generation> {
    const prompt = request.prompt.kind === 'messages' ? request.prompt.messages.at(-1)!.content : request.prompt.text;
    if (prompt.includes('broken')) throw new HumanError('503: server busy.');
    let text = '';
    for (const token of ['It ', 'is ', prompt.split(' ').at(-1)!, '.']) {
      await new Promise(resolve => setImmediate(resolve));
      if (signal?.aborted) break;
      text += token;
      onDelta?.(token);
    }
    return {
      text,
      finishReason: signal?.aborted ? 'cancelled' : 'stop',
      usage: { promptTokens: 3, completionTokens: 4 },
      latencyMs: 8,
      model: 'echo',
      options: request.options,
      repeat: request.repeat,
    };
  },
};

const column = (id: string, questions: readonly string[]): RunColumn => ({
  id,
  template,
  strategy: 'direct',
  generator: async () => echo,
  render: async row => {
    const content = questions[row]!;
    if (content === 'unrenderable') throw new HumanError('The variable “x” has no value.');
    return { messages: [{ role: 'user', content, spans: [] }], continueLast: false, shots: [] };
  },
  expected: () => 7,
});

function start() {
  const cells = new Map<string, Cell>();
  const states: RunState[] = [];
  const streamed = new Map<string, string>();
  const finished: string[] = [];
  let onDelta = (): void => {};
  const run = new PlaygroundRun({
    logger: silentLogger,
    match: async () => [],
    ask: generator => new Dispatcher().ask(generator),
    listener: {
      cells: changed => {
        for (const cell of changed) cells.set(keyOf(cell), cell);
      },
      append: delta => {
        streamed.set(keyOf(delta), (streamed.get(keyOf(delta)) ?? '') + delta.text);
        onDelta();
      },
      state: state => states.push(state),
      finished: cell => finished.push(keyOf(cell)),
    },
  });
  return { run, cells, states, streamed, finished, hear: (listener: () => void) => (onDelta = listener) };
}

describe('PlaygroundRun', () => {
  it('fills the matrix: streams, grades, counts', async () => {
    const { run, cells, states, streamed, finished } = start();
    await run.run([column('a', ['say 7', 'say 8'])], [0, 1], [0, 1]);
    const first = cells.get('a|0|0')!;
    assert.deepEqual(
      [first.status, first.text, first.right, first.answer, first.tokens, first.finishReason],
      ['done', 'It is 7.', true, { text: '7', start: 6, end: 7 }, 4, 'stop'],
    );
    assert.equal(cells.get('a|1|1')!.right, false);
    assert.equal(streamed.get('a|0|0'), 'It is 7.');
    assert.equal(finished.length, 4);
    assert.deepEqual(states.at(-1), { running: false, done: 4, total: 4, failed: 0, secondsLeft: null });
    assert.deepEqual([...cells.values()].map(({ right }) => right).filter(Boolean).length, 2);
  });

  it('tells tokens that came together as one text, in order with what ends the answer', async () => {
    const { run, cells, streamed, hear } = start();
    let told = 0;
    hear(() => {
      told++;
      assert.equal(cells.get('a|0|0')!.status, 'running');
    });
    const packets: TextGenerator = {
      ...echo,
      async generate(request, { onDelta } = {}) {
        for (const token of ['It ', 'is ']) onDelta?.(token);
        await new Promise(resolve => setImmediate(resolve));
        for (const token of ['7', '.']) onDelta?.(token);
        return { ...(await echo.generate(request)), text: 'It is 7.' };
      },
    };
    await run.run([{ ...column('a', ['say 7']), generator: async () => packets }], [0], [0]);
    assert.deepEqual([told, streamed.get('a|0|0')], [2, 'It is 7.']);
    assert.deepEqual([cells.get('a|0|0')!.status, cells.get('a|0|0')!.text], ['done', 'It is 7.']);
  });

  it('stops within a token and keeps what was finished', async () => {
    const { run, cells, states, finished, hear } = start();
    let deltas = 0;
    hear(() => {
      // In the middle of the second row's answer.
      if (++deltas === 6) run.stop();
    });
    const rows = Array.from({ length: 30 }, (_, i) => i);
    await run.run(
      [
        column(
          'a',
          rows.map(row => `say ${row}`),
        ),
      ],
      rows,
      [0],
    );
    assert.equal(deltas, 6, 'no token after the stop');
    assert.equal(cells.get('a|0|0')!.status, 'done');
    assert.equal(cells.get('a|1|0')!.status, 'cancelled');
    assert.equal(cells.get('a|1|0')!.text, 'It is ');
    assert.ok(rows.slice(1).every(row => cells.get(`a|${row}|0`)!.status === 'cancelled'));
    assert.deepEqual(finished, ['a|0|0']);
    assert.equal(states.at(-1)!.running, false);
    assert.equal(states.at(-1)!.done, 1);
  });

  it('shows a failure in its cells and goes on with the others', async () => {
    const { run, cells, states } = start();
    await run.run([column('a', ['say 7', 'unrenderable']), column('b', ['broken', 'broken'])], [0, 1], [0]);
    assert.equal(cells.get('a|0|0')!.status, 'done');
    assert.equal(cells.get('a|1|0')!.error, 'The variable “x” has no value.');
    assert.equal(cells.get('b|0|0')!.error, '503: server busy.');
    assert.equal(states.at(-1)!.failed, 3);
  });

  it('places an answer where it stands last, and nowhere when it was rewritten', () => {
    assert.deepEqual(placed('7 and 7', '7'), { text: '7', start: 6, end: 7 });
    assert.deepEqual(placed('1,000', '1000'), { text: '1000', start: 0, end: 0 });
  });
});
