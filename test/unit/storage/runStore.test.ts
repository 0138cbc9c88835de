/** Runs: cells come back, also after an interruption in the middle of one. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultSampling, type Generation } from '../../../src/core/generation.ts';
import { listRuns, RunStore, readRun } from '../../../src/storage/runStore.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { inFolder } from '../../fakes/storageScenario.ts';

const generation = (text: string): Generation => ({
  text,
  finishReason: 'stop',
  latencyMs: 1,
  model: 'm',
  options: defaultSampling,
  repeat: 0,
});

describe('runStore', () => {
  it('goes on with an interrupted run, whose torn cell is cut off', () =>
    inFolder(async root => {
      const layout = workspaceLayout(root);
      const run = await RunStore.create(layout, { name: 'Greet ☂', specification: { rows: [1] } });
      await run.append({ key: 'a', generation: generation('one') });
      await run.append({ key: 'b', error: 'The server said no.' });
      await run.close();
      const { id } = run.run;
      const file = join(layout.runs, id, 'generations.jsonl');
      appendFileSync(file, '{"c":"0123');
      const again = await RunStore.resume(layout, id);
      assert.deepEqual([...again.cells.keys()], ['a', 'b']);
      await Promise.all([
        again.append({ key: 'b', generation: generation('two') }),
        again.append({ key: 'c', generation: generation('three') }),
      ]);
      await again.close();
      const { run: read, cells, problems } = await readRun(layout, id);
      assert.deepEqual(problems, []);
      assert.deepEqual(read.specification, { rows: [1] });
      assert.deepEqual(
        cells.map(cell => [cell.key, cell.generation?.text, cell.error]),
        [
          ['a', 'one', undefined],
          ['b', 'two', undefined],
          ['c', 'three', undefined],
        ],
      );
      assert.deepEqual(
        (await listRuns(layout)).map(other => other.id),
        [id],
      );
      assert.ok(!readFileSync(file, 'utf8').includes('"c":"0123'));
    }));

  it('says that a run cannot be read', () =>
    inFolder(async root => {
      await assert.rejects(readRun(workspaceLayout(root), 'none'), /Run the template again/);
    }));
});
