/** Losses, metrics, advantages and gradients of one step against TRL's own trainers, in float64 and in float32. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Precision } from '../../src/engine/index.ts';
import { knownAnswers, lossCases, lossFamilies } from '../fakes/lossCases.ts';
import { relativeDistance } from '../fakes/trainingGraphs.ts';
import { quick, recordFigures } from './figures.ts';
import { pythonWithTorch } from './python.ts';
import { askTrl, lossResults, type TrlMetrics } from './trainingLosses.ts';

/** Largest ‖Δ‖/‖·‖ of a weight's gradient and of the advantages, and relative difference of the loss. */
const tolerance: Readonly<Record<Precision, number>> = { float64: 1e-9, float32: 1e-4 };
const precisions: readonly Precision[] = ['float64', 'float32'];

const cases = lossCases(await knownAnswers()).filter(({ name }) => !quick || lossFamilies.includes(name));

describe('losses beside TRL', function () {
  this.timeout(600_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tunesmith-losses-'));
  let metrics: TrlMetrics;
  const rows: string[] = [];

  before(function () {
    const python = pythonWithTorch('trl==1.13.0');
    if (typeof python !== 'string') {
      console.log(`      skipped: ${python.missing}`);
      return this.skip();
    }
    metrics = askTrl(python, folder, cases);
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
    if (rows.length === 0) return;
    const heading =
      '| loss | precision | relative difference of the loss | largest ‖Δg‖/‖g‖ of a weight | ‖ΔA‖/‖A‖ of the advantages | largest difference of a metric |\n|---|---|---:|---:|---:|---:|';
    const table = `${heading}\n${rows.join('\n')}`;
    console.log(table.replaceAll(/^/gm, '      '));
    recordFigures(
      'training-losses',
      `One step of a small Llama with LoRA against the trainers of TRL 1.13 (PPO: arXiv 2403.17031 written down again) in the same precision.\n\n${table}`,
    );
  });

  for (const [index, one] of cases.entries()) {
    for (const precision of precisions) {
      it(`${one.name} in ${precision}`, async () => {
        const mine = await one.ours(precision);
        const expected = await lossResults(folder, one.name, precision);
        const loss = relativeDistance(mine.results.get('loss')!, expected.get('loss')!);
        const grads = [...mine.results.keys()].filter(name => name.startsWith('grad:'));
        assert.deepEqual(grads.sort(), [...expected.keys()].filter(name => name.startsWith('grad:')).sort());
        const gradient = Math.max(...grads.map(name => relativeDistance(mine.results.get(name)!, expected.get(name)!)));
        const known = ['advantages', 'returns'].filter(name => mine.results.has(name) || expected.has(name));
        const apartKnown = known.map(name => relativeDistance(mine.results.get(name)!, expected.get(name)!));
        const advantages = Math.max(0, ...apartKnown);
        const told = metrics[precision][index]!;
        const names = Object.keys(mine.metrics);
        // These two tell their loss alone.
        assert.ok(['sft', 'ppo, critic'].includes(one.name) || names.length >= 3, `${names}`);
        const apart = Math.max(
          0,
          ...names.map(name => Math.abs(mine.metrics[name]! - (told[one.renamed?.[name] ?? name] ?? Number.NaN))),
        );
        const figures = [loss, gradient, advantages, apart].map(value => value.toExponential(1));
        rows.push(`| ${one.name} | ${precision} | ${figures.join(' | ')} |`);
        assert.ok(loss <= tolerance[precision], `loss: ${loss}`);
        assert.ok(gradient <= tolerance[precision], `gradient: ${gradient}`);
        assert.ok(advantages <= tolerance[precision], `advantages: ${advantages}`);
        assert.ok(apart <= tolerance[precision], `metrics: ${apart}`);
      });
    }
  }
});
