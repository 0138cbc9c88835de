import assert from 'node:assert/strict';
import { listRuns } from '../../../../src/storage/runList.ts';
import { FakePlayground, load, Parrot, text } from '../../../fakes/playgroundRuns.ts';

const rows = Array.from({ length: 4 }, (_, i) => ({ q: `q${i}`, a: `say q${i}` }));
const key = (row: number, repeat = 0): string => `m#current|${row}|${repeat}`;

describe('runs of the playground', () => {
  let open: FakePlayground[] = [];
  const playground = (...args: ConstructorParameters<typeof FakePlayground>): FakePlayground => {
    const made = new FakePlayground(...args);
    open.push(made);
    return made;
  };
  afterEach(async () => {
    for (const one of open) await one.close();
    open = [];
  });

  it('answers rows, and a second run with the same texts goes into the same record', async () => {
    const now = playground(load(text('say'), rows));
    await now.control.start({ kind: 'first', count: 2 });
    await now.ended();
    await now.control.start({ kind: 'all' });
    await now.ended();
    assert.deepEqual(
      now.cells().map(({ key: name, status }) => [name, status]),
      rows.map((_, row) => [key(row), 'done']),
    );
    const runs = await listRuns(now.layout);
    assert.equal(runs.length, 1);
    const { status, total, done, graded, right } = runs[0]!.state!;
    assert.deepEqual([status, total, done, graded, right], ['done', 4, 4, 4, 4]);
  });

  it('begins another run when the template has changed: what was answered before is earlier', async () => {
    const now = playground(load(text('say'), rows));
    await now.control.start({ kind: 'all' });
    await now.ended();
    now.loaded = load(text('tell'), rows);
    await now.control.start({ kind: 'row', row: 1 });
    await now.ended();
    assert.equal((await listRuns(now.layout)).length, 2);
    assert.deepEqual(
      now.cells().map(({ earlier }) => earlier),
      [true, false, true, true],
    );
  });

  it('asks again what changed, and takes over what did not', async () => {
    const now = playground(load(text('say'), rows));
    await now.control.start({ kind: 'all' });
    await now.ended();
    await assert.rejects(now.control.runSome('changed'), /Nothing has changed/);
    const [parrot] = now.parrots;
    parrot!.asked.length = 0;
    now.loaded = load(
      text('say'),
      rows.map((row, i) => (i === 2 ? { ...row, q: 'other' } : row)),
    );
    assert.equal(await now.control.runSome('changed'), 1);
    await now.ended();
    assert.deepEqual(parrot!.asked, ['say other']);
    assert.deepEqual(
      now.cells().map(({ earlier }) => earlier),
      [false, false, false, false],
    );
    const [newest] = await listRuns(now.layout);
    assert.deepEqual([newest!.state!.total, newest!.state!.done], [4, 4]);
  });

  it('asks again what failed, and nothing else', async () => {
    const now = playground(load(text('say'), [...rows, { q: 'fail', a: '' }]));
    await assert.rejects(now.control.runSome('failed'), /No answer has failed/);
    await now.control.start({ kind: 'all' });
    await now.ended();
    assert.equal(now.control.state.failed, 1);
    const [parrot] = now.parrots;
    parrot!.asked.length = 0;
    assert.equal(await now.control.runSome('failed'), 1);
    await now.ended();
    assert.deepEqual(parrot!.asked, ['say fail']);
  });

  it('holds a big run until the person says yes', async () => {
    const now = playground(load(text('say'), rows));
    now.limits = { calls: 3, cost: 1 };
    await now.control.start({ kind: 'all' });
    assert.deepEqual([now.control.forecast?.calls, now.parrots[0]!.asked.length], [4, 0]);
    await now.control.confirm(false);
    assert.deepEqual([now.forecasts.at(-1), now.parrots[0]!.asked.length], [null, 0]);
    await now.control.start({ kind: 'all' });
    await now.control.confirm(true);
    await now.ended();
    assert.equal(now.parrots[0]!.asked.length, 4);
  });

  it('stops, offers the rest, and resumes with that alone', async () => {
    const now = playground(load(text('say'), rows));
    await now.control.start({ kind: 'first', count: 1 });
    await now.ended();
    const [parrot] = now.parrots;
    parrot!.block = new Promise(() => {});
    await now.control.start({ kind: 'all' });
    while (parrot!.asked.length < 3) await new Promise(resolve => setTimeout(resolve, 2));
    now.control.stop();
    await now.ended();
    while (!now.control.offer) await new Promise(resolve => setTimeout(resolve, 2));
    const { total, interrupted, done } = now.control.offer;
    assert.deepEqual([total, interrupted, done < 4], [4, false, true]);
    parrot!.block = Promise.resolve();
    parrot!.asked.length = 0;
    await now.control.resume();
    await now.ended();
    assert.equal(parrot!.asked.length, total - done);
    assert.deepEqual(
      now.cells().map(({ status }) => status),
      ['done', 'done', 'done', 'done'],
    );
    await assert.rejects(now.control.resume(), /This run has all its answers/);
  });

  /** A run of the first template that was stopped in its midst, with a later run of another text; the playground is closed. */
  async function interruptedThenOther(): Promise<{ readonly folder: string; readonly id: string }> {
    const parrot = new Parrot();
    const then = playground(load(text('say'), rows), [parrot]);
    await then.control.start({ kind: 'first', count: 2 });
    await then.ended();
    parrot.block = new Promise(() => {});
    await then.control.start({ kind: 'all' });
    while (parrot.asked.length < 4) await new Promise(resolve => setTimeout(resolve, 2));
    then.control.stop();
    await then.ended();
    const { id } = then.control.history.current!;
    parrot.block = Promise.resolve();
    then.loaded = load(text('tell'), rows);
    await then.control.start({ kind: 'row', row: 3 });
    await then.ended();
    await then.close({ keep: true });
    open = open.filter(one => one !== then);
    return { folder: then.folder, id };
  }

  it('resumes any run of the timeline with the texts of then', async () => {
    const { folder, id } = await interruptedThenOther();
    const parrot = new Parrot();
    const now = playground(load(text('tell'), rows), [parrot], folder);
    await now.control.restore();
    assert.deepEqual(
      now.cells().map(({ key: name }) => name),
      [key(3)],
    );
    now.past = async then => {
      assert.equal(then.template.text, text('say'));
      return { loaded: load(then.template.text, rows), others: new Map() };
    };
    await now.control.resume(id);
    await now.ended();
    assert.equal(now.control.history.current!.id, id);
    assert.ok(parrot.asked.length > 0 && parrot.asked.every(asked => asked.startsWith('say ')), String(parrot.asked));
    assert.deepEqual(
      now.cells().map(({ key: name, status, earlier }) => [name, status, earlier]),
      rows.map((_, row) => [key(row), 'done', false]),
    );
    const run = (await listRuns(now.layout)).find(one => one.run.id === id)!;
    assert.deepEqual([run.state!.status, run.state!.done], ['done', 4]);
    // It is what was worked on last, so it is what comes back.
    await now.close({ keep: true });
    const later = playground(load(text('tell'), rows), [new Parrot()], folder);
    open = open.filter(one => one !== now);
    await later.control.restore();
    assert.equal(later.control.history.current!.id, id);
  });

  it('leaves everything as it is where the inputs of then were not kept', async () => {
    const { folder, id } = await interruptedThenOther();
    const now = playground(load(text('tell'), rows), [new Parrot()], folder);
    await now.control.restore();
    const before = [now.control.history.current!.id, now.cells(), now.setup];
    await assert.rejects(now.control.resume(id), /nothing was kept/);
    assert.deepEqual([now.control.history.current!.id, now.cells(), now.setup], before);
    await assert.rejects(now.control.resume('20200101-gone'), /This run is no longer there/);
  });
});
