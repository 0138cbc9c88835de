/** Saves what a dashboard or a comparison shows: curves as PNG, metrics as CSV, all of it as one HTML page. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import type { Services } from '../services.ts';

export interface Exportable {
  /** Of the file, without its end. */
  readonly name: string;
  /** A PNG as a data URL; null where nothing is drawn yet. */
  picture(): Promise<string | null>;
  csv(): string;
  html(): string;
}

type Kind = 'html' | 'csv' | 'png';

export async function exportCharts(services: Services, what: Exportable): Promise<void> {
  const kinds: (vscode.QuickPickItem & { readonly kindOf: Kind })[] = [
    {
      label: vscode.l10n.t('Report as HTML…'),
      description: vscode.l10n.t('one page with all curves, samples and settings; needs nothing else'),
      kindOf: 'html',
    },
    {
      label: vscode.l10n.t('Metrics as CSV…'),
      description: vscode.l10n.t('every step, nothing left out'),
      kindOf: 'csv',
    },
    { label: vscode.l10n.t('Curves as PNG…'), description: vscode.l10n.t('as they are drawn now'), kindOf: 'png' },
  ];
  const chosen = await vscode.window.showQuickPick(kinds, { title: vscode.l10n.t('Export {0}', what.name) });
  if (!chosen) return;
  const content = await contentOf(what, chosen.kindOf);
  const file = `${what.name.replace(/[^\p{L}\p{N}._-]+/gu, '-')}.${chosen.kindOf}`;
  const place = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.file(path.join(services.layout().root, file)),
    filters: { [chosen.kindOf.toUpperCase()]: [chosen.kindOf] },
  });
  if (!place) return;
  try {
    await writeFile(place.fsPath, content);
  } catch (cause) {
    throw new HumanError(vscode.l10n.t('This file cannot be written. Choose another place.'), {
      cause,
      place: { file: place.fsPath },
    });
  }
  // The page that asked goes on: nobody has to answer.
  void offerToOpen(place, chosen.kindOf);
}

async function offerToOpen(place: vscode.Uri, kind: Kind): Promise<void> {
  const open = vscode.l10n.t('Open');
  const name = path.basename(place.fsPath);
  const answer = await vscode.window.showInformationMessage(vscode.l10n.t('{0} was saved.', name), open);
  if (answer !== open) return;
  if (kind === 'html') await vscode.env.openExternal(place);
  else await vscode.commands.executeCommand('vscode.open', place);
}

async function contentOf(what: Exportable, kind: Kind): Promise<string | Buffer> {
  if (kind === 'html') return what.html();
  if (kind === 'csv') return what.csv();
  const url = await what.picture();
  if (url === null) throw new HumanError(vscode.l10n.t('There are no curves yet. They come with the first step.'));
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
}
