/** Asks for files of the workspace or of this computer, and for lines of text. */
import path from 'node:path';
import * as vscode from 'vscode';
import type { Choice, QuickSteps } from '../quickSteps.ts';

/** A file of the workspace, or another one of this computer. */
export async function askFile(
  steps: QuickSteps,
  question: string,
  extensions: readonly string[],
): Promise<vscode.Uri | undefined> {
  return (await askOneOrMore(steps, question, extensions))?.[0];
}

/** One file, or several after a row that says what several are. */
export async function askFiles(
  steps: QuickSteps,
  question: string,
  extensions: readonly string[],
  several: string,
): Promise<readonly vscode.Uri[] | undefined> {
  return askOneOrMore(steps, question, extensions, several);
}

async function askOneOrMore(
  steps: QuickSteps,
  question: string,
  extensions: readonly string[],
  several?: string,
): Promise<readonly vscode.Uri[] | undefined> {
  const files = await choices(extensions);
  const browse = { label: `$(folder-opened) ${vscode.l10n.t('Browse…')}`, alwaysShow: true, value: 'browse' as const };
  const many = {
    label: `$(files) ${vscode.l10n.t('Several Files…')}`,
    description: several ?? '',
    alwaysShow: true,
    value: 'many' as const,
  };
  const offersMany = several !== undefined && files.length > 1;
  const chosen = await steps.ask<vscode.Uri | 'browse' | 'many'>(question, [
    ...files,
    ...(offersMany ? [many] : []),
    browse,
  ]);
  if (chosen === undefined) return undefined;
  if (chosen === 'many') {
    const uris = await steps.askMany(question, files);
    return uris && uris.length > 0 ? uris : undefined;
  }
  if (chosen !== 'browse') return [chosen];
  return vscode.window.showOpenDialog({
    openLabel: vscode.l10n.t('Choose'),
    title: question,
    canSelectMany: several !== undefined,
    filters: { [extensions.join(', ')]: [...extensions] },
  });
}

async function choices(extensions: readonly string[]): Promise<Choice<vscode.Uri>[]> {
  const found = await vscode.workspace.findFiles(
    `**/*.{${extensions.join(',')}}`,
    '**/{node_modules,.tunesmith,.git}/**',
    2000,
  );
  return found
    .map(uri => ({ uri, name: vscode.workspace.asRelativePath(uri, false) }))
    .filter(({ name }) => !/(^|\/)(package|package-lock|tsconfig)[^/]*\.json$/.test(name))
    .sort((a, b) => a.name.localeCompare(b.name))
    .map(({ uri, name }) => ({
      label: `$(file) ${path.posix.basename(name)}`,
      description: path.posix.dirname(name) === '.' ? '' : path.posix.dirname(name),
      value: uri,
    }));
}

/** One line, trimmed, not empty. Undefined when the person gave up. */
export async function askText(
  title: string,
  prompt: string,
  invalid: (text: string) => string | undefined = () => undefined,
  value = '',
): Promise<string | undefined> {
  const text = await vscode.window.showInputBox({
    title,
    prompt,
    value,
    validateInput: input =>
      input.trim() === '' ? vscode.l10n.t('Type something, or press Escape.') : invalid(input.trim()),
  });
  return text?.trim();
}
