/** Runs: cells come back, also after an interruption in the middle of one; texts stay on the disk. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingCells } from '../../../src/core/runs/missing.ts';
import type { KeptCell } from '../../../src/core/runs/runRecord.ts';
import { encodeRecord } from '../../../src/storage/recordLog.ts';
import { listRuns, readRunState, writeRunState } from '../../../src/storage/runList.ts';
import { RunStore } from '../../../src/storage/runStore.ts';
import { type WorkspaceLayout, workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { inFolder } from '../../fakes/storageScenario.ts';

const prompt = (id: string) => ({ id, messages: [{ role: 'user' as const, content: `say ${id}` }], shots: [2, 0] });
const logOf = (layout: WorkspaceLayout, id: string): string => join(layout.runs, id, 'generations.jsonl');

describe('runStore', () => {
  it('goes on with an interrupted run, whose torn cell is cut off with a sentence', () =>
    inFolder(async root => {
      const layout = workspaceLayout(root);
      const run = await RunStore.create(layout, { name: 'Greet ☂', specification: { rows: [1] } });
      await run.ask({ columns: ['m'], rows: [[0, 2]], repeats: 1 });
      await run.append(
        { key: 'm|0|0', text: 'one ☂', prompt: 'a', tokens: [['one', -0.5, ' two', -1.25]] },
        prompt('a'),
      );
      await run.append({ key: 'm|1|0', text: '', failure: 'The server said no.' });
      await run.close();
      const { id } = run.run;
      appendFileSync(logOf(layout, id), '{"c":"0123');
      const read = await RunStore.open(layout, id);
      assert.match(read.note ?? '', /last record was cut off/);
      assert.deepEqual(
        missingCells(read.asked, key => read.keys.has(key)),
        { total: 3, keys: ['m|2|0'] },
      );
      await read.close();

      const again = await RunStore.open(layout, id, { write: true });
      await Promise.all([
        again.append({ key: 'm|1|0', text: 'two', prompt: 'a' }, prompt('a')),
        again.append({ key: 'm|2|0', text: 'three', prompt: 'b' }, prompt('b')),
        again.say({ key: 'm|2|0', turns: [{ role: 'user', text: 'That is wrong because' }] }),
      ]);
      await again.close();
      const cells: KeptCell[] = [];
      const last = await RunStore.open(layout, id, { onCell: cell => cells.push(cell) });
      assert.deepEqual([last.problems, last.note, last.run.specification], [[], undefined, { rows: [1] }]);
      assert.deepEqual(
        cells.map(cell => [cell.key, cell.text, cell.failure]),
        [
          ['m|0|0', 'one ☂', undefined],
          ['m|1|0', '', 'The server said no.'],
          ['m|1|0', 'two', undefined],
          ['m|2|0', 'three', undefined],
        ],
      );
      assert.deepEqual((await last.cell('m|0|0'))?.tokens, [['one', -0.5, ' two', -1.25]]);
      assert.equal((await last.cell('m|1|0'))?.text, 'two');
      const { id: _, ...kept } = prompt('b');
      assert.deepEqual(await last.prompt('m|2|0'), kept);
      assert.deepEqual(await last.turns('m|2|0'), [{ role: 'user', text: 'That is wrong because' }]);
      assert.deepEqual(await last.turns('m|0|0'), []);
      await last.close();
      const text = readFileSync(logOf(layout, id), 'utf8');
      assert.ok(!text.includes('"c":"0123'));
      assert.equal(text.split('"type":"prompt"').length - 1, 2, 'a prompt is written once');
    }));

  it('reads what is whole of a damaged log, and says where the rest is', () =>
    inFolder(async root => {
      const layout = workspaceLayout(root);
      const run = await RunStore.create(layout, { name: 'r', specification: null });
      for (const key of ['a|0|0', 'a|1|0', 'a|2|0']) await run.append({ key, text: key });
      await run.close();
      const file = logOf(layout, run.run.id);
      writeFileSync(file, readFileSync(file, 'utf8').replace('"text":"a|1|0"', '"text":"a|9|0"'));
      const read = await RunStore.open(layout, run.run.id);
      assert.deepEqual([...read.keys.keys()], ['a|0|0', 'a|2|0']);
      assert.deepEqual(
        read.problems.map(({ line }) => line),
        [3],
      );
      assert.equal((await read.cell('a|2|0'))?.text, 'a|2|0');
      await read.close();
    }));

  it('reads runs of format 1, of the playground and of the command line', () =>
    inFolder(async root => {
      const layout = workspaceLayout(root);
      const folder = join(layout.runs, 'old');
      mkdirSync(folder, { recursive: true });
      const run = { format: 1, id: 'old', name: 'old', createdAt: '2026-01-01T00:00:00.000Z' };
      writeFileSync(join(folder, 'run.json'), JSON.stringify({ ...run, specification: { template: 'a.prompty' } }));
      const generation = {
        text: 'Hi',
        finishReason: 'stop',
        latencyMs: 5,
        model: 'm',
        options: { seed: 3 },
        repeat: 0,
      };
      const messages = [{ role: 'user', content: 'q' }];
      writeFileSync(
        logOf(layout, 'old'),
        [
          { type: 'header', log: 'generations', format: 1 },
          { type: 'cell', key: 'm#current|0|0', at: '', generation: { ...generation, messages } },
          { type: 'cell', key: '1|0', at: '', generation: { ...generation, rest: { answer: '4', correct: true } } },
          { type: 'cell', key: '2|0', at: '', error: 'no' },
        ]
          .map(encodeRecord)
          .join(''),
      );
      const store = await RunStore.open(layout, 'old');
      assert.deepEqual([(await store.cell('m#current|0|0'))?.text, (await store.cell('1|0'))?.right], ['Hi', true]);
      assert.equal((await store.cell('2|0'))?.failure, 'no');
      assert.deepEqual((await store.prompt('m#current|0|0'))?.messages, messages);
      await store.close();
      assert.deepEqual(
        (await listRuns(layout)).map(({ run: { id }, state }) => [id, state]),
        [['old', undefined]],
      );
    }));

  it('refuses a run that is not there and one of a newer version', () =>
    inFolder(async root => {
      const layout = workspaceLayout(root);
      await assert.rejects(RunStore.open(layout, 'none'), /Run the template again/);
      const run = await RunStore.create(layout, { name: 'r', specification: null });
      await run.close();
      const file = logOf(layout, run.run.id);
      writeFileSync(file, encodeRecord({ type: 'header', log: 'generations', format: 3 }));
      await assert.rejects(RunStore.open(layout, run.run.id), /newer version/);
    }));

  it('knows an interrupted run by the process that is gone', () =>
    inFolder(async root => {
      const layout = workspaceLayout(root);
      const counts = { total: 4, done: 2, failed: 1, graded: 1, right: 1 };
      await writeRunState(layout, 'r', { status: 'running', ...counts });
      const mine = await readRunState(layout, 'r');
      assert.deepEqual([mine?.status, mine?.own, mine?.done], ['running', true, 2]);
      const file = join(layout.runs, 'r', 'state.json');
      writeFileSync(file, readFileSync(file, 'utf8').replace(/"pid": \d+/, '"pid": 999999999'));
      assert.equal((await readRunState(layout, 'r'))?.status, 'interrupted');
      await writeRunState(layout, 'r', { status: 'done', ...counts });
      assert.equal((await readRunState(layout, 'r'))?.status, 'done');
      writeFileSync(file, '{');
      assert.equal(await readRunState(layout, 'r'), undefined);
    }));
});
