/** A template with its files, as the playground shows and runs it. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import { isHumanError } from '../../base/errors.ts';
import type { ExampleBank } from '../../core/datasets/bank.ts';
import type { DataRow } from '../../core/datasets/rows.ts';
import { samplingOf } from '../../core/evaluation/runCells.ts';
import { triggers } from '../../core/evaluation/triggers.ts';
import type { Values } from '../../core/prompts/inputValues.ts';
import { parseTemplate } from '../../core/prompts/promptyFile.ts';
import {
  checkReferences,
  endpointOf,
  type Reference,
  type ReferenceCheck,
  referencesOf,
  resolveReferences,
} from '../../core/prompts/references.ts';
import type { AnswerRule, Diagnostic, Template } from '../../core/prompts/template.ts';
import type { RowInput, TemplateState } from '../../protocol/playground.ts';
import type { Approvals } from '../approvals.ts';
import { words } from '../approvalWords.ts';
import { bankOf, rowsOf } from '../templateFiles.ts';

/** Rows that the list of inputs shows. The matrix has them all: it asks for those in view. */
const ListedRows = 1000;

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

/** Reads the template's text and its files; what is wrong with them becomes diagnostics. */
export async function loadTemplate(uri: vscode.Uri, text: string, approvals: Approvals): Promise<LoadedTemplate> {
  const parsed = withoutKeys(parseTemplate(text, uri.fsPath));
  const references = referencesOf(parsed);
  const check = checkReferences(references, approvals.policy());
  const resolved = references.length === 0 ? { template: parsed, diagnostics: [] } : await resolve(parsed, check);
  const { template } = resolved;
  // What was refused says why; that it is missing then need not be said as well.
  const refused = check.refused.map(({ reference }) => reference);
  const missing = resolved.diagnostics.filter(diagnostic => !names(diagnostic, refused));
  const diagnostics = [...template.diagnostics, ...missing];
  for (const { reference, reason } of check.refused) {
    const range = rangeOf(template, nameOf(reference));
    diagnostics.push({ severity: 'error', code: 'approval', message: reason, range });
  }
  const attempt = async <T>(
    read: () => Promise<T>,
    code: Diagnostic['code'],
    range: Diagnostic['range'],
  ): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!isHumanError(error)) throw error;
      const { file, line } = error.place;
      const elsewhere = file !== undefined && file !== template.file;
      const place = elsewhere ? { file: vscode.workspace.asRelativePath(file, false), line } : {};
      diagnostics.push({ severity: 'error', code, message: error.message, range, ...place });
      return undefined;
    }
  };
  const { examples, rows: rowsFile } = template.tunesmith;
  const bank = await attempt(() => bankOf(uri, template), 'missing-bank', examples?.range ?? template.frontMatterRange);
  const rows = await attempt(() => rowsOf(uri, template), 'missing-file', rangeOf(template, rowsFile ?? ''));
  return { uri, template: { ...template, diagnostics }, bank, rows, diagnostics, waiting: check.needsApproval };
}

/** Keys come from the key store alone, so of a template's connection only the address counts. */
function withoutKeys(template: Template): Template {
  const endpoint = endpointOf(template);
  return { ...template, model: { ...template.model, connection: endpoint === undefined ? undefined : { endpoint } } };
}

/** Puts in what was approved; what was not becomes an error, so that it is never sent. */
async function resolve(
  template: Template,
  { approved }: ReferenceCheck,
): Promise<{ readonly template: Template; readonly diagnostics: readonly Diagnostic[] }> {
  const env = new Map<string, string | undefined>();
  const files = new Map<string, string | undefined>();
  const { readReferencedFile } = await import('../../storage/templateFiles.ts');
  for (const reference of approved) {
    if (reference.kind === 'env') env.set(reference.name, process.env[reference.name]);
    // A file that cannot be read is reported as missing where it is named.
    else if (reference.kind === 'file')
      files.set(reference.file, await readReferencedFile(template.file, reference.file).catch(() => undefined));
  }
  return resolveReferences(template, { env, files });
}

