/** “Run” and “Open Playground” above the prompt of a template. */
import * as vscode from 'vscode';
import { parseTemplate } from '../../core/prompts/promptyFile.ts';
import { CommandIds } from '../commandIds.ts';

export function provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
  const { bodyRange, roles } = parseTemplate(document.getText(), document.uri.path);
  const position = document.positionAt(roles[0]?.range.start ?? bodyRange.start);
  const range = new vscode.Range(position, position);
  return [
    new vscode.CodeLens(range, {
      title: `$(play) ${vscode.l10n.t('Run')}`,
      command: CommandIds.runTemplate,
      arguments: [document.uri],
    }),
    new vscode.CodeLens(range, {
      title: `$(beaker) ${vscode.l10n.t('Open Playground')}`,
      command: CommandIds.openPlayground,
      arguments: [document.uri],
    }),
  ];
}
