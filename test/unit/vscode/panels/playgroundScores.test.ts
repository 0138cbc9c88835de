import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../../../../src/base/errors.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import type { TextGenerator } from '../../../../src/core/textGenerator.ts';
import { emptySetup } from '../../../../src/protocol/playground.ts';
import { decide, type ScoreState, scoreMethods } from '../../../../src/protocol/playgroundScores.ts';
import { hashOf } from '../../../../src/storage/runInputs.ts';
import { listRuns } from '../../../../src/storage/runList.ts';
import { workspaceLayout } from '../../../../src/storage/workspaceLayout.ts';
import type { LoadedTemplate } from '../../../../src/vscode/panels/loadedTemplate.ts';
import { columnsOf } from '../../../../src/vscode/panels/playgroundColumns.ts';
import { PlaygroundScores } from '../../../../src/vscode/panels/playgroundScores.ts';
import { renderInProcess } from '../../../fakes/renderInProcess.ts';

const source =
  '---\ninputs: {q: {}}\nmetadata:\n  tunesmith: {expected: a, score: {candidates: [x, yyyy], as: text}}\n---\nuser:\n{{ q }}';
const logger = {
  debug() {},
  info() {},
  warn() {},
  error: (message: string, error: unknown) => assert.fail(`${message} ${error}`),
};

/** Each character costs one nat; what asks “too long” is refused. */
function model(id: string, asked: number[], options: { readonly mute?: boolean } = {}): TextGenerator {
  return {
    model: { id, label: id, detail: '', kind: 'local', chat: true, logProbs: true, controlledSampling: true },
    generate: () => Promise.reject(new Error('is not asked')),
    ...(options.mute
      ? {}
      : {
          async score(items, { signal } = {}) {
            asked.push(items.length);
            signal?.throwIfAborted();
            if (items.some(({ prompt }) => prompt.kind === 'text' && prompt.text.includes('too long')))
              throw new HumanError('The prompt is too long.');
            return items.map(({ continuation }) => ({
              logLikelihood: -continuation.length,
              tokens: [...continuation].map(text => ({
                text,
                logProb: -1,
                rank: 1,
                alternatives: [{ text, logProb: -1 }],
              })),
            }));
          },
        }),
  };
}

interface Options {
  readonly folder?: string;
  /** The template's text. */
  readonly text?: string;
}

function scores(rows: readonly { q: string; a?: string }[], models: readonly TextGenerator[], options: Options = {}) {
  const shown: ScoreState[] = [];
  let text = options.text ?? source;
  const loaded = () =>
    ({
      template: parseTemplate(text, 't.prompty'),
      rows: rows.map((values, i) => ({ line: i + 1, values })),
      diagnostics: [],
      waiting: [],
    }) as unknown as LoadedTemplate;
  const made = new PlaygroundScores({
    logger,
    showError: error => assert.fail(String(error)),
    dispatcher: () => Promise.reject(new Error('nobody is asked')),
    match: () => Promise.reject(new Error('nothing is matched')),
    limits: () => ({ calls: 1, cost: 1 }),
    layout: () => (options.folder === undefined ? undefined : workspaceLayout(options.folder)),
    path: 't.prompty',
    columns: () =>
      columnsOf({
        own: loaded(),
        others: new Map(),
        setup: { ...emptySetup, models: models.map(({ model: { id } }) => id) },
        choices: models.map(({ model: { id } }) => {
          return { id, label: id.toUpperCase(), detail: '', depth: 0, controlled: true, note: null };
        }),
        prices: {},
        generator: async id => models.find(({ model: known }) => known.id === id)!,
        render: () => Promise.reject(new Error('it renders by itself')),
      }),
    loaded,
    render: async () => renderInProcess,
    embed: async () => undefined,
    specify: async columns => ({
      by: 'playground',
      tool: '0',
      template: { file: 't.prompty', hash: hashOf(text), text },
      others: [],
      data: { file: 'rows.jsonl', hash: hashOf(JSON.stringify(rows)), rows: rows.length, kept: true },
      bank: null,
      models: models.map(({ model: { id, label } }) => ({ id, label })),
      columns: columns.map(({ id, model: of, modelLabel, variant, label, detail, controlled, strategy }) => {
        return { id, model: of, modelLabel, variant, label, detail, controlled, strategy, sampling: {} };
      }),
      samples: 1,
    }),
    show: state => shown.push(v.parse(scoreMethods.toWebview.scores.params, state)),
    runsChanged() {},
  });
  const type = (now: string): void => {
    text = now;
    made.refreshed();
  };
  return { made, shown, all: rows.map((_, row) => row), type };
}