const nameOf = (reference: Reference): string =>
  reference.kind === 'env' ? reference.name : reference.kind === 'file' ? reference.file : reference.address;

/** Whether a diagnostic is about one of these references. */
const names = ({ code, message }: Diagnostic, references: readonly Reference[]): boolean =>
  code === 'approval' && references.some(reference => message.includes(`“${nameOf(reference)}”`));

/** Where the front matter names a file; its first line where the text is not found. */
function rangeOf(template: Template, text: string): Diagnostic['range'] {
  const { start, end } = template.frontMatterRange;
  const at = template.text.slice(start, end).indexOf(text);
  return at === -1 ? { start, end: start } : { start: start + at, end: start + at + text.length };
}

/** Rows that can be run: those of the file, else one of the template's defaults and examples. */
export const rowCount = ({ rows }: LoadedTemplate): number => rows?.length ?? 1;

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

/** What a rule of extraction looks for. */
function detailOf(answer: AnswerRule): string {
  switch (answer.rule) {
    case 'regex':
      return answer.pattern;
    case 'after-marker':
      return answer.marker;
    case 'json-path':
      return answer.path;
    default:
      return '';
  }
}

const asText = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);

export function templateState(
  loaded: LoadedTemplate,
  diagnostics: readonly Diagnostic[] = loaded.diagnostics,
): TemplateState {
  const { template, uri, bank, rows, waiting } = loaded;
  const { reasoning, examples, expected, grade } = template.tunesmith;
  const { answer } = reasoning;
  const indices = Array.from({ length: Math.min(ListedRows, rowCount(loaded)) }, (_, i) => i);
  return {
    name: template.displayName ?? template.name,
    fileName: path.basename(uri.path),
    folder: path.dirname(vscode.workspace.asRelativePath(uri, false)).replace(/^\.$/, ''),
    strategy: reasoning.strategy,
    sampling: { ...samplingOf(template), stopSequences: [...samplingOf(template).stopSequences] },
    inputs: template.inputs.map(({ name, kind, description, required }) => ({
      name,
      kind,
      description: description ?? '',
      required,
    })),
    rows: {
      file: template.tunesmith.rows === undefined || !rows ? null : path.basename(template.tunesmith.rows),
      values: indices.map(row => rowInput(loaded, row).values),
      expected: rows && expected !== undefined ? indices.map(row => asText(rowExpected(loaded, row))) : null,
      total: rows?.length ?? 1,
    },
    examples: examples
      ? {
          bank: path.basename(examples.bank),
          total: bank?.rows.length ?? 0,
          shots: examples.shots,
          selection: examples.selection,
          seed: examples.seed,
        }
      : null,
    answer: {
      rule: answer.rule,
      detail: detailOf(answer),
      grade: grade.rule,
      threshold: grade.threshold,
    },
    reasoning: {
      trigger: reasoning.trigger,
      triggers: triggers.flatMap(({ kind, phrase }) =>
        kind === 'misleading' || kind === 'irrelevant' ? [] : [phrase],
      ),
      samples: reasoning.samples,
      of: reasoning.of,
      critique: reasoning.critique,
      revise: reasoning.revise,
      decompose: reasoning.decompose,
    },
    roles: template.roles.map(({ role, range }) => ({ role, range: { ...range } })),
    variables: template.variables.map(({ name, range }) => ({ name, range: { ...range } })),
    // What waits for an answer is shown as a question, not as an error too.
    diagnostics: diagnostics
      .filter(diagnostic => !names(diagnostic, waiting))
      .map(({ severity, message, range, file, line }) => ({
        severity,
        message,
        range: { ...range },
        place: file === undefined ? null : line === undefined ? file : `${file}:${line}`,
      })),
    approvals: waiting.map((reference, index) => ({
      id: String(index),
      message: words(reference, template.name).question,
    })),
  };
}

/** One line for an error that stops a run: the first of the diagnostics, with its place. */
export const firstProblem = (diagnostics: readonly Diagnostic[]): string | undefined =>
  diagnostics.find(({ severity }) => severity === 'error')?.message;
