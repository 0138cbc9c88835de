/** Reads the files that a template names, never outside the workspace: rows of inputs, example banks. */
import { readFile, realpath, stat } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../base/errors.ts';
import type { ExampleBank } from '../core/datasets/bank.ts';
import type { DataRow } from '../core/datasets/rows.ts';

/** Bytes: more than a person can look through. */
const Limit = 64 * 1024 * 1024;

/** Parsed files by path and state on disk, so that typing in a template does not read its data again. */
const parsed = new Map<string, { readonly stamp: string; readonly value: unknown }>();

/** The absolute path of a file that `template` names. Throws a HumanError when it would leave the workspace. */
export async function templateFile(template: vscode.Uri, relative: string): Promise<string> {
  const refuse = (reason: string): HumanError => new HumanError(reason, { place: { file: template.fsPath } });
  if (path.isAbsolute(relative) || /^[a-z]:/i.test(relative)) {
    throw refuse(vscode.l10n.t('“{0}” must be relative to the template.', relative));
  }
  const folder = vscode.workspace.getWorkspaceFolder(template)?.uri.fsPath ?? path.dirname(template.fsPath);
  const wanted = path.resolve(path.dirname(template.fsPath), relative);
  const real = await realpath(wanted).catch(() => undefined);
  if (real === undefined) throw refuse(vscode.l10n.t('The file “{0}” is not there. Correct the path.', relative));
  const root = await realpath(folder);
  if (real !== root && !real.startsWith(root + path.sep)) {
    throw refuse(vscode.l10n.t('“{0}” lies outside the workspace. Templates can only read files inside it.', relative));
  }
  return real;
}

async function read<T>(template: vscode.Uri, relative: string, parse: (text: string, file: string) => T): Promise<T> {
  const file = await templateFile(template, relative);
  const open = vscode.workspace.textDocuments.find(
    document => document.uri.scheme === 'file' && document.uri.fsPath === file,
  );
  const { size, mtimeMs } = await stat(file);
  if (size > Limit) {
    throw new HumanError(
      vscode.l10n.t('“{0}” is larger than {1} MB. Use a smaller file.', relative, Limit / 1024 / 1024),
    );
  }
  const stamp = open?.isDirty ? `open ${open.version}` : `${size} ${mtimeMs}`;
  const known = parsed.get(file);
  if (known?.stamp === stamp) return known.value as T;
  const text = open?.isDirty ? open.getText() : await readFile(file, 'utf8');
  const value = parse(text, path.basename(file));
  parsed.set(file, { stamp, value });
  return value;
}

export async function readTemplateRows(template: vscode.Uri, relative: string): Promise<readonly DataRow[]> {
  const { readRows } = await import('../core/datasets/rows.ts');
  return read(template, relative, readRows);
}

export async function readTemplateBank(template: vscode.Uri, relative: string): Promise<ExampleBank> {
  const { readBank } = await import('../core/datasets/bank.ts');
  return read(template, relative, readBank);
}