async function ended(shown: readonly ScoreState[]): Promise<ScoreState> {
  while (shown.at(-1)?.running !== false) await new Promise(resolve => setTimeout(resolve, 5));
  return shown.at(-1)!;
}

describe('PlaygroundScores', () => {
  it('scores rows with every model, and says what they come to', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ q: `q${i}`, a: i < 5 ? 'yyyy' : 'x' }));
    const { made, shown, all } = scores(rows, [model('m', []), model('n', [])]);
    await made.start(all);
    const state = await ended(shown);
    assert.deepEqual([state.done, state.total, state.failed, state.rows], [40, 40, 0, all]);
    const [summary] = state.columns;
    assert.deepEqual([summary!.label, summary!.words], ['M', null]);
    const right = Object.fromEntries(
      summary!.ways.map(({ method, by, accuracy }) => [`${method} ${by}`, accuracy.right]),
    );
    assert.deepEqual(right, { 'partial total': 15, 'partial per-token': 15, 'partial per-character': 15 });
    const cells = v.parse(scoreMethods.toHost.scoreCells.result, made.cells([0, 7, 99]));
    assert.deepEqual(
      cells.map(({ column, row }) => `${column}${row}`),
      ['m#current0', 'm#current7', 'n#current0', 'n#current7'],
    );
    const { best, right: isRight, scores: nats } = decide(cells[0]!, 'total', 'full');
    assert.deepEqual([best, isRight, nats], [0, false, [-2, -5]]);
    made.dispose();
  });

  it('fails the rows that cannot be scored and no others, and a model that cannot score at all', async () => {
    const asked: number[] = [];
    const rows = [{ q: 'one', a: 'x' }, { q: 'too long' }, { q: 'three', a: 'none of them' }, { q: 'four' }];
    const { made, shown, all } = scores(rows, [model('m', asked), model('mute', [], { mute: true })]);
    await made.start(all);
    const state = await ended(shown);
    assert.deepEqual([state.done, state.failed], [8, 6]);
    const errors = made
      .cells(all)
      .map(({ column, row, error }) => (error === null ? '' : `${column.slice(0, -8)}${row}: ${error}`));
    assert.match(
      errors.join('\n'),
      /^\nm1: The prompt is too long\.\nm2: “none of them” is expected.*\n\nmute0: “mute” does not tell/,
    );
    assert.equal(errors.filter(Boolean).length, 6);
    made.dispose();
  });

  it('keeps the tokens of the rows that were scored last, and scores others again', async () => {
    const asked: number[] = [];
    const rows = Array.from({ length: 320 }, (_, i) => ({ q: `q${i}` }));
    const { made, shown, all } = scores(rows, [model('m', asked)]);
    await made.start(all);
    await ended(shown);
    const calls = asked.length;
    const last = v.parse(scoreMethods.toHost.scoreTokens.result, await made.tokens('m#current', 319));
    assert.deepEqual(
      last.map(({ text, partial }) => [text, partial.length]),
      [
        ['x', 2],
        ['yyyy', 5],
      ],
    );
    assert.equal(asked.length, calls);
    assert.deepEqual(await made.tokens('m#current', 0), last);
    assert.equal(asked.length, calls + 1);
    made.dispose();
  });

  it('stops', async () => {
    const rows = Array.from({ length: 100 }, (_, i) => ({ q: `q${i}` }));
    const { made, shown, all } = scores(rows, [model('m', [])]);
    await made.start(all);
    made.stop();
    const state = await ended(shown);
    assert.ok(state.done < 100 && state.failed === 0);
    made.dispose();
  });

  describe('are kept', () => {
    let folder: string;
    const rows = [
      { q: 'one', a: 'x' },
      { q: 'two', a: 'yyyy' },
      { q: 'too long', a: 'x' },
    ];
    const open: PlaygroundScores[] = [];
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'tunesmith-scores-'));
    });
    afterEach(() => {
      for (const one of open.splice(0)) one.dispose();
      rmSync(folder, { recursive: true, force: true });
    });
    const at = (asked: number[], text = source, data = rows) => {
      const all = scores(data, [model('m', asked)], { folder, text });
      open.push(all.made);
      return all;
    };

    it('with the runs, and come back without a question', async () => {
      const asked: number[] = [];
      const first = at(asked);
      await first.made.start(first.all);
      const before = await ended(first.shown);
      const cells = first.made.cells(first.all);
      const [listed] = await listRuns(workspaceLayout(folder));
      const { status, total, done, failed, graded, right } = listed!.state!;
      assert.deepEqual([status, total, done, failed, graded, right], ['done', 3, 3, 1, 2, 1]);
      first.made.dispose();
      const calls = asked.length;
      const again = at(asked);
      await again.made.restore();
      assert.deepEqual(again.made.cells(again.all), cells);
      const { version: _, ...state } = again.made.state();
      const { version: __, ...was } = before;
      assert.deepEqual(state, was);
      assert.deepEqual([state.outdated, state.run?.id, asked.length], [false, listed!.run.id, calls]);
      // More rows of the same go into the same run.
      await again.made.start([0]);
      await ended(again.shown);
      assert.equal((await listRuns(workspaceLayout(folder))).length, 1);
    });

    it('as of before once the template is another, and leave when it is scored', async () => {
      const first = at([]);
      await first.made.start(first.all);
      await ended(first.shown);
      first.type(source.replace('{{ q }}', 'say {{ q }}'));
      const state = first.shown.at(-1)!;
      assert.deepEqual([state.outdated, state.rows], [true, [0, 1, 2]]);
      await first.made.start([1]);
      const now = await ended(first.shown);
      assert.deepEqual([now.outdated, now.rows], [false, [1]]);
      const runs = await listRuns(workspaceLayout(folder));
      assert.equal(runs.length, 2);
      // The earlier one is shown when the timeline is asked for it.
      await first.made.open(runs.at(-1)!.run.id);
      const then = first.made.state();
      assert.deepEqual([then.outdated, then.rows, then.columns.length], [true, [0, 1, 2], 1]);
      await first.made.forget(then.run!.id);
      assert.deepEqual([first.made.state().rows, first.made.state().run], [[], null]);
    });

    it('as of before when the rows are others', async () => {
      const first = at([]);
      await first.made.start(first.all);
      await ended(first.shown);
      first.made.dispose();
      const later = at([], source, rows.slice(1));
      await later.made.restore();
      assert.equal(later.made.state().outdated, true);
    });
  });

  it('score each variant of the template', async () => {
    const text = source.replace('{expected: a,', '{expected: a, axes: {prefix: {none: "", long: "too long"}},');
    const { made, shown } = scores([{ q: 'q', a: 'x' }], [model('m', []), model('n', [])], { text });
    await made.start([0]);
    const { columns, total } = await ended(shown);
    assert.equal(total, 4);
    assert.deepEqual(
      columns.map(({ label, variant, failed }) => [label, variant, failed]),
      [
        ['M', 'none', 0],
        ['M', 'long', 1],
        ['N', 'none', 0],
        ['N', 'long', 1],
      ],
    );
    assert.deepEqual(
      made.cells([0]).map(({ context }) => context),
      ['q', '', 'q', ''],
    );
    made.dispose();
  });
});
