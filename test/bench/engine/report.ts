/** What a run of the benchmark says: a table of ratios, JSON, and docs/performance.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { definitions } from './definitions.ts';
import type { Kept } from './kept.ts';
import { root } from './models.ts';
import type { CaseResult } from './run.ts';

export interface Entry {
  readonly case: string;
  readonly peer: string;
  readonly ours: number;
  readonly theirs: number;
  readonly unit: string;
  /** ours/theirs: higher is better. */
  readonly ratio: number;
}

export const entries = (results: readonly CaseResult[]): Entry[] =>
  results.flatMap(({ case: { name }, peers }) =>
    peers.map(({ peer, ours, theirs, unit, ratio }) => ({
      case: name,
      peer,
      ours: rounded(ours),
      theirs: rounded(theirs),
      unit,
      ratio: rounded(ratio),
    })),
  );

const rounded = (value: number): number => Number(value.toPrecision(4));
const shown = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** A Markdown table: one row for each case and peer, and for each that is missing. */
export function table(results: readonly CaseResult[]): string {
  const rows = results.flatMap(({ case: { name }, skipped, peers, missing, spread = 0 }) => [
    ...(skipped ? [[name, '', '', '', '', 'not measured', '']] : []),
    ...peers.map(peer => [
      name,
      peer.peer,
      shown(peer.ours),
      shown(peer.theirs),
      peer.unit,
      `${peer.ratio.toFixed(2)}×`,
      `${percent(spread)}, ${percent(peer.spread)}`,
    ]),
    ...missing.map(({ peer }) => [name, peer, '', '', '', 'missing', '']),
  ]);
  return markdownTable(
    ['case', 'peer', 'ours', 'theirs', 'unit', 'ours/theirs', 'spread'],
    ['---', '---', '---:', '---:', '---', '---:', '---'],
    rows,
  );
}

/** What is not in the table, and why; and what in it does not count, because others computed meanwhile. */
export function reservations(results: readonly CaseResult[]): string[] {
  return results.flatMap(({ case: { name }, skipped, missing, busy = 0 }) => [
    ...(busy > 0.1 ? [`${name} does not count: others kept the machine ${percent(busy)} busy between the turns`] : []),
    ...(skipped ? [`${name} is not measured: ${skipped}`] : []),
    ...missing.map(({ peer, reason }) => `${name}, ${peer} is missing: ${reason}`),
  ]);
}

function markdownTable(head: readonly string[], rule: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

export function writePerformance(kept: readonly Kept[], threads: number): void {
  const results = kept.map(({ result }) => result);
  const reserved = reservations(results).map(line => `- ${line}`);
  const lines = [
    '# Performance',
    '',
    'Written by `npm run bench:engine`: this engine in turns with its peers and with the limits of the machine; each case in one run.',
    '',
    `${os.cpus().length} × ${os.cpus()[0]?.model.trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${threads} threads, Node ${process.versions.node}.`,
    '',
    table(results),
    '',
    '`spread`: half the distance between the quartiles of the rounds as a share of the median, ours and theirs.',
    '',
    ...(reserved.length > 0 ? ['Reservations:', '', ...reserved, ''] : []),
    definitions(),
    '',
    '## What ran',
    '',
    markdownTable(['measured on', 'at commit', 'rounds', 'cases'], ['---', '---', '---:', '---'], occasions(kept)),
    '',
    variants(results),
    '',
    'What was tried before the rounds, and kept only where it was the fastest:',
    '',
    ...results.flatMap(({ case: { name }, notes }) => notes.map(note => `- ${name}: ${note}`)),
  ];
  const own = readFileSync(path.join(import.meta.dirname, 'findings.md'), 'utf8').trimEnd();
  writeFileSync(path.join(root, 'docs', 'performance.md'), `${lines.join('\n')}\n\n${own}\n`);
}

/** Which cases were measured when: one row for each day, commit and number of rounds. */
function occasions(kept: readonly Kept[]): string[][] {
  const measured = Map.groupBy(
    kept.filter(({ rounds }) => rounds > 0),
    ({ date, commit, rounds }) => [date, commit, String(rounds)].join('|'),
  );
  return [...measured].map(([key, same]) => [...key.split('|'), same.map(({ result }) => result.case.name).join(', ')]);
}

/** Who ran how: one row for each peer and way, with its cases. */
function variants(results: readonly CaseResult[]): string {
  const cases = new Map<string, string[]>();
  for (const { case: running, peers } of results) {
    for (const { peer, variant } of peers) {
      const key = JSON.stringify([peer, variant]);
      cases.set(key, [...(cases.get(key) ?? []), running.name]);
    }
  }
  const rows = [...cases].map(([key, names]) => [...(JSON.parse(key) as [string, string]), names.join(', ')]);
  return markdownTable(['peer', 'what ran', 'cases'], ['---', '---', '---'], rows);
}
