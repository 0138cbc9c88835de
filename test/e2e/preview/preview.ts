/** Shows one webview's page in a plain browser with a scripted host, to look at it and to test it without an editor. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../../../scripts/vscode/browser.ts';
import { type Channel, type Contract, type Handlers, openChannel } from '../../../src/protocol/rpc.ts';

const root = path.resolve(import.meta.dirname, '../../..');

export const themeClasses = {
  dark: 'vscode-dark',
  light: 'vscode-light',
  'high-contrast': 'vscode-high-contrast',
  // Both, as the editor has it.
  'high-contrast-light': 'vscode-high-contrast vscode-high-contrast-light',
} as const;
export type PreviewTheme = keyof typeof themeClasses;

export interface PreviewOptions<C extends Contract> {
  readonly entry: 'playground' | 'ranking' | 'jobs' | 'bank' | 'data';
  readonly contract: C;
  readonly handlers: Handlers<C['toHost']>;
  readonly theme?: PreviewTheme;
  readonly width: number;
  readonly height: number;
  readonly initial?: unknown;
  readonly bundle?: Readonly<Record<string, string>>;
  /** What the page left behind before a reload. */
  readonly state?: unknown;
}

export interface Preview<C extends Contract> {
  readonly page: Page;
  readonly channel: Channel<C['toWebview']>;
  /** What the page has saved for a reload. */
  savedState(): Promise<unknown>;
  /** Errors of the page itself: there should be none. */
  readonly errors: readonly string[];
  close(): Promise<void>;
}

const bundles = new Map<string, Promise<{ js: string; css: string }>>();

const options: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  outdir: 'out',
  platform: 'browser',
  format: 'esm',
  target: 'chrome120',
  loader: { '.ttf': 'dataurl', '.svg': 'dataurl' },
  logLevel: 'warning',
};

function bundleOf(entry: string): Promise<{ js: string; css: string }> {
  let made = bundles.get(entry);
  if (!made) {
    made = build({ ...options, entryPoints: [`media/${entry}/main.ts`] }).then(({ outputFiles }) => ({
      js: outputFiles?.find(file => file.path.endsWith('.js'))?.text ?? '',
      css: outputFiles?.find(file => file.path.endsWith('.css'))?.text ?? '',
    }));
    bundles.set(entry, made);
  }
  return made;
}

const origin = 'http://preview.invalid';

export async function openPreview<C extends Contract>(
  browser: Browser,
  preview: PreviewOptions<C>,
): Promise<Preview<C>> {
  const { js, css } = await bundleOf(preview.entry);
  const context = await browser.newContext({ viewport: { width: preview.width, height: preview.height } });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', error => errors.push(String(error)));
  page.on('console', message => {
    if (message.type() === 'error') errors.push(message.text());
  });

  const listeners = new Set<(message: unknown) => void>();
  const channel = openChannel<C['toHost'], C['toWebview']>({
    port: {
      post: message => void page.evaluate(data => window.postMessage(data, '*'), message).catch(() => {}),
      listen: listener => {
        listeners.add(listener);
        return { dispose: () => listeners.delete(listener) };
      },
    },
    mine: preview.contract.toHost,
    theirs: preview.contract.toWebview,
    handlers: preview.handlers,
    onError: error => errors.push(String(error)),
  });
  await page.exposeFunction('previewPost', (message: unknown) => {
    for (const listener of listeners) listener(message);
  });

  const icons = path.join(root, 'node_modules/@vscode/codicons/dist');
  const files: Record<string, { type: string; body: string | Buffer }> = {
    '/': { type: 'text/html', body: pageHtml(preview) },
    '/page.js': { type: 'text/javascript', body: js },
    '/page.css': { type: 'text/css', body: css },
    // The code editor's helper does nothing that a picture shows.
    '/editorWorker.js': { type: 'text/javascript', body: '' },
    '/themes.css': { type: 'text/css', body: readFileSync(path.join(import.meta.dirname, 'themes.css')) },
    '/codicon.css': { type: 'text/css', body: readFileSync(path.join(icons, 'codicon.css')) },
    '/codicon.ttf': { type: 'font/ttf', body: readFileSync(path.join(icons, 'codicon.ttf')) },
  };
  await page.route('**/*', route => {
    const url = new URL(route.request().url());
    const file = url.origin === origin ? files[url.pathname] : undefined;
    return file ? route.fulfill({ contentType: file.type, body: file.body }) : route.abort();
  });
  await page.goto(`${origin}/`);
  await page.evaluate(() => document.fonts.ready);
  return {
    page,
    channel,
    errors,
    savedState: () => page.evaluate(() => (window as unknown as { previewState: unknown }).previewState),
    async close() {
      channel.dispose();
      await context.close();
    },
  };
}

function pageHtml(preview: Pick<PreviewOptions<Contract>, 'theme' | 'initial' | 'bundle' | 'state'>): string {
  const data = JSON.stringify({ bundle: preview.bundle ?? {}, initial: preview.initial ?? null, root: origin });
  const state = JSON.stringify(preview.state ?? null);
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Preview</title>
<link rel="stylesheet" href="themes.css"><link rel="stylesheet" href="codicon.css"><link rel="stylesheet" href="page.css">
<script>window.previewState=${state.replaceAll('<', '\\u003c')};window.acquireVsCodeApi=()=>({
postMessage:m=>window.previewPost(m),getState:()=>window.previewState??undefined,setState:s=>{window.previewState=s}})</script></head>
<body class="${themeClasses[preview.theme ?? 'dark']}">
<script type="application/json" id="tunesmith-data">${data.replaceAll('<', '\\u003c')}</script>
<script type="module" src="page.js"></script></body></html>`;
}

export { launchBrowser };
