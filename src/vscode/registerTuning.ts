/** Registers ranking, jobs and models by name; their code is loaded when a view opens or a command runs. */
import * as vscode from 'vscode';
import { CommandIds, PanelTypes, ViewIds } from './commandIds.ts';
import { lazyCommand, type Services } from './services.ts';

export function registerRanking(services: Services): void {
  const view = () => import('./views/rankingView.ts');
  const commands = () => import('./commands/rankingCommands.ts');
  services.store.add(
    vscode.window.registerWebviewViewProvider(
      ViewIds.rank,
      { resolveWebviewView: async webviewView => (await view()).resolveRankingView(services, webviewView) },
      // The draft and the place in the text survive a switch to another view of the side bar.
      { webviewOptions: { retainContextWhenHidden: true } },
    ),
  );
  services.store.add(
    vscode.window.registerWebviewPanelSerializer(PanelTypes.ranking, {
      async deserializeWebviewPanel(panel) {
        (await view()).restoreRankingPanel(services, panel);
      },
    }),
  );
  lazyCommand(services, CommandIds.openRanking, async () => (await view()).openRankingPanel);
  lazyCommand(services, CommandIds.undoRanking, async () => (await commands()).undoRanking);
  lazyCommand(services, CommandIds.exportPreferences, async () => (await commands()).exportPreferences);
}

export function registerJobs(services: Services): void {
  void services;
}

export function registerModelsView(services: Services): void {
  void services;
}
