/** Memory that training takes, measured in processes of their own, against what was said before. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { MemoryCase, MemoryMeasured } from '../fakes/memoryProbe.ts';
import { quick, recordFigures } from './figures.ts';

const probe = fileURLToPath(new URL('../fakes/memoryProbe.ts', import.meta.url));
const cases: readonly MemoryCase[] = [
  { model: 'pebble', kind: 'lora', rows: 32, tokens: 96 },
  { model: '6m', kind: 'full', rows: 16, tokens: 128 },
  { model: '6m', kind: 'lora', rows: 8, tokens: 256 },
  { model: '35m', kind: 'full', rows: 4, tokens: 256 },
  { model: '35m', kind: 'lora', rows: 8, tokens: 256 },
  { model: '135m', kind: 'lora', rows: 4, tokens: 256 },
];

describe('memory', function () {
  this.timeout(300_000);
  const figures = [
    'Resident memory of training (six micro-batches) against the plan made before: what the steps add to the process, and the whole process at its peak.',
    '',
    '| model | trained | rows × tokens | steps, MB | planned, MB | ratio | process, MB | estimate, MB | ratio |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  after(() => recordFigures('memory', figures.join('\n')));

  for (const one of quick ? cases.slice(0, 2) : cases) {
    it(`${one.model}, ${one.kind}, ${one.rows} × ${one.tokens}`, async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [probe, JSON.stringify(one)]);
      const { steps, planned, peak, estimate } = JSON.parse(stdout) as MemoryMeasured;
      const mb = (bytes: number) => (bytes / 1e6).toFixed(0);
      const [ratio, whole] = [steps / planned, peak / estimate];
      figures.push(
        `| ${one.model} | ${one.kind} | ${one.rows} × ${one.tokens} | ${mb(steps)} | ${mb(planned)} | ${ratio.toFixed(2)} | ${mb(peak)} | ${mb(estimate)} | ${whole.toFixed(2)} |`,
      );
      assert.ok(Math.abs(ratio - 1) <= 0.2, `steps take ${mb(steps)} MB, planned were ${mb(planned)}`);
      assert.ok(whole <= 1.3, `the process takes ${mb(peak)} MB, estimated were ${mb(estimate)}`);
    });
  }
});
