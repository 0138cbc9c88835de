/** The Ranking view of the side bar, and the same page as a wide editor. */
import * as vscode from 'vscode';
import { toDisposable } from '../../base/disposable.ts';
import { PanelTypes } from '../commandIds.ts';
import { RankingHost } from '../rankingHost.ts';
import { Lazy, type Services } from '../services.ts';
import { panelIcon, webviewOptions } from '../webview.ts';

const hosts = new WeakMap<Services, Lazy<RankingHost>>();

/** The one host of the window. */
export function rankingHost(services: Services): RankingHost {
  let host = hosts.get(services);
  if (!host) {
    host = new Lazy(() => services.store.add(new RankingHost(services)));
    hosts.set(services, host);
  }
  return host.value;
}

export function resolveRankingView(services: Services, view: vscode.WebviewView): void {
  const connection = rankingHost(services).attach(view.webview, 'sidebar', waiting => {
    const tooltip = waiting === 1 ? vscode.l10n.t('1 item to rank') : vscode.l10n.t('{0} items to rank', waiting);
    view.badge = waiting === 0 ? undefined : { value: waiting, tooltip };
  });
  view.onDidChangeVisibility(() => connection.setVisible(view.visible));
  view.onDidDispose(() => connection.dispose());
}

const panels = new WeakMap<Services, vscode.WebviewPanel>();

/** `Open Ranking in Editor`: one panel a window. */
export function openRankingPanel(services: Services): void {
  const open = panels.get(services);
  if (open) {
    open.reveal();
    return;
  }
  const panel = vscode.window.createWebviewPanel(
    PanelTypes.ranking,
    vscode.l10n.t('Rank'),
    vscode.ViewColumn.Active,
    webviewOptions(services.context.extensionUri),
  );
  restoreRankingPanel(services, panel);
}

export function restoreRankingPanel(services: Services, panel: vscode.WebviewPanel): void {
  panels.set(services, panel);
  panel.iconPath = panelIcon(services.context.extensionUri, 'rank');
  const connection = rankingHost(services).attach(panel.webview, 'editor', () => {});
  panel.onDidChangeViewState(() => connection.setVisible(panel.visible));
  const closed = toDisposable(() => {
    connection.dispose();
    panels.delete(services);
  });
  panel.onDidDispose(() => closed.dispose());
}
