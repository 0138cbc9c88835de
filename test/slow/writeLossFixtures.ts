/**
 * `node test/slow/writeLossFixtures.ts` asks TRL's trainers for one step of one loss of each family in double precision, and keeps
 * inputs and answers in test/golden/losses/trl.json, so that `npm test` holds the engine to them without Python.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { knownAnswers, type LossFixtures, lossCases, lossFamilies, lossFixtures } from '../fakes/lossCases.ts';
import { pythonWithTorch } from './python.ts';
import { askTrl, lossResults } from './trainingLosses.ts';

const python = pythonWithTorch('trl==1.13.0');
if (typeof python !== 'string') throw new Error(python.missing);
const folder = mkdtempSync(path.join(os.tmpdir(), 'tunesmith-losses-'));
try {
  const answers = await knownAnswers();
  const cases = lossCases(answers).filter(({ name }) => lossFamilies.includes(name));
  const metrics = askTrl(python, folder, cases);
  const kept: LossFixtures['cases'][string][] = [];
  for (const [index, { name, renamed = {} }] of cases.entries()) {
    const results = await lossResults(folder, name, 'float64');
    const names = [...results.keys()].sort();
    const values = Float64Array.from(names.flatMap(each => Array.from(results.get(each)!)));
    kept.push({
      sizes: Object.fromEntries(names.map(each => [each, results.get(each)!.length])),
      values: Buffer.from(values.buffer).toString('base64'),
      metrics: Object.fromEntries(
        Object.entries(metrics.float64[index]!).map(([theirs, value]) => [
          Object.keys(renamed).find(mine => renamed[mine] === theirs) ?? theirs,
          value,
        ]),
      ),
    });
  }
  const fixtures: LossFixtures = {
    madeBy: 'test/slow/writeLossFixtures.ts with TRL 1.13.0 (PPO: test/slow/trainingLosses.py)',
    answers,
    cases: Object.fromEntries(cases.map(({ name }, index) => [name, kept[index]!])),
  };
  mkdirSync(path.dirname(lossFixtures), { recursive: true });
  writeFileSync(lossFixtures, `${JSON.stringify(fixtures, null, 1)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
