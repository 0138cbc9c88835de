import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { readBank } from '../../../../src/core/datasets/bank.ts';
import { readRows } from '../../../../src/core/datasets/rows.ts';
import { Dispatcher } from '../../../../src/core/evaluation/dispatch.ts';
import type { Generation } from '../../../../src/core/generation.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { renderPrompt } from '../../../../src/core/prompts/render.ts';
import type { TextGenerator } from '../../../../src/core/textGenerator.ts';
import type { RunForecast } from '../../../../src/protocol/playgroundRuns.ts';
import { type SweepState, sweepMethods } from '../../../../src/protocol/playgroundSweep.ts';
import { hashOf } from '../../../../src/storage/runInputs.ts';
import { listRuns } from '../../../../src/storage/runList.ts';
import { workspaceLayout } from '../../../../src/storage/workspaceLayout.ts';
import { type LoadedTemplate, rowValues } from '../../../../src/vscode/panels/loadedTemplate.ts';
import { PlaygroundSweep, type SweepTools } from '../../../../src/vscode/panels/playgroundSweep.ts';
import { type ChatServer, startChatServer } from '../../../fakes/chatServer.ts';
import { tunesmith } from '../../../fakes/commandLine.ts';
import { renderInProcess } from '../../../fakes/renderInProcess.ts';

/** Right the more often the more examples there are; which rows are right hangs on the examples and their order. */
function answer(messages: readonly { readonly role: string; readonly content: string }[]): string {
  const asked = Number(/\d+/.exec(messages.at(-1)!.content)![0]);
  const luck = createHash('sha256').update(JSON.stringify(messages)).digest()[0]! / 256;
  return luck < 0.2 + 0.07 * messages.length ? String(asked + 1) : 'no idea';
}

const rows = Array.from({ length: 24 }, (_, i) => ({ q: `what follows ${i}`, a: String(i + 1) }));
/** The last says what row 3 says. */
const bank = [
  ...[40, 41, 42, 43, 44, 45].map(i => ({ q: `what follows ${i}`, answer: String(i + 1) })),
  { q: 'What follows 2?', answer: '3' },
];
const source =
  '---\nname: next\ninputs: {q: {kind: string}}\nmetadata:\n  tunesmith:\n    examples: {bank: ./bank.jsonl, shots: 2, seed: 5}\n    rows: ./rows.jsonl\n    expected: a\n---\nuser:\n{{ q }}\n';
const lines = (list: readonly object[]): string => list.map(one => `${JSON.stringify(one)}\n`).join('');

