/** A template with its files as they were read, and its rows: what is asked of each and what is expected. No part of the editor is needed here. */
import type * as vscode from 'vscode';
import type { ExampleBank } from '../../core/datasets/bank.ts';
import { guardBank } from '../../core/datasets/leakage.ts';
import type { DataRow } from '../../core/datasets/rows.ts';
import type { Values } from '../../core/prompts/inputValues.ts';
import type { Reference } from '../../core/prompts/references.ts';
import type { Diagnostic, Template } from '../../core/prompts/template.ts';
import type { RowInput } from '../../protocol/playgroundCells.ts';
import type { Rows } from '../../protocol/playgroundRuns.ts';

export interface LoadedTemplate {
  readonly uri: vscode.Uri;
  readonly template: Template;
  readonly bank?: ExampleBank;
  readonly rows?: readonly DataRow[];
  /** The template's own and those of its files. */
  readonly diagnostics: readonly Diagnostic[];
  /** What the template wants from outside and may not have yet. */
  readonly waiting: readonly Reference[];
}

const guards = new WeakMap<ExampleBank, { readonly key: string; readonly rows: unknown; readonly bank: ExampleBank }>();

/**
 * The template with its bank held against the rows of `graded`, so that no example gives away what is asked; as it is where nothing
 * is graded. Made anew only when bank, rows or what is compared have changed.
 */
export function guarded(loaded: LoadedTemplate, graded: LoadedTemplate): LoadedTemplate {
  const { bank, template } = loaded;
  if (!bank || !graded.rows || graded.template.tunesmith.expected === undefined) return loaded;
  const inputs = template.inputs.map(({ name }) => name);
  const threshold = template.tunesmith.examples?.leakage ?? 1;
  const key = JSON.stringify([threshold, inputs]);
  const known = guards.get(bank);
  if (known?.key === key && known.rows === graded.rows) return { ...loaded, bank: known.bank };
  const guard = { key, rows: graded.rows, bank: guardBank(bank, graded.rows, inputs, threshold) };
  guards.set(bank, guard);
  guards.set(guard.bank, guard);
  return { ...loaded, bank: guard.bank };
}

/** Rows that can be run: those of the file, else one of the template's defaults and examples. */
export const rowCount = ({ rows }: LoadedTemplate): number => rows?.length ?? 1;

/** The rows that are meant, as far as they are there. */
export function rowList(loaded: LoadedTemplate, rows: Rows): number[] {
  const total = rowCount(loaded);
  if (rows.kind === 'row') return rows.row < total ? [rows.row] : [];
  return Array.from({ length: rows.kind === 'first' ? Math.min(rows.count, total) : total }, (_, i) => i);
}

export function rowValues({ template, rows }: LoadedTemplate, row: number): Values {
  if (rows) return rows[row]?.values ?? {};
  return Object.fromEntries(
    template.inputs.flatMap(input => {
      const value = input.default ?? input.example;
      return value === undefined || value === null ? [] : [[input.name, value]];
    }),
  );
}

export function rowExpected({ template, rows }: LoadedTemplate, row: number): unknown {
  const column = template.tunesmith.expected;
  return column === undefined ? undefined : rows?.[row]?.values[column];
}

/** A row as the page shows it: the inputs in the template's order. */
export function rowInput(loaded: LoadedTemplate, row: number): RowInput {
  const { template, rows } = loaded;
  const values = rowValues(loaded, row);
  return {
    row,
    values: template.inputs.map(input => asText(values[input.name] ?? input.default)),
    expected: rows && template.tunesmith.expected !== undefined ? asText(rowExpected(loaded, row)) : null,
  };
}

export const asText = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/** One line for an error that stops a run: the first of the diagnostics, with its place. */
export const firstProblem = (diagnostics: readonly Diagnostic[]): string | undefined =>
  diagnostics.find(({ severity }) => severity === 'error')?.message;
