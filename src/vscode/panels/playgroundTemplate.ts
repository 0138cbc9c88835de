/** A template with its files, as the playground shows and runs it. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import { errorMessage, isHumanError } from '../../base/errors.ts';
import type { DataRow } from '../../core/datasets/rows.ts';
import { samplingOf } from '../../core/evaluation/runCells.ts';
import { triggers } from '../../core/evaluation/triggers.ts';
import { expandAxes } from '../../core/evaluation/variants.ts';
import { listedAxes } from '../../core/prompts/axesSettings.ts';
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
import type { TemplateState } from '../../protocol/playgroundTemplate.ts';
import type { Approvals } from '../approvals.ts';
import { words } from '../approvalWords.ts';
import { bankOf, rowsOf } from '../templateFiles.ts';
import { asText, guarded, type LoadedTemplate, rowCount, rowExpected, rowInput } from './loadedTemplate.ts';

/** Rows that the list of inputs shows. The matrix has them all: it asks for those in view. */
const ListedRows = 1000;

/** Rows whose fields are offered as columns. */
const FieldRows = 100;
/** Leaking examples that are named one by one. */
const NamedLeaks = 20;

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
  const loaded = { uri, template: { ...template, diagnostics }, bank, rows, diagnostics, waiting: check.needsApproval };
  return guarded(loaded, loaded);
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

/** What a rule of extraction looks for. */
function detailOf(answer: AnswerRule): string {
  switch (answer.rule) {
    case 'choice':
      return answer.choices;
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

export function templateState(
  loaded: LoadedTemplate,
  diagnostics: readonly Diagnostic[] = loaded.diagnostics,
): TemplateState {
  const { template, uri, bank, rows, waiting } = loaded;
  const { reasoning, examples, expected, grade, score } = template.tunesmith;
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
      columns: columnsOf(rows ?? []),
    },
    examples: examples
      ? {
          bank: path.basename(examples.bank),
          total: bank?.rows.length ?? 0,
          shots: examples.shots,
          selection: examples.selection,
          seed: examples.seed,
          similarity: examples.similarity,
          embeddingModel: examples.embeddingModel,
          lambda: examples.lambda,
          label: examples.label,
          order: examples.order,
          leakage: examples.leakage,
          overBudget: examples.overBudget,
          columns: columnsOf(bank?.rows ?? []),
          leaks: leaksOf(loaded),
        }
      : null,
    answer: {
      rule: answer.rule,
      detail: detailOf(answer),
      flags: answer.rule === 'regex' ? answer.flags : '',
      expected: expected ?? '',
      grade: grade.rule,
      threshold: grade.threshold,
    },
    reasoning: {
      trigger: reasoning.trigger,
      extract: reasoning.extract,
      triggers: triggers.flatMap(({ kind, phrase }) =>
        kind === 'misleading' || kind === 'irrelevant' ? [] : [phrase],
      ),
      samples: reasoning.samples,
      of: reasoning.of,
      critique: reasoning.critique,
      revise: reasoning.revise,
      decompose: reasoning.decompose,
    },
    axes: listedAxes(template.tunesmith.axes).map(({ axis, values }) => ({
      axis,
      values: values.map(({ label, text }) => ({ label, text })),
    })),
    variants: variantsState(template),
    score: score ? { task: score.task, by: score.by, method: score.method, inside: score.input !== undefined } : null,
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

/** Names of the fields of the first rows. */
const columnsOf = (rows: readonly DataRow[]): string[] => [
  ...new Set(rows.slice(0, FieldRows).flatMap(({ values }) => Object.keys(values))),
];

function leaksOf({ bank, rows }: LoadedTemplate): NonNullable<TemplateState['examples']>['leaks'] {
  const leaks = [...(bank?.leaks ?? [])];
  const first = leaks.slice(0, NamedLeaks).map(([index, { line, similarity }]) => ({
    line: bank!.rows[index]!.line,
    row: (rows ?? []).findIndex(row => row.line === line),
    similarity,
  }));
  return { total: leaks.length, first };
}

function variantsState(template: Template): TemplateState['variants'] {
  try {
    return { count: expandAxes(template).length, problem: null };
  } catch (error) {
    return { count: 1, problem: errorMessage(error) };
  }
}
