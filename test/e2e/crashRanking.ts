/** Kills the real extension host again and again while answers are ranked by keys; what the view acknowledged must be on disk. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Frame } from 'playwright-core';
import { Rng } from '../../src/base/rng.ts';
import { PreferenceJournal } from '../../src/storage/preferenceJournal.ts';
import { decodeRecords } from '../../src/storage/recordLog.ts';
import { workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { extensionHosts } from './extensionHost.ts';
import { Workbench } from './workbench.ts';

export interface CrashOutcome {
  readonly kills: number;
  /** Judgements that the view had moved on from. */
  readonly acknowledged: number;
  /** Kills that came between a key and its acknowledgement. */
  readonly underWay: number;
  /** Judgements in the journal that the view never acknowledged. */
  readonly unacknowledged: number;
  readonly files: number;
}

const author = 'Crash Tester';
const questions = 2000;

/** Ranks until `kills` extension hosts were killed at random moments. Throws when anything acknowledged is lost. */
export async function killWhileRanking(kills: number, seed = 1): Promise<CrashOutcome> {
  const workspace = await mkdtemp(path.join(os.tmpdir(), 'tunesmith-crash-'));
  const journal = await PreferenceJournal.open(workspaceLayout(workspace), { author });
  await journal.addItems(
    Array.from({ length: questions }, (_, i) => ({
      set: 'crash',
      messages: [{ role: 'user' as const, content: `Question ${i}?` }],
      answers: ['yes', 'no'].map(word => ({ text: `${word} ${i}`, model: 'none' })),
    })),
  );
  await journal.close();
  const workbench = await Workbench.open({
    workspace,
    settings: { 'workbench.secondarySideBar.defaultVisibility': 'hidden' },
    environment: { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: author },
  });
  try {
    return await rank(workbench, kills, Rng.seeded(seed));
  } finally {
    await workbench.close();
    await rm(workspace, { recursive: true, force: true });
  }
}

async function rank(workbench: Workbench, kills: number, rng: Rng): Promise<CrashOutcome> {
  const acknowledged = new Set<string>();
  let underWay = 0;
  for (let kill = 0; kill < kills; kill++) {
    if (kill > 0) await workbench.load();
    await workbench.command('Tunesmith: Open Ranking in Editor');
    const view = await workbench.frameWith('main.rk article', 60_000);
    await view
      .locator('main.rk article')
      .first()
      .click({ position: { x: 100, y: 40 } });
    let killed = false;
    // From the first millisecond on: the kill may come before, in or after the writing.
    const moment = 150 + rng.int(1500);
    const timer = setTimeout(() => {
      killed = true;
      for (const pid of extensionHosts(workbench.server.pid)) process.kill(pid, 'SIGKILL');
    }, moment);
    while (!killed) {
      const before = await question(view);
      assert.ok(!acknowledged.has(before), `“${before}” came back after it was saved`);
      await workbench.page.keyboard.press(rng.int(2) === 0 ? '1' : '2');
      await workbench.page.keyboard.press('Enter');
      const moved = await until(
        async () => (await question(view)) !== before,
        () => killed,
      );
      if (moved) acknowledged.add(before);
      else underWay++;
    }
    clearTimeout(timer);
  }
  await workbench.load();
  await workbench.command('Tunesmith: Open Ranking in Editor');
  const view = await workbench.frameWith('main.rk article', 60_000);
  const shown = await view.locator('.where').innerText();

  const layout = workspaceLayout(workbench.folder);
  const journal = await PreferenceJournal.open(layout, { author });
  assert.deepEqual(journal.problems, []);
  const kept = new Set(
    journal.state.judgements.map(({ item }) => journal.state.itemById.get(item)!.messages[0]!.content),
  );
  await journal.close();
  const lost = [...acknowledged].filter(name => !kept.has(name));
  assert.deepEqual(lost, [], 'acknowledged judgements that are not in the journal');
  assert.ok(shown.startsWith(String(kept.size)), `the view counts what the journal holds: ${shown}, ${kept.size}`);
  const files = readdirSync(layout.preferences, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.jsonl'))
    .map(name => path.join(layout.preferences, name));
  for (const file of files) assert.deepEqual(decodeRecords(readFileSync(file, 'utf8'), file).problems, []);
  return {
    kills,
    acknowledged: acknowledged.size,
    underWay,
    unacknowledged: kept.size - acknowledged.size,
    files: files.length,
  };
}

const question = (view: Frame): Promise<string> => view.locator('.ctx .ask').first().innerText();

/** Whether it became true. After `stopped` the view gets a moment more, for a reply that was on its way. */
async function until(done: () => Promise<boolean>, stopped: () => boolean): Promise<boolean> {
  let grace = 40;
  for (let i = 0; i < 2000; i++) {
    if (await done()) return true;
    if (stopped() && grace-- === 0) return false;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  throw new Error('the view did not move on within 20 s');
}
