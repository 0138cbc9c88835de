/** Drives a real VS Code in a browser: one server with the packaged extension, a workspace of its own, pages and screenshots. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser, Frame, FrameLocator, Page } from 'playwright-core';
import { launchBrowser } from '../../scripts/vscode/browser.ts';
import { type CodeServer, type CodeServerOptions, root, startCodeServer } from '../../scripts/vscode/codeServer.ts';

export const themes = {
  dark: 'Dark Modern',
  light: 'Light Modern',
  'high-contrast': 'Dark High Contrast',
  'high-contrast-light': 'Light High Contrast',
} as const;
export type Theme = keyof typeof themes;

/** What each theme leaves on a workbench and on a webview's body. */
const markers: Readonly<Record<Theme, { readonly workbench: string; readonly webview: string }>> = {
  dark: { workbench: 'vs-dark', webview: 'vscode-dark' },
  light: { workbench: 'vs', webview: 'vscode-light' },
  'high-contrast': { workbench: 'hc-black', webview: 'vscode-high-contrast' },
  'high-contrast-light': { workbench: 'hc-light', webview: 'vscode-high-contrast-light' },
};

/** VS Code follows the operating system's colours, which are ours to set; files are saved by hand, as on a desktop. */
const settings = {
  'files.autoSave': 'off',
  'window.autoDetectColorScheme': true,
  'window.autoDetectHighContrast': true,
  'workbench.preferredDarkColorTheme': 'Default Dark Modern',
  'workbench.preferredLightColorTheme': 'Default Light Modern',
  'workbench.preferredHighContrastColorTheme': 'Default High Contrast',
  'workbench.preferredHighContrastLightColorTheme': 'Default High Contrast Light',
};

export interface WorkbenchOptions extends CodeServerOptions {
  /** Folder that is copied to be the workspace; the samples by default. */
  readonly workspace?: string;
  /** Runs before VS Code opens the copy. */
  readonly prepare?: (folder: string) => void;
}

export class Workbench {
  readonly server: CodeServer;
  readonly browser: Browser;
  readonly page: Page;
  readonly folder: string;
  /** Every address that a page asked for, to prove that nothing remote is fetched. */
  readonly requests: string[] = [];

  private constructor(server: CodeServer, browser: Browser, page: Page, folder: string) {
    this.server = server;
    this.browser = browser;
    this.page = page;
    this.folder = folder;
    page.context().on('request', request => this.requests.push(request.url()));
  }

  static async open(options: WorkbenchOptions = {}): Promise<Workbench> {
    const vsix = path.join(root, 'dist', 'tunesmith.vsix');
    assert.ok(existsSync(vsix), 'dist/tunesmith.vsix is missing: run npm run package first');
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tunesmith-e2e-'));
    cpSync(options.workspace ?? path.join(root, 'samples'), folder, { recursive: true });
    options.prepare?.(folder);
    const server = await startCodeServer({
      install: [vsix],
      ...options,
      settings: { ...settings, ...options.settings },
      environment: { TUNESMITH_HOME: path.join(folder, '.home'), ...options.environment },
    });
    const browser = await launchBrowser();
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    // A busy machine is no failure.
    context.setDefaultTimeout(60_000);
    for (const script of ['systemColors.js', 'savedTabs.js'])
      await context.addInitScript({ path: path.join(import.meta.dirname, script) });
    const workbench = new Workbench(server, browser, await context.newPage(), folder);
    try {
      await workbench.load();
    } catch (error) {
      await workbench.screenshot('failed-to-open').catch(() => {});
      await workbench.close();
      throw error;
    }
    return workbench;
  }

  /** Opens or reloads the window, and waits until the extension's own icon is there. */
  async load(): Promise<void> {
    await this.page.goto(`${this.server.url}/?folder=${encodeURIComponent(this.folder)}`, { waitUntil: 'commit' });
    await this.page.waitForSelector('.monaco-workbench', { timeout: 120_000 });
    await this.page
      .getByRole('tab', { name: /^Tunesmith/ })
      .first()
      .waitFor({ timeout: 60_000 });
  }

