/** The workspace that the benchmark opens: one template, its rows, and three models on one server. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const Models = ['one', 'two', 'three'] as const;
export const Samples = 2;
export const Cells = 21_420;
export const Rows = Cells / Models.length / Samples;

const template = `---
name: bench
description: What the benchmark of the playground runs.
model:
  options:
    temperature: 0.7
    maxOutputTokens: 400
inputs:
  question: {kind: string, required: true}
  customer: {kind: string}
template:
  format: {kind: jinja2}
  parser: {kind: prompty}
metadata:
  tunesmith:
    rows: rows.jsonl
    expected: answer
    reasoning:
      answer: {rule: last-number}
    grade: numbers-equal
---
system:
You are a careful assistant of a small shop. Think step by step and end with “The answer is” and one number.
{% if customer %}You help {{ customer }}.{% endif %}

user:
{{ question }}
`;

/** Some hundred characters a row, all different. */
const rowOf = (row: number): object => ({
  question: `Order ${row} has ${2 + (row % 7)} pens at ${1 + (row % 5)} francs and a book at ${10 + (row % 13)} francs. ${'It was paid in part before, and the rest is due at the end of the month. '.repeat(2)}How much is left?`,
  customer: `Ann ${row}`,
  answer: row % 1000,
});

/** Writes the template and this many rows into a folder. */
export function writeWorkspace(folder: string, count: number): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'bench.prompty'), template);
  const rows = Array.from({ length: count }, (_, row) => JSON.stringify(rowOf(row)));
  writeFileSync(path.join(folder, 'rows.jsonl'), `${rows.join('\n')}\n`);
}
