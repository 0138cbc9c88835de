/** `Export Prompt As…` and `Import Prompt…`: the result opens as an untitled document, what was left out is said. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import type { Conversion } from '../../core/prompts/convert/conversion.ts';
import { asVersion2, convertTemplate, type Target, Targets } from '../../core/prompts/convert/convertTemplate.ts';
import { importPrompt } from '../../core/prompts/convert/importPrompt.ts';
import { exampleValues } from '../../core/prompts/inputValues.ts';
import { firstError } from '../../core/prompts/promptyFile.ts';
import { renderPrompt } from '../../core/prompts/render.ts';
import { templateInFront } from '../panels/playgroundCommands.ts';
import { loadTemplate } from '../panels/playgroundTemplate.ts';
import type { Services } from '../services.ts';

interface TargetChoice extends vscode.QuickPickItem {
  readonly target: Target;
}

const languages: Readonly<Record<Target, string>> = {
  prompty: 'prompty',
  openai: 'json',
  anthropic: 'json',
  curl: 'shellscript',
  typescript: 'typescript',
  python: 'python',
  'prompt.yml': 'yaml',
};

export async function exportPromptAs(services: Services, given?: vscode.Uri): Promise<void> {
  const uri = templateInFront(given);
  if (!uri) throw new HumanError(vscode.l10n.t('Open a template first.'));
  const labels: Readonly<Record<Target, string>> = {
    openai: vscode.l10n.t('OpenAI request (JSON)'),
    anthropic: vscode.l10n.t('Anthropic request (JSON)'),
    curl: 'cURL',
    typescript: 'TypeScript',
    python: 'Python',
    'prompt.yml': '.prompt.yml (GitHub Models)',
    prompty: vscode.l10n.t('.prompty, version 2'),
  };
  const items = Targets.map((target): TargetChoice => ({ target, label: labels[target] }));
  const title = vscode.l10n.t('Export Prompt As');
  const picked = await vscode.window.showQuickPick(items, { title });
  if (!picked) return;
  const text = (await vscode.workspace.openTextDocument(uri)).getText();
  if (picked.target === 'prompty') {
    await show({ text: asVersion2(text), notes: [] }, 'prompty');
    return;
  }
  const { template, bank, diagnostics, waiting } = await loadTemplate(uri, text, services.approvals);
  const wrong = firstError(template, diagnostics);
  if (wrong) throw wrong;
  // Where the prompt goes is not part of what is exported.
  if (waiting.some(({ kind }) => kind !== 'endpoint'))
    throw new HumanError(vscode.l10n.t('This template waits for an approval. Give it in the playground first.'));
  const evaluator = await services.evaluator();
  const values = exampleValues(template.inputs);
  const rendered = await renderPrompt(template, { values, bank }, evaluator.render);
  if (!rendered.prompt) throw firstError(template, rendered.diagnostics) ?? new Error('nothing rendered');
  await show(convertTemplate(template, rendered.prompt, picked.target), languages[picked.target]);
}

export async function importPromptFile(_services: Services, given?: vscode.Uri): Promise<void> {
  const uri = given ?? (await pickFile());
  if (!uri) return;
  const folder = vscode.Uri.joinPath(uri, '..');
  const read = async (at: vscode.Uri): Promise<string> =>
    new TextDecoder().decode(await vscode.workspace.fs.readFile(at));
  const text = await read(uri);
  // The importer asks for files without waiting, so those that it may ask for are read first.
  const beside = new Map<string, string>();
  for (const match of text.matchAll(/(?:file:\/\/)?([\w.][\w./-]*\.(?:txt|json|md|j2|ya?ml))\b/g)) {
    const name = match[1]!;
    if (beside.size >= 50 || name.split('/').includes('..')) continue;
    const content = await read(vscode.Uri.joinPath(folder, name)).catch(() => undefined);
    if (content !== undefined) beside.set(name, content);
  }
  await show(importPrompt(text, uri.fsPath, { read: name => beside.get(name) }), 'prompty');
}

async function pickFile(): Promise<vscode.Uri | undefined> {
  const picked = await vscode.window.showOpenDialog({
    title: vscode.l10n.t('Import Prompt'),
    openLabel: vscode.l10n.t('Import'),
    filters: { [vscode.l10n.t('Prompts of other tools')]: ['yml', 'yaml', 'prompt', 'md', 'json'] },
  });
  return picked?.[0];
}

async function show({ text, notes, files = [] }: Conversion, language: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ content: text, language });
  await vscode.window.showTextDocument(document);
  for (const { text: rows } of files) {
    const data = await vscode.workspace.openTextDocument({ content: rows, language: 'json' });
    await vscode.window.showTextDocument(data, {
      viewColumn: vscode.ViewColumn.Beside,
      preserveFocus: true,
      preview: false,
    });
  }
  const left = notes.map(({ message, line }) =>
    line === undefined ? message : vscode.l10n.t('line {0}: {1}', line, message),
  );
  const rows = files.map(({ name }) => vscode.l10n.t('Save the rows as {0} beside the template.', path.basename(name)));
  const told = [...left, ...rows];
  if (told.length > 0) void vscode.window.showWarningMessage(told.slice(0, 8).join(' '));
}
