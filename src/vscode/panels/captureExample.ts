/** Makes an answer of the playground an example: into the template's bank, with what speaks against it asked first, and undo. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { appendix, exampleLine, leakedRow, leakSentence, reasoningBefore } from '../../core/datasets/capture.ts';
import type { Cell } from '../../protocol/playgroundCells.ts';
import { besideTemplate } from '../templateFiles.ts';
import { openBank } from './bankEditor.ts';
import { type LoadedTemplate, rowValues } from './loadedTemplate.ts';

/** Banks to choose from where the template has none. */
const MostBanks = 200;

export interface CaptureRequest {
  readonly loaded: LoadedTemplate;
  readonly cell: Cell;
  /** The answer was reasoned: what stands before the short answer is the example's reasoning. */
  readonly reasons: boolean;
  /** Names a bank in the template, which has none. */
  setBank(bank: string): Promise<void>;
}

/** Resolves when it is done or the person gave up. */
export async function captureExample(request: CaptureRequest): Promise<void> {
  const { loaded, cell } = request;
  const { template, uri } = loaded;
  const values = rowValues(loaded, cell.row);
  const chosen = template.tunesmith.examples?.bank ?? (await chooseBank(loaded));
  if (chosen === undefined) return;
  if (!/\.jsonl$/i.test(chosen))
    throw new HumanError(vscode.l10n.t('Examples are added to JSON Lines banks only; “{0}” is none.', chosen));
  const answer = cell.answer?.text ?? cell.text;
  const source = cell.stages[0]?.text ?? cell.text;
  const reasoning = request.reasons ? reasoningBefore(source, answer) : undefined;
  const line = exampleLine({ template, values, answer, reasoning }, { bank: loaded.bank });
  if (!(await agreed(loaded, cell))) return;
  const bank = besideTemplate(uri, chosen);
  const document = await openDocument(bank);
  const added = await append(document, line);
  if (template.tunesmith.examples === undefined) await request.setBank(chosen);
  void say(document, added);
}

/** Asks where something speaks against this example; true where nothing does. */
async function agreed(loaded: LoadedTemplate, cell: Cell): Promise<boolean> {
  const { template, rows } = loaded;
  // Rows without an expected answer are not tested on.
  const tested = template.tunesmith.expected === undefined ? undefined : rows;
  const leak = leakedRow(template, rowValues(loaded, cell.row), tested);
  const remarks = [
    ...(cell.right === false ? [vscode.l10n.t('This answer is wrong by the template’s own rule.')] : []),
    ...(leak
      ? [leakSentence(leak.line), vscode.l10n.t('While that row is tested, comparisons pass over the example.')]
      : []),
  ];
  if (remarks.length === 0) return true;
  const add = vscode.l10n.t('Add Anyway');
  const title = vscode.l10n.t('Add this answer to the examples?');
  return (await vscode.window.showWarningMessage(title, { modal: true, detail: remarks.join('\n\n') }, add)) === add;
}

/** A bank of the workspace or a new one beside the template, as the template will name it. */
async function chooseBank({ uri, template }: LoadedTemplate): Promise<string | undefined> {
  const files = await vscode.workspace.findFiles('**/*.jsonl', '{**/node_modules/**,**/.*/**}', MostBanks);
  const fresh = `./${template.name}-examples.jsonl`;
  const picked = await vscode.window.showQuickPick(
    [
      { label: vscode.l10n.t('New bank'), description: fresh, bank: fresh },
      ...files.map(file => {
        const name = path.posix.relative(path.posix.dirname(uri.path), file.path);
        const bank = name.startsWith('.') ? name : `./${name}`;
        return { label: path.posix.basename(file.path), description: bank, bank };
      }),
    ],
    {
      title: vscode.l10n.t('Add to Examples'),
      placeHolder: vscode.l10n.t('The example bank of this template, from now on'),
    },
  );
  return picked?.bank;
}

async function openDocument(bank: vscode.Uri): Promise<vscode.TextDocument> {
  const exists = await vscode.workspace.fs.stat(bank).then(
    () => true,
    () => false,
  );
  if (!exists) await vscode.workspace.fs.writeFile(bank, new Uint8Array());
  return vscode.workspace.openTextDocument(bank);
}

/** Puts a line at the end, as an edit that the editor can undo; saved, unless others' changes wait there. Returns what was inserted. */
async function append(document: vscode.TextDocument, line: string): Promise<string> {
  const wasDirty = document.isDirty;
  const text = appendix(document.getText(), line);
  const edit = new vscode.WorkspaceEdit();
  edit.insert(document.uri, document.lineAt(document.lineCount - 1).range.end, text);
  if (!(await vscode.workspace.applyEdit(edit)))
    throw new HumanError(vscode.l10n.t('The file takes no changes. Is it read-only?'));
  if (!wasDirty) await document.save();
  return text;
}

/** Says what was done, with a way back. */
async function say(document: vscode.TextDocument, added: string): Promise<void> {
  const [undo, open] = [vscode.l10n.t('Undo'), vscode.l10n.t('Open the Bank')];
  const name = path.posix.basename(document.uri.path);
  const number = document.getText().trimEnd().split('\n').length;
  const message = vscode.l10n.t('Added to {0} as line {1}.', name, number);
  const chosen = await vscode.window.showInformationMessage(message, undo, open);
  if (chosen === open) await openBank(document.uri);
  if (chosen !== undo) return;
  const text = document.getText();
  const at = text.lastIndexOf(added);
  if (at < 0) {
    void vscode.window.showErrorMessage(vscode.l10n.t('The example was changed since. Remove it in the bank.'));
    return;
  }
  const edit = new vscode.WorkspaceEdit();
  edit.delete(document.uri, new vscode.Range(document.positionAt(at), document.positionAt(at + added.length)));
  const wasDirty = document.isDirty;
  await vscode.workspace.applyEdit(edit);
  if (!wasDirty) await document.save();
}
