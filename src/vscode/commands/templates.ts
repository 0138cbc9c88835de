/** Commands that make templates: a new one, and a copy of the sample workspace. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { CommandIds } from '../commandIds.ts';
import type { Services } from '../services.ts';

const starter = `---
name: {name}
description: Say in one line what this template is for.
model:
  options:
    temperature: 0.7
    maxOutputTokens: 64
inputs:
  question:
    kind: string
    default: What is the capital of France?
template:
  format:
    kind: jinja2
  parser:
    kind: prompty
---
system:
Answer in one short sentence.

user:
{{ question }}
`;

/** Asks for a name, writes `<name>.prompty` into the folder and opens it with its playground. */
export async function newTemplate(services: Services): Promise<void> {
  const folder = services.workspaceFolder();
  if (!folder) throw new HumanError(vscode.l10n.t('Open a folder first: a template is a file in it.'));
  const name = await vscode.window.showInputBox({
    title: vscode.l10n.t('New Template'),
    prompt: vscode.l10n.t('Name of the template. It becomes a file in {0}.', folder.name),
    value: 'my-template',
    validateInput: value =>
      /^[\p{L}\p{N}][\p{L}\p{N}_. -]*$/u.test(value.trim())
        ? undefined
        : vscode.l10n.t('Use letters, digits, dashes and underscores, beginning with a letter or digit.'),
  });
  if (!name) return;
  const file = vscode.Uri.joinPath(folder.uri, `${name.trim()}.prompty`);
  const taken = await vscode.workspace.fs.stat(file).then(
    () => true,
    () => false,
  );
  if (taken)
    throw new HumanError(
      vscode.l10n.t('There is already a file {0}. Choose another name.', path.basename(file.fsPath)),
    );
  await vscode.workspace.fs.writeFile(
    file,
    new TextEncoder().encode(starter.replace('{name}', JSON.stringify(name.trim()))),
  );
  await vscode.window.showTextDocument(file);
  await vscode.commands.executeCommand(CommandIds.openPlayground, file);
}

/** Copies the samples into a folder that the user picks and opens it: samples are to be changed, so never in place. */
export async function openSamples(services: Services): Promise<void> {
  const picked = await vscode.window.showOpenDialog({
    title: vscode.l10n.t('Where should the samples go? A folder “tunesmith-samples” is made there.'),
    openLabel: vscode.l10n.t('Copy Samples Here'),
    canSelectFiles: false,
    canSelectFolders: true,
    canSelectMany: false,
  });
  const parent = picked?.[0];
  if (!parent) return;
  const target = vscode.Uri.joinPath(parent, 'tunesmith-samples');
  const source = vscode.Uri.joinPath(services.context.extensionUri, 'samples');
  const taken = await vscode.workspace.fs.stat(target).then(
    () => true,
    () => false,
  );
  if (!taken) await vscode.workspace.fs.copy(source, target, { overwrite: false });
  await vscode.commands.executeCommand('vscode.openFolder', target, { forceNewWindow: false });
}
