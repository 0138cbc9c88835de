/** The playground: a panel beside a template, bound to its document. */
import * as vscode from 'vscode';
import type { Services } from '../services.ts';

export async function openPlayground(services: Services, uri?: vscode.Uri): Promise<void> {
  void [services, uri];
}
export async function runTemplate(services: Services, uri?: vscode.Uri): Promise<void> {
  await openPlayground(services, uri ?? vscode.window.activeTextEditor?.document.uri);
}
export function restorePlayground(services: Services, panel: vscode.WebviewPanel, state: unknown): void {
  void [services, state];
  panel.dispose();
}