  /** Waits until the editor has saved this of its tabs: it does so every few seconds, and never because of a reload. */
  async tabsSaved(text: string): Promise<void> {
    await this.page.waitForFunction(`savedTabsHave(${JSON.stringify(text)})`, undefined, {
      polling: 250,
      timeout: 30_000,
    });
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 300 });
  }

  /** Runs a command by its title in the palette. */
  async command(title: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input');
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
    for (let attempt = 1; ; attempt++) {
      await this.page.keyboard.press('Escape');
      await this.page.keyboard.press('F1');
      try {
        await input.fill(`>${title}`, { timeout: 15_000 });
        return await row.click({ timeout: 15_000 });
      } catch (error) {
        // What an earlier command does may take the focus, and with it the palette.
        if (attempt === 3) throw error;
      }
    }
  }

  /** Picks the row with this text in the quick pick that is open. */
  async pick(text: string | RegExp): Promise<void> {
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first().click({ timeout: 30_000 });
  }

  /** Picks the row whose label is exactly this, behind an icon or not. */
  async choose(label: string): Promise<void> {
    const name = this.page.locator('.label-name', { hasText: new RegExp(`^\\W*${label}$`) });
    const rows = this.page.locator('.quick-input-list .monaco-list-row', { has: name });
    await rows.first().click({ timeout: 60_000 });
  }

  /** Answers the dialog that asks for a file's name, once it has put its own proposal, which ends so, there. */
  async saveAs(file: string, proposed: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input').first();
    await input.waitFor();
    const holds = async (end: string): Promise<void> => {
      while (!(await input.inputValue()).endsWith(end)) await this.page.waitForTimeout(50);
    };
    await holds(proposed);
    await input.fill(file);
    await holds(file);
    await this.page.keyboard.press('Enter');
  }

  /** Opens a file of the workspace in an editor. */
  async openFile(file: string): Promise<void> {
    await this.page.keyboard.press('Escape');
    await this.page.keyboard.press('Control+P');
    const input = this.page.locator('.quick-input-widget input');
    await input.waitFor({ state: 'visible' });
    await input.fill(path.basename(file));
    await this.page
      .locator('.quick-input-list .monaco-list-row', { hasText: path.basename(file) })
      .first()
      .click({ timeout: 30_000 });
    await this.page
      .locator('.tabs-container .tab', { hasText: path.basename(file) })
      .first()
      .waitFor();
  }

  async openSideBar(): Promise<void> {
    const tab = this.page.getByRole('tab', { name: /^Tunesmith/ }).first();
    if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
  }

  /** As if the operating system's colours changed: at once, and without a click. */
  async theme(theme: Theme): Promise<void> {
    const dark = theme === 'dark' || theme === 'high-contrast';
    await this.page.evaluate(`systemColors(${dark}, ${theme.includes('contrast')})`);
    const { workbench, webview } = markers[theme];
    await this.page.waitForSelector(`.monaco-workbench.${workbench}`, { timeout: 15_000 });
    for (const frame of this.page.frames()) {
      if (!/fake\.html|[?&]id=/.test(frame.url())) continue;
      const body = frame.locator(`body[class*="vscode-"]:not(.${webview})`);
      await body.waitFor({ state: 'detached', timeout: 15_000 }).catch(() => {});
    }
    await this.drawn();
  }

  /** Until the workbench and all frames have drawn what they know. */
  async drawn(): Promise<void> {
    const frames = this.page
      .frames()
      .map(frame =>
        frame.evaluate('new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))'),
      );
    // Frames that are hidden never draw.
    await Promise.race([Promise.allSettled(frames), this.page.waitForTimeout(500)]);
  }

  /** A webview panel in the editor area. */
  panel(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').first().frameLocator('#active-frame');
  }

  /** The frame of a webview, panel or view, whose document has this element. */
  async frameWith(selector: string, timeout = 30_000): Promise<Frame> {
    const end = Date.now() + timeout;
    for (;;) {
      for (const frame of this.page.frames()) {
        try {
          if ((await frame.locator(selector).count()) > 0) return frame;
        } catch {
          // A frame that went away while we looked.
        }
      }
      if (Date.now() > end) throw new Error(`No webview has ${selector}.`);
      await this.page.waitForTimeout(100);
    }
  }

  /** Pictures for the eye, in .cache/screenshots. */
  async screenshot(name: string): Promise<void> {
    const folder = path.join(root, '.cache', 'screenshots');
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: path.join(folder, `${name}.png`) });
  }

  /** Four pictures, or four of each width of the window. `look` is done in each theme first. */
  async screenshotsInThemes(name: string, widths: readonly number[] = [], look = async () => {}): Promise<void> {
    const size = this.page.viewportSize()!;
    for (const theme of ['light', 'high-contrast-light', 'high-contrast', 'dark'] as const) {
      await this.theme(theme);
      await look();
      if (widths.length === 0) await this.screenshot(`${name}-${theme}`);
      for (const width of widths) {
        await this.page.setViewportSize({ width, height: size.height });
        await this.drawn();
        await this.screenshot(`${name}-${width}-${theme}`);
      }
    }
    await this.page.setViewportSize(size);
  }

  /** Requests that left the machine: anything but the server's own addresses and inlined data. */
  remoteRequests(): string[] {
    return this.requests.filter(
      url => !/^(https?:\/\/(127\.0\.0\.1|localhost)[:/]|data:|blob:|https:\/\/[^/]*vscode-cdn\.net\/)/.test(url),
    );
  }
}
