/** Drives the playground of a real VS Code, mostly with keys. */
import type { Frame, Locator } from 'playwright-core';
import type { Workbench } from './workbench.ts';

export class PlaygroundDriver {
  readonly workbench: Workbench;
  #page: Frame | undefined;

  constructor(workbench: Workbench) {
    this.workbench = workbench;
  }

  /** The page with a template in it, once `find` has found it. */
  get page(): Frame {
    if (!this.#page) throw new Error('The playground is not open yet.');
    return this.#page;
  }

  /** Opens the playground alone in the window, and this template in it. */
  async open(template: string): Promise<void> {
    await this.workbench.command('View: Close Primary Side Bar');
    await this.workbench.command('Tunesmith: Open Playground');
    await this.pick(template);
  }

  /** Picks a template in the playground that has none yet. */
  async pick(template: string): Promise<void> {
    const welcome = await this.workbench.frameWith('.picks', 90_000);
    await welcome.locator('.pick', { hasText: template }).focus();
    await this.press('Enter');
    await this.find();
  }

  /** Finds the page again after the window was reloaded or another tab was in front. */
  async find(): Promise<Frame> {
    this.#page = await this.workbench.frameWith('tunesmith-answers-pane', 60_000);
    await this.#page.locator('.prompt-editor').waitFor({ state: 'attached', timeout: 60_000 });
    return this.#page;
  }

  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.workbench.page.keyboard.press(key);
  }

  async type(text: string): Promise<void> {
    await this.workbench.page.keyboard.type(text);
  }

  /** Opens a menu and presses its items, with keys. */
  async choose(button: string, ...items: readonly (string | RegExp)[]): Promise<void> {
    await this.page.getByRole('button', { name: button }).locator('visible=true').first().focus();
    await this.press('Enter');
    for (const item of items) {
      await this.page.locator('[role^=menuitem]', { hasText: item }).first().focus();
      await this.press('Enter');
    }
    if ((await this.page.locator('[role=menu]').count()) > 0) await this.press('Escape');
  }

  /** Waits until the line beside Run says this. */
  async status(text: string | RegExp, timeout = 60_000): Promise<void> {
    await this.page.locator('.run-bar [role=status]', { hasText: text }).waitFor({ timeout });
  }

  /** A cell of the matrix; both count from 0, the column −1 is the question. Pinned rows stand first, but keep their numbers. */
  cell(row: number, column: number): Locator {
    const name = this.page.getByRole('rowheader', { name: `Row ${row + 1}`, exact: true });
    return this.page.locator('tunesmith-matrix-row').filter({ has: name }).locator(`[data-column="${column}"]`);
  }

  /** Opens a cell beside the matrix. */
  async openCell(row: number, column: number): Promise<Locator> {
    await this.cell(row, column).focus();
    await this.press('Enter');
    const view = this.page.locator('tunesmith-cell-view');
    await view.locator('.figures-list').waitFor();
    return view;
  }

  /** Presses Tab until the focus is on what the locator finds. */
  async tabTo(target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    for (let presses = 0; presses < 80; presses++) {
      if ((await target.and(this.page.locator(':focus')).count()) > 0) return;
      await this.press(key);
    }
    throw new Error(`Tab does not lead to ${String(target)}.`);
  }
}
