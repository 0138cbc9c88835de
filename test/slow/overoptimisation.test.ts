/** Reward hacking without a KL penalty and its cure with one, by the command that users run. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Mean, OveroptimisationResult } from '../../src/core/jobs/overoptimisation.ts';
import { quick, recordFigures } from './figures.ts';

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const start = promisify(execFile);

const withError = ({ mean, error }: Mean): string => `${mean.toFixed(2)} ± ${error.toFixed(2)}`;

describe('over-optimisation on the bundled model', function () {
  this.timeout(4 * 60 * 60_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-overoptimisation-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  let result: OveroptimisationResult;

  before(async () => {
    const size = quick ? ['--seeds', '2', '--steps', '2'] : [];
    const { stdout } = await start(process.execPath, [program, 'overoptimise', '--json', '--out', folder, ...size], {
      maxBuffer: 1 << 24,
    });
    result = JSON.parse(stdout) as OveroptimisationResult;
  });

  it('draws proxy and gold of both policies, from the base on', () => {
    assert.match(readFileSync(path.join(folder, 'overoptimisation.svg'), 'utf8'), /^<svg/);
    assert.equal(result.curves.length, 2);
    for (const { points } of result.curves) {
      assert.deepEqual(points[0]!.gold, { mean: 0, error: 0 });
      assert.equal(points.at(-1)!.step, result.steps);
    }
  });

  if (quick) return;

  it('loses gold without a penalty while the proxy rises, and keeps it with one', () => {
    recordFigures(
      'overoptimisation',
      [
        `${result.seeds.length} seeds, ${result.steps} steps; above the base, ± standard error over the seeds. Proxy in standard deviations, gold in points.`,
        '',
        '| β | gold highest at step | gold there | gold at the end | lost since | proxy gained since | KL at the end, nats |',
        '|---:|---:|---:|---:|---:|---:|---:|',
        ...result.curves.map(({ beta, points, peakStep, drop, proxySince }) => {
          const end = points.at(-1)!;
          const peak = points.find(({ step }) => step === peakStep)!;
          return `| ${beta} | ${peakStep} | ${[peak.gold, end.gold, drop, proxySince, end.kl].map(withError).join(' | ')} |`;
        }),
      ].join('\n'),
    );
    const [free, held] = result.curves;
    assert.ok(free!.drop.mean >= 2 * free!.drop.error, withError(free!.drop));
    assert.ok(free!.proxySince.mean >= 2 * free!.proxySince.error, withError(free!.proxySince));
    assert.ok(held!.drop.mean <= Math.max(held!.drop.error, held!.points.at(-1)!.gold.error), withError(held!.drop));
  });
});
