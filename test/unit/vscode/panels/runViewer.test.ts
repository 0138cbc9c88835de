import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as vscode from 'vscode';
import { keepInput } from '../../../../src/storage/runInputs.ts';
import { RunStore } from '../../../../src/storage/runStore.ts';
import { RunViewer } from '../../../../src/vscode/panels/runViewer.ts';
import { FakePlayground, load, text } from '../../../fakes/playgroundRuns.ts';

const rows = [0, 1, 2].map(i => ({ q: `q${i}`, a: `say q${i}` }));
const page = { cells() {}, board() {} };

describe('a past run in the matrix', () => {
  let now: FakePlayground;
  beforeEach(() => {
    now = new FakePlayground(load(text('say'), rows));
  });
  afterEach(() => now.close());
  const place = () => ({ layout: now.layout, uri: {} as vscode.Uri, language: 'en' });

  async function run(source: string, data: readonly { q: string; a: string }[]): Promise<string> {
    now.loaded = load(source, data);
    await now.control.start({ kind: 'all' });
    await now.ended();
    return now.control.history.current!.id;
  }

  it('has its answers and their scores, and what each was asked', async () => {
    const id = await run(text('say'), rows);
    const viewer = await RunViewer.ofRun(place(), id, page);
    const [column] = viewer.columns;
    assert.deepEqual([column!.id, column!.score?.right, column!.score?.n], ['m#current', 3, 3]);
    const cells = await viewer.board.window([1]);
    assert.deepEqual(
      cells.map(cell => [cell.text, cell.right]),
      [['say q1', true]],
    );
    assert.equal((await viewer.kept(cells[0]!)).prompt[0]!.content, 'say q1');
    assert.equal(viewer.viewing.kind, 'run');
    viewer.dispose();
  });

  it('shows rows as they were then, from the copy that was kept', async () => {
    const file = join(now.folder, 'rows.jsonl');
    writeFileSync(file, rows.map(row => JSON.stringify(row)).join('\n'));
    const { hash } = await keepInput(now.layout, file);
    const specification = { ...now.specify(now.columns()), data: { file: 'rows.jsonl', hash, rows: 3, kept: true } };
    const store = await RunStore.create(now.layout, { name: 't', specification });
    await store.close();
    const viewer = await RunViewer.ofRun(place(), store.run.id, page);
    const today = load(text('say'), [{ q: 'other', a: 'other' }]);
    assert.deepEqual(viewer.input(1, today), { row: 1, values: ['q1'], expected: 'say q1' });
    viewer.dispose();
  });

  it('names two runs by their times, with seconds where they began in the same minute', async () => {
    const before = await run(text('say'), rows);
    const after = await run(text('tell'), rows);
    const begin = (id: string, time: string): void => {
      const file = join(now.layout.runs, id, 'run.json');
      const record = JSON.parse(readFileSync(file, 'utf8')) as object;
      writeFileSync(file, JSON.stringify({ ...record, createdAt: new Date(`2026-01-20T${time}`).toISOString() }));
    };
    const titles: string[] = [];
    for (const time of ['10:00:40', '10:05:00']) {
      begin(before, '10:00:05');
      begin(after, time);
      const viewer = await RunViewer.ofDiff(place(), { before, after }, page);
      titles.push(viewer.viewing.title.replaceAll('\u202f', ' '));
      assert.equal(new Set(viewer.columns.map(({ label }) => label)).size, 2);
      viewer.dispose();
    }
    assert.deepEqual(titles, ['1/20/26, 10:00:05 AM ↔ 1/20/26, 10:00:40 AM', '1/20/26, 10:00 AM ↔ 1/20/26, 10:05 AM']);
  });

  it('of two runs has only the answers that differ, the earlier beside the later', async () => {
    const before = await run(text('say'), rows);
    const after = await run(text('say'), [rows[0]!, { q: 'new', a: 'say q1' }, rows[2]!]);
    assert.notEqual(before, after);
    const viewer = await RunViewer.ofDiff(place(), { before, after }, page);
    assert.deepEqual(viewer.board.rowNumbers(), [1]);
    assert.deepEqual(
      (await viewer.board.window([1])).map(({ column, text: said }) => [column, said]),
      [
        ['before m#current', 'say q1'],
        ['after m#current', 'say new'],
      ],
    );
    assert.deepEqual(
      viewer.columns.map(({ id }) => id),
      ['before m#current', 'after m#current'],
    );
    assert.match(viewer.viewing.detail, /1 of 3 answers changed, 1 became wrong/);
    viewer.dispose();
  });

  it('is refused under a name that is none', async () => {
    for (const id of ['../t', '.hidden', ''])
      await assert.rejects(RunViewer.ofRun(place(), id, page), /is no name of a run/);
    await assert.rejects(RunViewer.ofRun(place(), '20200101-gone', page), /This run cannot be read/);
  });
});
