/** A working day of the storage code, and what must be found afterwards whatever happened in between. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rewardPresets } from '../../src/core/jobs/presets.ts';
import { type Disk, replaceJsonFile } from '../../src/storage/fileSystem.ts';
import { createJobFolder, JobFolder, listJobFolders } from '../../src/storage/jobFolder.ts';
import { addImportedModel, listImportedModels } from '../../src/storage/modelStore.ts';
import { PreferenceJournal } from '../../src/storage/preferenceJournal.ts';
import { decodeRecords } from '../../src/storage/recordLog.ts';
import { listRuns } from '../../src/storage/runList.ts';
import { RunStore } from '../../src/storage/runStore.ts';
import type { WorkspaceLayout } from '../../src/storage/workspaceLayout.ts';

/** Something that was acknowledged: from then on it must never be lost. */
export type Acknowledged =
  | { readonly kind: 'item' | 'judgement' | 'deleted' | 'imported'; readonly id: string }
  /** `lines` of its data. */
  | { readonly kind: 'job'; readonly id: string; readonly lines: number }
  | { readonly kind: 'cell'; readonly id: string; readonly key: string }
  | { readonly kind: 'step'; readonly id: string; readonly step: number };

const user = (layout: WorkspaceLayout): string => join(layout.root, 'user');

/** `day`: how many such days the workspace has seen. */
export async function runScenario(
  layout: WorkspaceLayout,
  disk: Disk,
  acknowledge: (what: Acknowledged) => void,
  day = 0,
): Promise<void> {
  const journal = await PreferenceJournal.open(layout, { author: 'ada', disk, indexFrom: 1 });
  const items = await journal.addItems(
    ['one', 'two', 'three'].map(text => ({
      set: 'greet',
      messages: [{ role: 'user' as const, content: day === 0 ? text : `${text} ${day}` }],
      answers: ['a', 'b', 'c'].map(answer => ({ text: `${text} ${answer} ☂`, model: 'm' })),
    })),
  );
  for (const { id } of items) acknowledge({ kind: 'item', id });
  let last = '';
  for (const item of items) {
    const ranking = item.answers.map(answer => [answer.id]);
    const { id } = await journal.addJudgement({
      item: item.id,
      ranking,
      shown: ranking.flat(),
      verdict: 'ranked',
      flags: [],
      milliseconds: 1,
    });
    acknowledge({ kind: 'judgement', id });
    last = id;
  }
  await journal.delete(last);
  acknowledge({ kind: 'deleted', id: last });

  const run = await RunStore.create(layout, { name: 'greet', specification: { rows: 3 } }, disk);
  for (const key of ['1', '2']) {
    await run.append(
      { key, text: key, prompt: 'p' },
      { id: 'p', messages: [{ role: 'user', content: 'hi' }], shots: [] },
    );
    acknowledge({ kind: 'cell', id: run.run.id, key });
  }

  const pairs = journal.pairs();
  const job = await createJobFolder(
    layout,
    {
      name: 'polite',
      data: { 'pairs.jsonl': pairs },
      specification: ({ id, createdAt, data }) => ({
        format: 1,
        id,
        createdAt,
        name: 'polite',
        seed: 0,
        kind: 'reward',
        model: { id: 'local:pebble', base: '/models/pebble' },
        output: 'x',
        data: data['pairs.jsonl'],
        settings: rewardPresets.quick,
      }),
    },
    disk,
  );
  acknowledge({ kind: 'job', id: job.id, lines: pairs.length });
  for (const step of [1, 2, 3]) {
    const heartbeatAt = new Date().toISOString();
    await replaceJsonFile(job.file('state'), { format: 1, status: 'running', heartbeatAt, step, totalSteps: 3 }, disk);
    acknowledge({ kind: 'step', id: job.id, step });
  }
  for (const name of [`tiny${day}`, `small${day}`]) {
    await addImportedModel(user(layout), { name, path: `/models/${name}` }, disk);
    acknowledge({ kind: 'imported', id: name });
  }
  await run.close();
  await journal.close();
}

/** Every file is readable, and everything that was acknowledged is there. */
export async function checkAfterwards(layout: WorkspaceLayout, acknowledged: readonly Acknowledged[]): Promise<void> {
  const journal = await PreferenceJournal.open(layout, { author: 'bob', indexFrom: 1 });
  assert.deepEqual(journal.problems, []);
  const { jobs, problems } = await listJobFolders(layout);
  assert.deepEqual(problems, []);
  const imported = await listImportedModels(user(layout));
  const ids = new Set(journalIds(layout));
  const deleted = acknowledged.filter(what => what.kind === 'deleted').map(what => what.id);
  for (const what of acknowledged) {
    switch (what.kind) {
      case 'item':
        assert.ok(journal.state.itemById.has(what.id), 'item');
        break;
      case 'judgement':
        assert.ok(ids.has(what.id), 'judgement');
        if (!journal.state.deleted.has(what.id)) {
          assert.ok(
            journal.state.judgements.some(judgement => judgement.id === what.id),
            'judgement stands',
          );
        }
        break;
      case 'deleted':
        assert.ok(journal.state.deleted.has(what.id) && deleted.includes(what.id), 'undo');
        break;
      case 'cell': {
        const run = await RunStore.open(layout, what.id);
        assert.deepEqual(run.problems, []);
        assert.equal((await run.cell(what.key))?.text, what.key);
        assert.equal((await run.prompt(what.key))?.messages[0]?.content, 'hi');
        await run.close();
        break;
      }
      case 'job': {
        const job = jobs.find(candidate => candidate.id === what.id);
        assert.ok(job?.specification.kind === 'reward', 'job');
        assert.equal((await job.readData(job.specification.data)).split('\n').length - 1, what.lines);
        break;
      }
      case 'step': {
        const state = await (await JobFolder.open(join(layout.jobs, what.id))).state();
        assert.ok(state && state.step >= what.step, 'state');
        break;
      }
      case 'imported':
        assert.ok(
          imported.some(model => model.name === what.id),
          'imported model',
        );
    }
  }
  // Runs that were never acknowledged are absent or whole.
  for (const { run } of await listRuns(layout)) await (await RunStore.open(layout, run.id)).close();
  // And the work goes on.
  const [item] = await journal.addItems([
    { set: 's', messages: [], answers: ['x', 'y'].map(text => ({ text, model: 'm' })) },
  ]);
  assert.ok(item);
  await journal.close();
}

function* journalIds(layout: WorkspaceLayout): Generator<string> {
  for (const file of filesUnder(layout.preferences)) {
    for (const { value } of decodeRecords(readFileSync(file, 'utf8'), file).records) {
      const { id } = value as { id?: string };
      if (id) yield id;
    }
  }
}

const filesUnder = (folder: string): string[] => {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && entry.name.endsWith('.jsonl'))
      .map(entry => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
};

/** A fresh folder, in memory where the system has such a place: there a sync costs nothing. */
export const memoryFolder = (): string =>
  mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tunesmith-'));

/** Gives the action a fresh folder, and takes it away afterwards. */
export async function inFolder<T>(action: (root: string) => Promise<T>): Promise<T> {
  const root = memoryFolder();
  try {
    return await action(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
