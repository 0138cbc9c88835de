/** Answers as read-only documents, so that the editor's own diff can show two of them. */
import * as vscode from 'vscode';

const scheme = 'tunesmith-answer';
/** Documents are kept while the window lives; the oldest go first. */
const kept = 40;
const texts = new Map<string, string>();
let registered = false;
let next = 1;

/** A read-only document with this text; the end of its name is shown. */
export function answerDocument(name: string, text: string): vscode.Uri {
  if (!registered) {
    registered = true;
    vscode.workspace.registerTextDocumentContentProvider(scheme, {
      provideTextDocumentContent: uri => texts.get(uri.path) ?? '',
    });
  }
  const path = `/${next++}/${name}`;
  texts.set(path, text);
  if (texts.size > kept) texts.delete(texts.keys().next().value!);
  return vscode.Uri.from({ scheme, path });
}

/** Opens the editor's diff. Names are shown in its tab. */
export async function diffAnswers(
  left: { readonly name: string; readonly text: string },
  right: { readonly name: string; readonly text: string },
): Promise<void> {
  const [before, after] = [left, right].map(({ name, text }) => answerDocument(name.replaceAll('/', '∕'), text));
  await vscode.commands.executeCommand('vscode.diff', before, after, `${left.name} ↔ ${right.name}`, {
    viewColumn: vscode.ViewColumn.Active,
    preview: true,
  });
}
