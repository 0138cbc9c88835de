import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk } from '../../../src/storage/fileSystem.ts';
import { isKept, keepInput } from '../../../src/storage/runInputs.ts';
import { RunStore } from '../../../src/storage/runStore.ts';
import { removeUnusedInputs } from '../../../src/storage/unusedInputs.ts';
import { type WorkspaceLayout, workspaceLayout } from '../../../src/storage/workspaceLayout.ts';

describe('copies of rows that no run refers to', () => {
  let folder: string;
  let layout: WorkspaceLayout;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-inputs-'));
    layout = workspaceLayout(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function keep(name: string, text: string): Promise<string> {
    writeFileSync(join(folder, name), text);
    return (await keepInput(layout, join(folder, name))).hash;
  }
  async function run(data: string, bank?: string): Promise<RunStore> {
    const specification = { data: { hash: data }, ...(bank ? { bank: { hash: bank } } : {}) };
    const store = await RunStore.create(layout, { name: 't', specification });
    await store.close();
    return store;
  }
  const copies = (): string[] => readdirSync(join(layout.runs, 'inputs')).map(name => name.slice(0, 64));

  it('go when the last run that names them is deleted, and no sooner', async () => {
    const [rows, bank, others] = [await keep('a.jsonl', 'a'), await keep('b.jsonl', 'b'), await keep('c.csv', 'c')];
    const [first, second] = [await run(rows, bank), await run(rows), await run(others)];
    assert.equal(await removeUnusedInputs(layout, { grace: 0 }), 0);
    await nodeDisk.remove(first.folder);
    assert.equal(await removeUnusedInputs(layout, { grace: 0 }), 1);
    assert.deepEqual(copies().sort(), [rows, others].sort());
    await nodeDisk.remove(second.folder);
    assert.equal(await removeUnusedInputs(layout, { grace: 0 }), 1);
    assert.deepEqual(copies(), [others]);
  });

  it('stay for a while: a run that is about to begin has not said yet that it needs them', async () => {
    const hash = await keep('a.jsonl', 'a');
    assert.equal(await removeUnusedInputs(layout), 0);
    const old = new Date(Date.now() - 3_600_000);
    const [name] = readdirSync(join(layout.runs, 'inputs'));
    utimesSync(join(layout.runs, 'inputs', name!), old, old);
    assert.equal(await isKept(layout, hash, 'a.jsonl'), true);
    assert.equal(await removeUnusedInputs(layout), 0);
    utimesSync(join(layout.runs, 'inputs', name!), old, old);
    assert.equal(await removeUnusedInputs(layout), 1);
    assert.equal(await isKept(layout, hash, 'a.jsonl'), false);
  });

  it('leave other files alone', async () => {
    await keep('a.jsonl', 'a');
    writeFileSync(join(layout.runs, 'inputs', 'notes.txt'), 'mine');
    await removeUnusedInputs(layout, { grace: 0 });
    assert.deepEqual(readdirSync(join(layout.runs, 'inputs')), ['notes.txt']);
  });

  it('are none where nothing was ever run', async () => {
    assert.equal(await removeUnusedInputs(layout), 0);
  });
});
