/** One window of the editor with the playground in it, driven as a person drives it. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Frame } from 'playwright-core';
import { extensionHosts } from '../../e2e/extensionHost.ts';
import { Workbench } from '../../e2e/workbench.ts';
import type { AnswerServer } from './answerServer.ts';
import { processorSeconds } from './processes.ts';
import { Models, Samples, writeWorkspace } from './workspace.ts';

/** Milliseconds that a run may take. */
const RunLimit = 15 * 60_000;

export class Session {
  readonly workbench: Workbench;
  /** Of a whole run. */
  readonly #cells: number;
  #page: Frame | undefined;

  private constructor(workbench: Workbench, cells: number) {
    this.workbench = workbench;
    this.#cells = cells;
  }

  static async open(server: AnswerServer, rows: number): Promise<Session> {
    const empty = mkdtempSync(path.join(os.tmpdir(), 'tunesmith-bench-'));
    try {
      const workbench = await Workbench.open({
        workspace: empty,
        prepare: folder => writeWorkspace(folder, rows),
        settings: {
          'tunesmith.endpoints': [{ baseUrl: server.url, models: Models }],
          // Each start of the window begins with nothing open, and lists are tabs as files are.
          'workbench.editor.restoreEditors': false,
          'workbench.editor.useModal': 'off',
          // The run is measured, not the question before it.
          'tunesmith.forecastCalls': 1_000_000,
        },
      });
      return new Session(workbench, rows * Models.length * Samples);
    } finally {
      rmSync(empty, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    await this.workbench.close();
  }

  /** The process that the extension runs in. */
  extensionHost(): number {
    const host = extensionHosts(this.workbench.server.pid).at(-1);
    if (host === undefined) throw new Error('There is no extension host.');
    return host;
  }

  /**
   * Milliseconds that the editor counts for the extension's activation in this window: reading its code and `activate`. It waits
   * for the window to be at rest first, as the editor counts what other extensions do meanwhile too.
   */
  async activationMs(): Promise<number> {
    const { workbench } = this;
    await this.#rest();
    await workbench.openFile('bench.prompty');
    await workbench.command('Developer: Show Running Extensions');
    const row = workbench.page.locator('.runtime-extensions-editor .extension', { hasText: 'Tunesmith' }).first();
    const time = row.locator('.activation-time', { hasText: /\d ?ms/ });
    await time.waitFor({ timeout: 60_000 });
    const text = await time.innerText();
    const found = /(\d+) ?ms/.exec(text);
    if (!found) throw new Error(`The editor does not say how long activation took, but “${text}”.`);
    return Number(found[1]);
  }

  async reload(): Promise<void> {
    await this.workbench.load();
    await this.#rest();
  }

  /** Resolves when the extension host does nothing for a second, or after a minute. */
  async #rest(): Promise<void> {
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
      const host = extensionHosts(this.workbench.server.pid).at(-1);
      const before = host === undefined ? undefined : processorSeconds(host);
      await this.workbench.page.waitForTimeout(1000);
      if (host !== undefined && before !== undefined && processorSeconds(host) - before < 0.05) return;
    }
  }

  /** Opens the template in the playground and chooses models and samples. */
  async openPlayground(): Promise<Frame> {
    const { workbench } = this;
    await this.reload();
    await workbench.openSideBar();
    await workbench.page.getByRole('treeitem', { name: /^bench/ }).click();
    const page = await workbench.frameWith('[aria-label="Run Options"]');
    this.#page = page;
    const option = (text: string | RegExp) => page.locator('[role^="menuitem"]', { hasText: text }).first();
    await page.locator('[aria-label="Choose Models"]:visible').first().click();
    for (const model of Models) {
      if ((await option(model).getAttribute('aria-checked')) !== 'true') await option(model).click();
    }
    const bundled = option('pebble');
    if ((await bundled.count()) > 0 && (await bundled.getAttribute('aria-checked')) === 'true') await bundled.click();
    await workbench.page.keyboard.press('Escape');
    await page.locator('button[aria-label="Run Options"]').click();
    await option(`${Samples} Samples`).click();
    await workbench.page.keyboard.press('Escape');
    return page;
  }

  get page(): Frame {
    if (!this.#page) throw new Error('The playground is not open.');
    return this.#page;
  }

  /** Begins to run all rows. */
  async start(): Promise<void> {
    await this.page.locator('button[aria-label="Run Options"]').click();
    await this.page.locator('[role^="menuitem"]', { hasText: 'Run All' }).first().click();
    await this.page.locator('.run-bar', { hasText: ` of ${this.#cells}` }).waitFor({ timeout: 60_000 });
  }

  /** Resolves when every cell has its answer. */
  async finished(): Promise<void> {
    await this.page.locator('.run-bar', { hasText: `${this.#cells} answers` }).waitFor({ timeout: RunLimit });
    const status = await this.page.locator('.run-bar [role=status]').innerText();
    if (/failed/.test(status)) throw new Error(`The run did not go through: ${status}`);
  }

  /** The middle of an element of the page, in the window's coordinates. */
  async middleOf(selector: string): Promise<{ x: number; y: number }> {
    const box = await this.page.locator(selector).first().boundingBox();
    if (!box) throw new Error(`The page shows no ${selector}.`);
    return { x: box.x + box.width / 2, y: box.y + Math.min(box.height, 800) / 2 };
  }

  /** Puts the caret at the end of the prompt's last line. */
  async focusPrompt(): Promise<void> {
    await this.page.locator('.prompt-editor .view-line').last().click();
    await this.workbench.page.keyboard.press('Control+End');
  }

  /** Takes away the last characters that were typed. */
  async erase(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.workbench.page.keyboard.press('Backspace');
    // The template is read anew after a rest.
    await this.workbench.page.waitForTimeout(1000);
  }
}
