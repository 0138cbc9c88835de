/** The real extension host is killed twenty times while someone ranks: what the view acknowledged is on the disk. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Frame } from 'playwright-core';
import { Rng } from '../../src/base/rng.ts';
import { PreferenceJournal } from '../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { Workbench } from '../e2e/workbench.ts';
import { quick, recordFigures } from './figures.ts';

const kills = quick ? 5 : 20;
const root = path.join(import.meta.dirname, '..', '..');

/** Numbers of the extension hosts below a process. */
function extensionHosts(server: number): number[] {
  const parents = new Map<number, number>();
  const hosts: number[] = [];
  for (const name of readdirSync('/proc').filter(entry => /^\d+$/.test(entry))) {
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      if (fields[0] === 'Z') continue;
      parents.set(Number(name), Number(fields[1]));
      if (readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('--type=extensionHost')) hosts.push(Number(name));
    } catch {
      // It ended while we looked.
    }
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === server || isBelow(parents.get(pid)));
  return hosts.filter(isBelow);
}

describe('ranking while the extension host is killed', function () {
  this.timeout(1_200_000);
  let workbench: Workbench;

  before(async () => {
    if (!existsSync(path.join(root, 'dist', 'tunesmith.vsix'))) {
      const packed = spawnSync(process.execPath, [path.join(root, 'scripts', 'package.ts')], {
        cwd: root,
        stdio: 'inherit',
      });
      assert.equal(packed.status, 0, 'the extension is packed');
    }
    workbench = await Workbench.open();
    const journal = await PreferenceJournal.open(workspaceLayout(workbench.folder), { author: 'sampler' });
    await journal.addItems(
      Array.from({ length: 12 * kills }, (_, index) => ({
        set: 'crash',
        messages: [{ role: 'user' as const, content: `Question ${index}` }],
        answers: ['yes', 'no'].map(text => ({ text: `${text} ${index}`, model: 'local:pebble' })),
      })),
    );
    await journal.close();
  });
  afterEach(async function () {
    if (this.currentTest?.isFailed()) await workbench.screenshot('crash-host-failed');
  });
  after(() => workbench?.close());

  /** The first time by command; after that the window brings the panel back by itself. */
  const open = async (first: boolean): Promise<Frame> => {
    await workbench.load();
    if (first) await workbench.command('Tunesmith: Open Ranking in Editor');
    const frame = await workbench.frameWith('.answers', 90_000);
    await frame.locator('.answers').first().click();
    return frame;
  };
  /** How many the view says are judged. */
  const acknowledged = async (frame: Frame): Promise<number> =>
    Number(await frame.locator('[role=progressbar]').first().getAttribute('aria-valuenow'));
  const judge = async (frame: Frame) => {
    for (const key of ['1', 'ArrowDown', '2', 'Enter']) await frame.locator('body').press(key, { timeout: 5000 });
  };

  it(`loses no acknowledged judgement in ${kills} kills`, async () => {
    const rng = Rng.seeded(3);
    let most = 0;
    for (let kill = 1; kill <= kills; kill++) {
      const frame = await open(kill === 1);
      const before = await acknowledged(frame);
      assert.ok(before >= most, `after kill ${kill - 1} the view shows ${before}, and had acknowledged ${most}`);
      const wanted = before + 2 + rng.int(3);
      const end = Date.now() + 60_000;
      for (most = before; most < wanted; most = await acknowledged(frame)) {
        assert.ok(Date.now() < end, 'the view moves on');
        await judge(frame);
      }
      // One more is on its way when the host dies.
      const last = judge(frame).catch(() => {});
      await workbench.page.waitForTimeout(rng.int(60));
      const hosts = extensionHosts(workbench.server.pid);
      assert.ok(hosts.length > 0, 'there is an extension host');
      for (const pid of hosts) process.kill(pid, 'SIGKILL');
      await last;
      most = Math.max(most, await acknowledged(frame).catch(() => most));

      const journal = await PreferenceJournal.open(workspaceLayout(workbench.folder), { author: 'reader' });
      assert.deepEqual(journal.problems, []);
      assert.ok(
        journal.state.judgements.length >= most,
        `${journal.state.judgements.length} on the disk, ${most} acknowledged`,
      );
    }
    recordFigures(
      'crashed extension host',
      `The extension host of a real VS Code was killed ${kills} times while ranking; all ${most} judgements that the view had acknowledged were on the disk and every file was readable.`,
    );
  });
});
