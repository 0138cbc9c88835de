/** Two runs in the editor's own diff, and a run's texts back in their files. */
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { changeBetween } from '../../base/textChange.ts';
import { settingsText } from '../../core/runs/changes.ts';
import { type RunSpecification, readSpecification } from '../../core/runs/runRecord.ts';
import { hashOf, readInput } from '../../storage/runInputs.ts';
import { readRunFile } from '../../storage/runStore.ts';
import type { WorkspaceLayout } from '../../storage/workspaceLayout.ts';
import { answerDocument } from './answerDocuments.ts';
import type { PlaygroundDocument } from './playgroundDocument.ts';

export interface NamedRun {
  readonly name: string;
  readonly specification: RunSpecification;
}

/** Rejects with a HumanError for a run that is gone, or kept too little. */
export async function specificationOfRun(layout: WorkspaceLayout, id: string): Promise<NamedRun> {
  const run = /^[\p{L}\p{N}._-]+$/u.test(id) ? await readRunFile(layout, id) : undefined;
  if (!run) throw new HumanError(vscode.l10n.t('This run is no longer there.'));
  const specification = readSpecification(run.specification);
  if (!specification) {
    throw new HumanError(
      vscode.l10n.t('This run was made by an earlier version, which did not keep the template’s text.'),
    );
  }
  const name = new Date(run.createdAt).toLocaleString(vscode.env.language, { dateStyle: 'short', timeStyle: 'medium' });
  return { name, specification };
}

/** Templates and settings of both, in one view with a diff for each. */
export async function diffRuns(before: NamedRun, after: NamedRun): Promise<void> {
  const pair = (name: string, left: string, right: string): [vscode.Uri, vscode.Uri, vscode.Uri] => {
    const [original, modified] = [
      answerDocument(`${before.name.replaceAll('/', '∕')}/${name}`, left),
      answerDocument(`${after.name.replaceAll('/', '∕')}/${name}`, right),
    ];
    return [modified!, original!, modified!];
  };
  const [was, is] = [before.specification, after.specification];
  const pairs = [
    pair(is.template.file.replace(/^.*\//, ''), was.template.text, is.template.text),
    pair('settings.yaml', settingsText(was), settingsText(is)),
  ];
  for (const other of is.others) {
    const earlier = was.others.find(({ file }) => file === other.file);
    if (earlier && earlier.hash !== other.hash)
      pairs.push(pair(other.file.replace(/^.*\//, ''), earlier.text, other.text));
  }
  await vscode.commands.executeCommand('vscode.changes', `${before.name} ↔ ${after.name}`, pairs);
}

/** One undoable edit of each file. Rows are put back only where the user wants that too. False where the user thought better of it. */
export async function restoreTexts(
  layout: WorkspaceLayout,
  { name, specification }: NamedRun,
  document: PlaygroundDocument,
): Promise<boolean> {
  const { template, data } = specification;
  const rows = data && (await changedRows(layout, data));
  const both = vscode.l10n.t('Template and Rows');
  const one = vscode.l10n.t('Template Only');
  if (rows) {
    const choice = await vscode.window.showInformationMessage(
      vscode.l10n.t('The rows in “{0}” are others now than in the run of {1}.', data.file, name),
      { modal: true, detail: vscode.l10n.t('Undo takes each file back.') },
      ...(rows.text === undefined ? [one] : [both, one]),
    );
    if (choice === undefined) return false;
    if (choice === both) await putBack(rows.uri, rows.text!);
  }
  const done = await document.change(text => changeBetween(text, withKeysOf(text, template.text)));
  if (!done) throw new HumanError(vscode.l10n.t('The file takes no changes. Is it read-only?'));
  return true;
}

/** Undefined where the file is as it was. */
async function changedRows(
  layout: WorkspaceLayout,
  data: NonNullable<RunSpecification['data']>,
): Promise<{ uri: vscode.Uri; text: string | undefined } | undefined> {
  const uri = vscode.Uri.joinPath(vscode.Uri.file(layout.root), data.file);
  const now = await vscode.workspace.fs.readFile(uri).then(
    bytes => hashOf(bytes),
    () => undefined,
  );
  if (now === data.hash) return undefined;
  return { uri, text: await readInput(layout, data.hash, data.file) };
}

async function putBack(uri: vscode.Uri, text: string): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  edit.createFile(uri, { ignoreIfExists: true });
  await vscode.workspace.applyEdit(edit);
  const document = await vscode.workspace.openTextDocument(uri);
  const replace = new vscode.WorkspaceEdit();
  const end = document.positionAt(document.getText().length);
  replace.replace(uri, new vscode.Range(new vscode.Position(0, 0), end), text);
  await vscode.workspace.applyEdit(replace);
  // Rows are read from the disk.
  await document.save();
}

/** A key that was left out of the record stays as it is in the file. */
function withKeysOf(now: string, then: string): string {
  const line = /^(\s*(?:-\s+)?["']?[\w-]+["']?\s*:[ \t]*)"\(left out\)"$/gm;
  return then.replace(line, (whole, head: string) => {
    const start = now.split('\n').find(other => other.startsWith(head));
    return start ?? whole;
  });
}
