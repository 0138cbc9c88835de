/**
 * `npm run bench:engine`: this engine in turns with its peers and with the limits of the machine. It prints a table of
 * ratios and writes docs/performance.md from the newest measurement of each case.
 *
 *   -- --json            print the figures as one JSON array, and all else to the standard error
 *   -- --only=A,B        only these cases
 *   -- --quick           two rounds, without torch.compile; nothing is written
 *   -- --no-compile      without torch.compile, which takes a minute or two before its first step
 *   -- --rounds N        rounds of each case (default 5)
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { cases } from './cases.ts';
import { keep, keptResults } from './kept.ts';
import { Limits } from './limits.ts';
import { entries, reservations, table, writePerformance } from './report.ts';
import { type CaseResult, runCase } from './run.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'no-compile': { type: 'boolean', default: false },
    rounds: { type: 'string' },
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
const rounds = Number(values.rounds ?? (values.quick ? 2 : 5));
if (!Number.isInteger(rounds) || rounds < 1) {
  log('--rounds has to be a whole number above 0.');
  process.exit(1);
}

const threads = os.availableParallelism();
const limits = new Limits(threads);
const results: CaseResult[] = [];
for (const running of cases) {
  if (names && !names.includes(running.name)) continue;
  log(`── ${running.name}`);
  const result = await runCase(running, {
    rounds,
    threads,
    compile: !values.quick && !values['no-compile'],
    limits,
    log,
  });
  if (result.skipped) log(`${running.name} is skipped: ${result.skipped}`);
  results.push(result);
  if (!values.quick) keep(result, rounds);
}
await limits.close();
if (values.json) process.stdout.write(`${JSON.stringify(entries(results), null, 1)}\n`);
(values.json ? log : console.log)([table(results), ...reservations(results)].join('\n'));
if (!values.quick) {
  writePerformance(keptResults(), threads);
  log('docs/performance.md is written.');
}
