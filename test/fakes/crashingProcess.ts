/**
 * A process that does the storage scenario and kills itself: `node crashingProcess.ts <folder> <kind> <k> <when> <day>` ends by
 * SIGKILL at its k-th operation of that kind, `before` it, `after` it, or (writes) when `half` of the bytes are written.
 * What was acknowledged goes to standard output, one JSON object a line, at once.
 */
import { writeSync } from 'node:fs';
import { workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { hookedDisk, type Operation } from './countedDisk.ts';
import { runScenario } from './storageScenario.ts';

const [root, kind, k, when, day] = process.argv.slice(2) as [string, string, string, string, string];
let count = 0;

const die = (): Promise<void> => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
};
const isTheOne = (operation: Operation): boolean => operation.kind === kind && ++count === Number(k);

const disk = hookedDisk({
  async before(operation) {
    if (when === 'after' || !isTheOne(operation)) return;
    if (operation.kind === 'write') {
      const { file, bytes, position } = operation;
      if (when === 'half') await file.write(bytes.subarray(0, bytes.length >> 1), position);
    }
    await die();
  },
  async after(operation) {
    if (when === 'after' && isTheOne(operation)) await die();
  },
});

await runScenario(workspaceLayout(root), disk, what => writeSync(1, JSON.stringify(what) + '\n'), Number(day));
