/** The page of every webview: strict content security policy, nothing remote, and one typed channel to its script. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { Logger } from '../base/logger.ts';
import { type Channel, type Contract, type Handlers, openChannel } from '../protocol/rpc.ts';

/** Where scripts and styles of webviews lie; nothing else of the extension can be loaded by a page. */
export const mediaRoot = (extensionUri: vscode.Uri): vscode.Uri => vscode.Uri.joinPath(extensionUri, 'dist', 'media');

export const webviewOptions = (extensionUri: vscode.Uri): vscode.WebviewOptions => ({
  enableScripts: true,
  enableForms: false,
  enableCommandUris: false,
  localResourceRoots: [mediaRoot(extensionUri)],
});

/** The icon of a panel's tab: `media/icons/<name>-{light,dark}.svg`. */
export function panelIcon(
  extensionUri: vscode.Uri,
  name: 'template' | 'rank' | 'job' | 'data',
): { light: vscode.Uri; dark: vscode.Uri } {
  const icon = (theme: string): vscode.Uri =>
    vscode.Uri.joinPath(extensionUri, 'media', 'icons', `${name}-${theme}.svg`);
  return { light: icon('light'), dark: icon('dark') };
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, char => `&#${char.codePointAt(0)};`);

/** JSON that cannot end its script element. */
const inlineJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

export interface PageOptions {
  readonly extensionUri: vscode.Uri;
  readonly webview: vscode.Webview;
  /** Name of the entry: `dist/media/<entry>.js` and `<entry>.css`. */
  readonly entry: 'playground' | 'ranking' | 'jobs' | 'bank' | 'data';
  readonly title: string;
  /** Translations for the page (empty in English). */
  readonly bundle: Readonly<Record<string, string>>;
  /** Anything the page should draw at once, before its first message. */
  readonly initial?: unknown;
}

export function pageHtml({ extensionUri, webview, entry, title, bundle, initial }: PageOptions): string {
  const nonce = randomBytes(18).toString('base64');
  const root = mediaRoot(extensionUri);
  const uri = (name: string): string => escapeHtml(webview.asWebviewUri(vscode.Uri.joinPath(root, name)).toString());
  const source = webview.cspSource;
  // Styles may be inline because the code editor writes its rules at run time; scripts never.
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${source} 'unsafe-inline'`,
    `font-src ${source}`,
    `img-src ${source} data:`,
    `connect-src ${source}`,
    'worker-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const data = inlineJson({ bundle, initial: initial ?? null, root: webview.asWebviewUri(root).toString() });
  return `<!DOCTYPE html>
<html lang="${escapeHtml(vscode.env.language)}">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" id="vscode-codicon-stylesheet" href="${uri('codicon.css')}">
<link rel="stylesheet" href="${uri(`${entry}.css`)}">
<title>${escapeHtml(title)}</title>
</head>
<body>
<script type="application/json" id="tunesmith-data">${data}</script>
<script type="module" nonce="${nonce}" src="${uri(`${entry}.js`)}"></script>
</body>
</html>`;
}

/** Opens the host's side of a webview's channel. Handlers must be ready before the page's HTML is set. */
export function webviewChannel<C extends Contract>(
  webview: vscode.Webview,
  contract: C,
  handlers: Handlers<C['toHost']>,
  logger: Logger,
): Channel<C['toWebview']> {
  return openChannel<C['toHost'], C['toWebview']>({
    port: {
      // A webview that is gone drops messages; the channel's end tells whoever waits.
      post: message => void webview.postMessage(message).then(undefined, () => {}),
      listen: listener => webview.onDidReceiveMessage(listener),
    },
    mine: contract.toHost,
    theirs: contract.toWebview,
    handlers,
    onError: error => logger.error('A message between the editor and a view failed.', error),
  });
}
