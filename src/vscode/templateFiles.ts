/** The files that a template names, read again only when they changed, so that typing in a template stays quick. */
import { stat } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { ExampleBank } from '../core/datasets/bank.ts';
import type { DataRow } from '../core/datasets/rows.ts';
import type { Template } from '../core/prompts/template.ts';

const kept = new Map<string, { readonly stamp: string; readonly value: unknown }>();

/** The folder that nothing a template names may leave: its workspace folder, else its own. */
export const workspaceOf = (uri: vscode.Uri): string =>
  vscode.workspace.getWorkspaceFolder(uri)?.uri.fsPath ?? path.dirname(uri.fsPath);

/** The path of a file that a template names, to open it in an editor. */
export const besideTemplate = (uri: vscode.Uri, name: string): vscode.Uri =>
  vscode.Uri.file(path.resolve(path.dirname(uri.fsPath), name));

async function cached<T>(uri: vscode.Uri, name: string, read: () => Promise<T>): Promise<T> {
  const file = besideTemplate(uri, name).fsPath;
  const stamp = await stat(file).then(
    ({ size, mtimeMs, ino }) => `${size} ${mtimeMs} ${ino}`,
    () => undefined,
  );
  const known = kept.get(file);
  if (stamp !== undefined && known?.stamp === stamp) return known.value as T;
  const value = await read();
  if (stamp !== undefined) kept.set(file, { stamp, value });
  return value;
}

/** Throws a HumanError with file and line for what cannot be read. */
export async function rowsOf(uri: vscode.Uri, template: Template): Promise<readonly DataRow[] | undefined> {
  const { rows } = template.tunesmith;
  if (rows === undefined) return undefined;
  const { readTemplateRows } = await import('../storage/templateFiles.ts');
  return cached(uri, rows, () => readTemplateRows(template, workspaceOf(uri)));
}

/** Throws a HumanError with file and line for what cannot be read. */
export async function bankOf(uri: vscode.Uri, template: Template): Promise<ExampleBank | undefined> {
  const { examples } = template.tunesmith;
  if (!examples) return undefined;
  const { readTemplateBank } = await import('../storage/templateFiles.ts');
  return cached(uri, examples.bank, () => readTemplateBank(template, workspaceOf(uri)));
}