describe('the shot sweep of the playground', function () {
  this.slow(3000);
  let folder: string;
  let open: PlaygroundSweep[] = [];
  const cache = new Map<string, Generation>();
  let asked = 0;
  let block: Promise<unknown> = Promise.resolve();

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-sweep-'));
    mkdirSync(join(folder, '.git'));
    writeFileSync(join(folder, 'next.prompty'), source);
    writeFileSync(join(folder, 'rows.jsonl'), lines(rows));
    writeFileSync(join(folder, 'bank.jsonl'), lines(bank));
    cache.clear();
    asked = 0;
    block = Promise.resolve();
  });
  afterEach(() => {
    for (const one of open) one.dispose();
    open = [];
    rmSync(folder, { recursive: true, force: true });
  });

  const load = (text = source, data: readonly object[] = rows): LoadedTemplate =>
    ({
      template: parseTemplate(text, 'next.prompty'),
      rows: readRows(lines(data), 'rows.jsonl'),
      bank: readBank(lines(bank), 'bank.jsonl'),
      diagnostics: [],
      waiting: [],
    }) as unknown as LoadedTemplate;

  const generator: TextGenerator = {
    model: { id: 'm', label: 'm', detail: '', kind: 'endpoint', chat: true, logProbs: false, controlledSampling: true },
    generate: async ({ prompt, options, repeat }, { signal } = {}) => {
      asked++;
      await Promise.race([
        block,
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true })),
      ]);
      const messages = prompt.kind === 'text' ? [] : prompt.messages;
      return { text: answer(messages), finishReason: 'stop', latencyMs: 1, model: 'm', options, repeat };
    },
  };

  function sweep(options: Partial<SweepTools> & { loaded?: () => LoadedTemplate } = {}) {
    const shown: SweepState[] = [];
    const forecasts: (RunForecast | null)[] = [];
    const dispatcher = new Dispatcher({
      cache: { get: async key => cache.get(key), put: async (key, generation) => void cache.set(key, generation) },
    });
    const made = new PlaygroundSweep({
      logger: {
        debug() {},
        info() {},
        warn: message => assert.fail(message),
        error: (m, e) => assert.fail(`${m} ${e}`),
      },
      showError: error => assert.fail(String(error)),
      models: () => [{ id: 'm', label: 'M', controlled: true }],
      generator: async () => generator,
      loaded: () => load(),
      render: async (loaded, row, { strategy, orderSeed }) =>
        (
          await renderPrompt(
            loaded.template,
            { values: rowValues(loaded, row), bank: loaded.bank, strategy, orderSeed },
            renderInProcess,
          )
        ).prompt!,
      price: () => undefined,
      dispatcher: async () => dispatcher,
      match: async () => async () => [],
      limits: () => ({ calls: 1e6, cost: 1 }),
      layout: () => workspaceLayout(folder),
      path: 'next.prompty',
      specify: async (columns, loaded) => ({
        by: 'playground',
        tool: '0',
        template: { file: 'next.prompty', hash: hashOf(loaded.template.text), text: loaded.template.text },
        others: [],
        data: {
          file: 'rows.jsonl',
          hash: hashOf(JSON.stringify(options.loaded?.().rows ?? load().rows)),
          rows: 24,
          kept: true,
        },
        bank: { file: 'bank.jsonl', hash: 'b', rows: 7, kept: true },
        models: [{ id: 'm', label: 'M' }],
        columns: columns.map(({ id, model, modelLabel, variant, label, detail, controlled, strategy }) => {
          return { id, model, modelLabel, variant, label, detail, controlled, strategy, sampling: {} };
        }),
        samples: 1,
      }),
      show: state => shown.push(v.parse(sweepMethods.toWebview.sweep.params, state)),
      forecast: forecast => forecasts.push(forecast),
      runsChanged() {},
      ...options,
    });
    open.push(made);
    const ended = async (): Promise<SweepState> => {
      while (made.state().running) await new Promise(resolve => setTimeout(resolve, 5));
      return v.parse(sweepMethods.toWebview.sweep.params, made.state());
    };
    return { made, shown, forecasts, ended };
  }

  it('has the figures of `tunesmith sweep`, to the last digit', async () => {
    const server: ChatServer = await startChatServer(({ messages }) => answer(messages));
    try {
      const argv = [
        'sweep',
        join(folder, 'next.prompty'),
        '-m',
        `${server.url}|m`,
        '--k',
        '0,1,2,4',
        '--orders',
        '3',
        '--json',
      ];
      for (const limit of [null, 10]) {
        const { stdout, code } = await tunesmith([...argv, ...(limit ? ['--limit', String(limit)] : [])], {
          cwd: folder,
        });
        assert.equal(code, 0);
        const { points, rows: tested } = JSON.parse(stdout);
        const { made, ended } = sweep();
        await made.start({ shots: [4, 0, 2, 1], orders: 3, rows: limit });
        const { shown } = await ended();
        assert.equal(shown!.rows, tested);
        const [curve] = shown!.curves;
        assert.deepEqual(
          curve!.points.map(point => [point.shots, point.accuracy, point.range]),
          points.map((point: Record<string, unknown> & { spread?: { range: unknown } }) => [
            point.shots,
            point.accuracy,
            point.spread?.range ?? null,
          ]),
        );
        for (const [i, point] of curve!.points.entries()) {
          if (points[i].spread) assert.deepEqual(point.orders, points[i].spread.orders);
          const { gained, lost, adjustedP } = points[i].versus ?? {};
          assert.deepEqual(point.versus, points[i].versus ? { gained, lost, adjustedP } : null);
        }
        // Else the test would say nothing of orders.
        assert.ok(new Set(curve!.points[3]!.orders.map(({ estimate }) => estimate)).size > 1);
        assert.deepEqual([shown!.bank, shown!.leaks, shown!.seed], [7, 1, 5]);
      }
    } finally {
      await server.close();
    }
  });

  it('comes back from its run without a call, and asks nothing twice', async () => {
    const wanted = { shots: [0, 4], orders: 2, rows: null };
    const first = sweep();
    await first.made.start(wanted);
    const before = await first.ended();
    assert.deepEqual([before.done, before.total, asked], [72, 72, 72]);
    assert.deepEqual([before.shown!.calls, before.shown!.cached], [72, 0]);
    first.made.dispose();
    const again = sweep();
    await again.made.restore();
    const { shown, running } = again.made.state();
    assert.deepEqual([running, asked, shown!.outdated], [false, 72, false]);
    assert.deepEqual(shown, before.shown);
    await again.made.start({ ...wanted, shots: [0, 1, 4] });
    const more = await again.ended();
    assert.deepEqual([asked, more.shown!.calls, more.shown!.cached], [96, 24, 72]);
    assert.deepEqual(
      more.shown!.curves[0]!.points.map(({ shots }) => shots),
      [0, 1, 4],
    );
    // All of it is one run, of its own kind.
    const runs = await listRuns(workspaceLayout(folder));
    assert.deepEqual(
      runs.map(({ run, state }) => [(run.specification as { kind: string }).kind, state!.status, state!.total]),
      [['sweep', 'done', 96]],
    );
  });

  it('says when template or rows are others now', async () => {
    const wanted = { shots: [0], orders: 1, rows: null };
    const first = sweep();
    await first.made.start(wanted);
    await first.ended();
    first.made.dispose();
    for (const [loaded, outdated] of [
      [load(), false],
      [load(source.replace('{{ q }}', 'say {{ q }}')), true],
      [load(source, rows.slice(1)), true],
    ] as const) {
      const later = sweep({ loaded: () => loaded });
      await later.made.restore();
      assert.equal(later.made.state().shown!.outdated, outdated);
      later.made.dispose();
    }
  });

  it('grows while it runs, stops with what is there, and goes on', async () => {
    const { made, shown, ended } = sweep();
    let left = 30;
    block = {
      // biome-ignore lint/suspicious/noThenProperty: it lets some pass.
      then(resolve: () => void) {
        if (left-- > 0) resolve();
      },
    } as Promise<void>;
    await made.start({ shots: [0, 2], orders: 2, rows: null });
    while (!shown.some(state => state.shown?.curves[0]?.points.length === 2)) await new Promise(r => setTimeout(r, 20));
    assert.ok(shown.at(-1)!.running);
    made.stop();
    const half = await ended();
    assert.ok(half.done < half.total, JSON.stringify([half.done, half.total]));
    assert.ok(half.shown!.curves[0]!.points.every(({ accuracy }) => accuracy.n < 24));
    const kept = asked;
    block = Promise.resolve();
    await made.start({ shots: [0, 2], orders: 2, rows: null });
    const whole = await ended();
    assert.deepEqual([whole.done, whole.shown!.curves[0]!.points.map(({ accuracy }) => accuracy.n)], [72, [24, 24]]);
    assert.ok(asked - kept < 72);
  });

  it('waits for a yes before it asks for much', async () => {
    const { made, forecasts, ended } = sweep({ limits: () => ({ calls: 50, cost: 1 }) });
    await made.start({ shots: [0, 2], orders: 2, rows: null });
    assert.deepEqual([made.forecast?.calls, asked, forecasts.length], [72, 0, 1]);
    await made.confirm(true);
    assert.equal((await ended()).done, 72);
  });

  it('is shown no more once its run is deleted', async () => {
    const { made, ended } = sweep();
    await made.start({ shots: [0], orders: 1, rows: 3 });
    const { shown } = await ended();
    assert.equal(await made.forget('another'), false);
    assert.equal(await made.forget(shown!.run!.id), true);
    assert.equal(made.state().shown, null);
  });

  for (const [what, text, message] of [
    ['no bank', source.replace(/ {4}examples.*\n/, ''), /names no example bank/],
    [
      'a strategy without examples',
      source.replace('rows:', 'reasoning: {strategy: zero-shot-cot}\n    rows:'),
      /shows no examples/,
    ],
    ['nothing that is expected', source.replace('    expected: a\n', ''), /must be known which are right/],
    ['a row without what is expected', source.replace('expected: a', 'expected: b'), /row in line 1 has no “b”/],
  ] as const) {
    it(`is refused with ${what}`, async () => {
      const { made } = sweep({ loaded: () => load(text) });
      await assert.rejects(made.start({ shots: [0], orders: 1, rows: null }), message);
    });
  }
});
