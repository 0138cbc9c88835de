/** Commands around rankings: undo from the title bar, export as preference data. */
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { exportTrl, type TrlFormat } from '../../core/preferences/trlExport.ts';
import { ViewIds } from '../commandIds.ts';
import { askWhose } from '../judgeLabels.ts';
import type { Services } from '../services.ts';
import { rankingHost } from '../views/rankingView.ts';

export function undoRanking(services: Services): void {
  rankingHost(services).undo();
}

/** `Tunesmith: Review Disagreements`: in the Ranking view, or in the editor where that was used last. */
export async function reviewDisagreements(services: Services): Promise<void> {
  const host = rankingHost(services);
  if (!host.isVisible) await vscode.commands.executeCommand(`${ViewIds.rank}.focus`);
  host.review();
}

/** `Tunesmith: Export Preferences`: pairs of all judgements as a TRL preference data set. */
export async function exportPreferences(services: Services): Promise<void> {
  const journal = await services.journal();
  await journal.refresh();
  const filter = await askWhose(journal, vscode.l10n.t('Export Preferences'));
  if (!filter) return;
  const pairs = journal.pairs(filter);
  if (pairs.length === 0) {
    throw new HumanError(
      vscode.l10n.t('There is nothing to export: no ranking says yet that one answer is better than another.'),
    );
  }
  const choice = await vscode.window.showQuickPick(
    [
      {
        label: vscode.l10n.t('Conversational'),
        description: vscode.l10n.t('messages with roles; holds every prompt'),
        format: 'conversational' as TrlFormat,
      },
      {
        label: vscode.l10n.t('Standard'),
        description: vscode.l10n.t('plain text; prompts of one user message only'),
        format: 'standard' as TrlFormat,
      },
    ],
    {
      title: vscode.l10n.t('Export {0} Preference Pairs', pairs.length),
      placeHolder: vscode.l10n.t('Format of the TRL preference data set'),
    },
  );
  if (!choice) return;
  const text = exportTrl(pairs, choice.format);
  const target = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.joinPath(vscode.Uri.file(services.layout().root), 'preferences.jsonl'),
    filters: { 'JSON Lines': ['jsonl'] },
    saveLabel: vscode.l10n.t('Export'),
  });
  if (!target) return;
  await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(text));
  const open = vscode.l10n.t('Open File');
  const done = vscode.l10n.t('{0} pairs were exported.', pairs.length);
  if ((await vscode.window.showInformationMessage(done, open)) === open) {
    await vscode.window.showTextDocument(target);
  }
}
