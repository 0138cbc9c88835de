/** What is wrong with the constitutions that are open, in the Problems panel. */
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { parseConstitution } from '../../core/constitution/constitution.ts';
import { looksLikeConstitution } from '../constitutions.ts';

/** One parse costs less than waiting for a rest after typing. */
export function checkConstitutions(): vscode.Disposable {
  const collection = vscode.languages.createDiagnosticCollection('tunesmith-constitutions');
  const check = (document: vscode.TextDocument): void => {
    if (document.languageId !== 'yaml') return;
    collection.set(document.uri, looksLikeConstitution(document) ? problems(document) : undefined);
  };
  for (const document of vscode.workspace.textDocuments) check(document);
  return vscode.Disposable.from(
    collection,
    vscode.workspace.onDidOpenTextDocument(check),
    vscode.workspace.onDidChangeTextDocument(({ document }) => check(document)),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => collection.delete(uri)),
  );
}

function problems(document: vscode.TextDocument): vscode.Diagnostic[] {
  try {
    parseConstitution(document.getText(), document.uri.fsPath);
    return [];
  } catch (error) {
    if (!(error instanceof HumanError)) throw error;
    const line = document.lineAt(Math.min((error.place.line ?? 1) - 1, document.lineCount - 1));
    const from = line.isEmptyOrWhitespace ? 0 : line.firstNonWhitespaceCharacterIndex;
    const diagnostic = new vscode.Diagnostic(
      new vscode.Range(line.lineNumber, from, line.lineNumber, line.text.length),
      error.message,
      vscode.DiagnosticSeverity.Error,
    );
    diagnostic.source = 'Tunesmith';
    return [diagnostic];
  }
}
