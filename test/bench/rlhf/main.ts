/**
 * `npm run bench:rlhf`: steps of reinforcement learning in turns with TRL (RLOO) and with plain PyTorch (PPO). It prints a table
 * of ratios and writes docs/performance-rlhf.md from the newest measurement of each case.
 *
 *   -- --json            print the figures as one JSON array, and all else to the standard error
 *   -- --only=A,B        only these cases
 *   -- --quick           one round; nothing is written
 *   -- --rounds N        rounds of each case (default 5)
 *   -- --overlap         instead: steps with an actor beside the learner against steps in turn, for the RLOO cases
 *   -- --loop            instead: the seconds of SFT, reward model and PPO on the bundled model from the command line
 *   -- --append          adds the rounds to those of the same commit, for machines that are free for minutes only
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { PresetNames } from '../../../src/core/jobs/presets.ts';
import { type Case, cases } from './cases.ts';
import { keep, keepLoop, keepOverlap, keptLoops, keptOverlaps, keptResults } from './kept.ts';
import { measureLoop } from './loop.ts';
import { measureOverlap } from './overlap.ts';
import { entries, overlapTable, table, writePerformance } from './report.ts';
import { runCase } from './run.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    append: { type: 'boolean', default: false },
    overlap: { type: 'boolean', default: false },
    loop: { type: 'boolean', default: false },
  },
});
const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
const names = values.only?.split(',');
const unknown = names?.find(name => !cases.some(running => running.name === name));
if (unknown !== undefined) {
  log(`There is no case "${unknown}"; there are ${cases.map(({ name }) => name).join(', ')}.`);
  process.exit(1);
}
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
if (!Number.isInteger(rounds) || rounds < 1) {
  log('--rounds has to be a whole number above 0.');
  process.exit(1);
}

const threads = os.availableParallelism();
const measured: { case: Case; rounds: Awaited<ReturnType<typeof runCase>> }[] = [];
let failed = false;
if (values.loop) {
  for (const preset of values.quick ? (['quick'] as const) : PresetNames) {
    const times = await measureLoop(preset, log);
    if (!values.quick) keepLoop(times);
  }
}
for (const running of values.loop ? [] : cases) {
  if (names && !names.includes(running.name)) continue;
  if (values.overlap && running.settings.algorithm !== 'rloo') continue;
  log(`── ${running.name}`);
  try {
    if (values.overlap) {
      const overlap = await measureOverlap(running, threads, rounds);
      log(overlapTable([{ case: running, overlap }]));
      if (!values.quick) keepOverlap(running, overlap);
      continue;
    }
    const result = await runCase(running, { rounds, threads, log });
    measured.push({ case: running, rounds: values.quick ? result : keep(running, result, values.append) });
  } catch (error) {
    failed = true;
    log(`${running.name} is not measured: ${(error as Error).message}`);
  }
}
if (values.json) process.stdout.write(`${JSON.stringify(entries(measured), null, 1)}\n`);
if (measured.length > 0) (values.json ? log : console.log)(table(measured));
if (!values.quick) {
  writePerformance({ kept: keptResults(), overlaps: keptOverlaps(), loops: keptLoops() }, threads);
  log('docs/performance-rlhf.md is written.');
}
if (failed) process.exitCode = 1;
