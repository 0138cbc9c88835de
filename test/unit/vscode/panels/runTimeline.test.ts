import assert from 'node:assert/strict';
import { writeMarks } from '../../../../src/storage/cellMarks.ts';
import { writeRunState } from '../../../../src/storage/runList.ts';
import { RunStore } from '../../../../src/storage/runStore.ts';
import { timelineOf } from '../../../../src/vscode/panels/runTimeline.ts';
import { FakePlayground, load, text } from '../../../fakes/playgroundRuns.ts';

const rows = [{ q: 'a', a: 'x' }];

describe('the timeline of runs', () => {
  let now: FakePlayground;
  beforeEach(() => {
    now = new FakePlayground(load(text('one'), rows));
  });
  afterEach(() => now.close());

  async function run(source: string, status: 'done' | 'stopped', done = 4): Promise<string> {
    now.loaded = load(source, rows);
    const store = await RunStore.create(now.layout, { name: 't', specification: now.specify(now.columns()) });
    await store.close();
    const { id } = store.run;
    await writeRunState(now.layout, id, { status, total: 4, done, failed: 1, graded: done, right: 2 });
    // Names and times of runs are of different seconds in life.
    await new Promise(resolve => setTimeout(resolve, 3));
    return id;
  }

  it('counts versions of the text from the oldest on, and names what changed against the run before', async () => {
    const first = await run(text('one'), 'done');
    const second = await run(text('two'), 'done');
    const third = await run(text('one'), 'done');
    const lines = await timelineOf(now.layout, 't.prompty', third);
    assert.deepEqual(
      lines.map(({ id, version, changes, current }) => [id, version, changes, current]),
      [
        [third, 1, ['template +1 −1'], true],
        [second, 2, ['template +1 −1'], false],
        [first, 1, [], false],
      ],
    );
    assert.deepEqual([lines[0]!.models, lines[0]!.by], [['m'], 'playground']);
  });

  it('says how each went, what was said of it, and which can be gone on with', async () => {
    const done = await run(text('one'), 'done');
    const stopped = await run(text('one'), 'stopped', 2);
    const stoppedAtTheEnd = await run(text('one'), 'stopped');
    await writeMarks(now.layout, stopped, { marks: {}, run: { starred: true, note: 'half' } });
    const lines = new Map((await timelineOf(now.layout, 't.prompty', undefined)).map(line => [line.id, line]));
    assert.deepEqual(
      [done, stopped, stoppedAtTheEnd].map(id => [lines.get(id)!.status, lines.get(id)!.resumable]),
      [
        ['done', false],
        ['stopped', true],
        ['stopped', false],
      ],
    );
    const { starred, note, counts } = lines.get(stopped)!;
    assert.deepEqual([starred, note, counts], [true, 'half', { total: 4, done: 2, failed: 1, graded: 2, right: 2 }]);
  });

  it('has no runs of other templates, and runs of before format 2 without what they did not keep', async () => {
    await run(text('one'), 'done');
    await RunStore.create(now.layout, { name: 'u', specification: { template: 'u.prompty' } }).then(s => s.close());
    await RunStore.create(now.layout, { name: 't', specification: { template: 't.prompty' } }).then(s => s.close());
    const lines = await timelineOf(now.layout, 't.prompty', undefined);
    assert.equal(lines.length, 2);
    const old = lines.find(({ version }) => version === null)!;
    assert.deepEqual([old.counts, old.models, old.status, old.resumable], [null, [], 'done', false]);
  });
});
