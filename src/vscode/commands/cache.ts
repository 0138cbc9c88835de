/** Clear Cache: what earlier runs were answered is forgotten, so that every model is asked anew. */
import * as vscode from 'vscode';
import { bytesText } from '../../core/jobs/estimate.ts';
import type { Services } from '../services.ts';

export async function clearCache(services: Services): Promise<void> {
  const cache = await services.responses();
  const { answers, bytes } = await cache.size();
  if (answers === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('The cache of answers is empty.'));
    return;
  }
  const clear = vscode.l10n.t('Clear Cache');
  const question = vscode.l10n.t('Forget {0} answers ({1})? Runs and rankings stay.', answers, bytesText(bytes));
  if ((await vscode.window.showWarningMessage(question, { modal: true }, clear)) !== clear) return;
  await cache.clear();
  void vscode.window.showInformationMessage(vscode.l10n.t('The cache of answers is empty.'));
}
