/** The storage code is killed at every single write, sync and rename, and loses its power there; nothing acknowledged is lost. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeDisk } from '../../src/storage/fileSystem.ts';
import { PreferenceJournal } from '../../src/storage/preferenceJournal.ts';
import { type WorkspaceLayout, workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { cutPowerAtEvery } from '../fakes/powerCutDisk.ts';
import { type Acknowledged, checkAfterwards, inFolder, runScenario } from '../fakes/storageScenario.ts';
import { quick, recordFigures } from './figures.ts';

const program = fileURLToPath(new URL('../fakes/crashingProcess.ts', import.meta.url));

/** Every operation; in the quick part every fourth. */
const step = quick ? 4 : 1;
/** Days that the workspace has seen before: what lies there already is opened, indexed, added to, and must not be lost either. */
const days = quick ? [0] : [0, 1, 2, 3];

/** Lets the process run until it kills itself; false when it came to its end before that. */
async function crash(layout: WorkspaceLayout, kind: string, k: number, when: string, day: number) {
  const child = spawn(process.execPath, [program, layout.root, kind, String(k), when, String(day)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', chunk => {
    output += chunk;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.ok(signal === 'SIGKILL' || code === 0, `ended with ${code ?? signal}`);
  const lines = output.split('\n').slice(0, -1);
  return { killed: signal === 'SIGKILL', acknowledged: lines.map(line => JSON.parse(line) as Acknowledged) };
}

describe('storage when its process is killed', function () {
  this.timeout(1_800_000);
  const counts: string[] = [];

  for (const [kind, moments] of [
    ['write', ['before', 'half', 'after']],
    ['sync', ['before', 'after']],
    ['rename', ['before', 'after']],
    ['syncFolder', ['after']],
    ['create', ['after']],
    ['makeFolder', ['after']],
  ] as const) {
    it(`loses nothing at the k-th ${kind}, for every k`, async () => {
      let kills = 0;
      for (const [when, day] of moments.flatMap(when => days.map(day => [when, day] as const))) {
        for (let k = 1, killed = true; killed; k += step) {
          await inFolder(async root => {
            const layout = workspaceLayout(root);
            const acknowledged: Acknowledged[] = [];
            for (let before = 0; before < day; before++)
              await runScenario(layout, nodeDisk, what => acknowledged.push(what), before);
            const end = await crash(layout, kind, k, when, day);
            killed = end.killed;
            if (killed) kills++;
            await checkAfterwards(layout, [...acknowledged, ...end.acknowledged]).catch(error => {
              throw new Error(`killed ${when} ${kind} ${k} on day ${day}: ${String(error)}`, { cause: error });
            });
          });
        }
      }
      assert.ok(kills >= (quick ? 1 : 5), `${kills} kills`);
      counts.push(`${kind}: ${kills}`);
    });
  }

  after(() => {
    recordFigures(
      'crashed storage',
      `The storage code was killed at every operation, in ${days.length === 1 ? 'a workspace that was empty' : 'workspaces that had seen no, one, two and three days of work'} (kills by kind: ${counts.join(', ')}) and lost its power after every one; nothing acknowledged was lost and every file stayed readable.`,
    );
  });

  it('loses nothing when the power goes after any operation, with and without torn files', async () => {
    for (const torn of [true, false]) assert.ok((await cutPowerAtEvery(step, () => torn)) > 50);
  });

  it('reads every record log with its last record cut at every byte', async () => {
    await inFolder(async root => {
      const layout = workspaceLayout(root);
      const acknowledged: Acknowledged[] = [];
      await runScenario(layout, nodeDisk, what => acknowledged.push(what));
      const [author] = readdirSync(layout.preferences);
      const [name] = readdirSync(join(layout.preferences, author!));
      const file = join(layout.preferences, author!, name!);
      const whole = readFileSync(file);
      const records = (await PreferenceJournal.open(layout, { author: 'x' })).state;
      const start = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
      for (let length = start; length < whole.length; length++) {
        writeFileSync(file, whole.subarray(0, length));
        const journal = await PreferenceJournal.open(layout, { author: 'x' });
        assert.deepEqual(journal.problems, [], `cut at ${length}`);
        assert.equal(journal.state.items.length, records.items.length);
        assert.ok(journal.state.judgements.length >= records.judgements.length);
        assert.equal(statSync(file).size, length, 'a reader repairs nothing');
      }
    });
  });
});
