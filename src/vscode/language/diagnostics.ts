/** What is wrong with the open templates, in the Problems panel. */
import * as vscode from 'vscode';
import { type Lint, lints } from '../../core/language/lints.ts';
import { templateDocument } from '../../core/language/templateDocument.ts';
import { loadTemplate } from '../panels/playgroundTemplate.ts';
import type { Services } from '../services.ts';
import { languageHost } from './host.ts';

/** Milliseconds of rest after typing. */
const Delay = 250;

export function provideDiagnostics(services: Services): vscode.Disposable {
  const collection = vscode.languages.createDiagnosticCollection('tunesmith');
  const timers = new Map<string, NodeJS.Timeout>();

  const check = async (document: vscode.TextDocument): Promise<void> => {
    const version = document.version;
    const { template, diagnostics } = await loadTemplate(document.uri, document.getText(), services.approvals);
    const host = languageHost(services, document.uri, template);
    const [bank, rows] = await Promise.all([host.bank(), host.rows()]);
    if (document.isClosed || document.version !== version) return;
    const remarks = lints(templateDocument(document.getText(), document.uri.fsPath), {
      ...(bank ? { bank } : {}),
      ...(rows ? { rows } : {}),
    });
    collection.set(
      document.uri,
      [...diagnostics, ...remarks].map(({ severity, code, message, range, file, line, unnecessary }: Lint) => {
        const place = new vscode.Range(document.positionAt(range.start), document.positionAt(range.end));
        const words = file === undefined ? message : `${file}${line === undefined ? '' : `:${line}`}: ${message}`;
        const diagnostic = new vscode.Diagnostic(place, words, severities[severity]);
        diagnostic.source = 'Tunesmith';
        diagnostic.code = code;
        if (unnecessary) diagnostic.tags = [vscode.DiagnosticTag.Unnecessary];
        return diagnostic;
      }),
    );
  };
  const soon = (document: vscode.TextDocument, delay: number): void => {
    if (document.languageId !== 'prompty' || !['file', 'untitled'].includes(document.uri.scheme)) return;
    const key = document.uri.toString();
    clearTimeout(timers.get(key));
    timers.set(
      key,
      setTimeout(() => {
        timers.delete(key);
        check(document).catch((error: unknown) => services.logger.error('A template could not be checked.', error));
      }, delay),
    );
  };
  const all = (): void => {
    for (const document of vscode.workspace.textDocuments) soon(document, 0);
  };
  all();
  return vscode.Disposable.from(
    collection,
    vscode.workspace.onDidOpenTextDocument(document => soon(document, 0)),
    vscode.workspace.onDidChangeTextDocument(({ document }) => soon(document, Delay)),
    vscode.workspace.onDidSaveTextDocument(document => {
      if (/\.(jsonl|csv)$/i.test(document.uri.path)) all();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(all),
    services.approvals.onDidChange(all),
    vscode.workspace.onDidCloseTextDocument(document => {
      clearTimeout(timers.get(document.uri.toString()));
      collection.delete(document.uri);
    }),
    { dispose: () => timers.forEach(clearTimeout) },
  );
}

const severities = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  information: vscode.DiagnosticSeverity.Information,
} as const;
