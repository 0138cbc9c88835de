/** What buttons of the Ranking view do outside of it. */
import * as vscode from 'vscode';
import type { RankingAction } from '../protocol/ranking.ts';
import { readGuidelines, readRankingProject } from '../storage/rankingFiles.ts';
import { CommandIds } from './commandIds.ts';
import { settingName } from './config.ts';
import type { Services } from './services.ts';

export function act(services: Services, action: RankingAction, set: string | undefined): void {
  if (action === 'edit-guidelines') {
    void editGuidelines(services, set).catch(error => services.showError(error));
    return;
  }
  if (action === 'hints-off') {
    const name = settingName('rankingHints');
    void vscode.workspace.getConfiguration().update(name, false, vscode.ConfigurationTarget.Global);
    return;
  }
  const command = {
    'open-playground': CommandIds.openPlayground,
    'open-in-editor': CommandIds.openRanking,
    'train-reward-model': CommandIds.trainRewardModel,
    'import-answers': CommandIds.importAnswers,
    'open-data': CommandIds.openData,
    export: CommandIds.exportPreferences,
  }[action];
  void vscode.commands.executeCommand(command);
}

/** Opens the guidelines of a set; a file that is not there yet begins with what such a file is for. */
async function editGuidelines(services: Services, set: string | undefined): Promise<void> {
  const layout = services.layout();
  const { project } = await readRankingProject(layout);
  const { guidelines } = project.of(set ?? '');
  const file = vscode.Uri.joinPath(vscode.Uri.file(layout.root), guidelines);
  if (!(await readGuidelines(layout, guidelines))) {
    const text = vscode.l10n.t(
      '# Guidelines\n\nWhat makes an answer better than another, the most important first:\n\n1. It does what was asked.\n2. Everything in it is true.\n3. It says so in as few words as it needs.\n\nEqual answers are a tie. If no answer is usable, choose “Both Bad”.\n',
    );
    await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
  }
  await vscode.window.showTextDocument(file);
}
