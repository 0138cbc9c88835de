/** Language features of templates in the text editor of a real VS Code: what is offered while writing, and what mends it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { Workbench } from './workbench.ts';

const quiz = `---
name: quiz
inputs:
  question:
    kind: string
    default: Why is the sky blue?
metadata:
  tunesmith:
    reasoning:
      strategy: direct
---
system:
Be brief.

user:
{{ question }} and {{ qestion }}
`;

const old = readFileSync(path.join(import.meta.dirname, '../golden/prompts/first-version.prompty'), 'utf8');

describe('language features in the editor', function () {
  this.timeout(180_000);
  let workbench: Workbench;

  before(async () => {
    workbench = await Workbench.open({
      prepare: folder => {
        writeFileSync(path.join(folder, 'quiz.prompty'), quiz);
        writeFileSync(path.join(folder, 'old.prompty'), old);
      },
    });
  });
  after(() => workbench?.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await workbench.screenshot(`failed-language-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
    await workbench.page.keyboard.press('Escape');
  });

  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await workbench.page.keyboard.press(key);
  };
  /** Puts the caret at a place that counts from 1, as the status bar does. */
  async function goTo(line: number, column: number): Promise<void> {
    await press('Control+g');
    await workbench.page.locator('.quick-input-widget input').fill(`:${line}:${column}`);
    await press('Enter');
    await workbench.page.locator('.statusbar-item', { hasText: `Ln ${line}, Col ${column}` }).waitFor();
  }
  async function showing(text: string): Promise<void> {
    await workbench.page
      .locator('.editor-instance .view-lines', { hasText: text })
      .first()
      .waitFor({ timeout: 30_000 });
  }
  const saved = (name: string): string => readFileSync(path.join(workbench.folder, name), 'utf8');
  async function save(name: string): Promise<string> {
    await press('Control+s');
    await workbench.page.locator('.tab.dirty', { hasText: name }).waitFor({ state: 'detached' });
    return saved(name);
  }

  it('offers the inputs in the prompt, and the keys and values of the front matter', async () => {
    await workbench.openFile('quiz.prompty');
    // What is wrong is known when the file was read.
    await workbench.page.locator('.squiggly-error, .squiggly-warning').first().waitFor({ timeout: 60_000 });
    const row = (text: string) => workbench.page.locator('.suggest-widget .monaco-list-row', { hasText: text }).first();
    await goTo(13, 10);
    await workbench.page.keyboard.type(' {{ q');
    await row('question').waitFor();
    await workbench.screenshotsInThemes('language-completion');
    await press('Enter');
    await showing('Be brief. {{ question');
    await goTo(10, 23);
    await press('Control+Shift+ArrowLeft', 'Delete', 'Control+Space');
    await row('few-shot-cot').waitFor();
    await press('Escape');
    await workbench.command('File: Revert File');
    await showing('strategy: direct');
  });

  it('says in a hover what an input holds', async () => {
    await goTo(16, 6);
    await press('Control+k', 'Control+i');
    await workbench.page.locator('.monaco-hover:visible', { hasText: 'Why is the sky blue?' }).first().waitFor();
    await workbench.screenshotsInThemes('language-hover');
  });

  /** Opens the menu of quick fixes; the editor has none before what is wrong was found. */
  async function quickFix(title: string): Promise<Locator> {
    await workbench.page
      .locator('.squiggly-warning, .squiggly-info, .squiggly-hint, .squiggly-error')
      .first()
      .waitFor();
    const row = workbench.page.locator('.action-widget .monaco-list-row', { hasText: title }).first();
    for (let attempt = 1; ; attempt++) {
      await press('Control+.');
      try {
        await row.waitFor({ timeout: 10_000 });
        return row;
      } catch (error) {
        if (attempt === 4) throw error;
        await press('Escape');
      }
    }
  }

  it('mends a name by a quick fix', async () => {
    await goTo(16, 26);
    await quickFix('Change to “question”');
    await workbench.screenshotsInThemes('language-quick-fix');
    await press('Enter');
    await showing('and {{ question }}');
    assert.equal(await save('quiz.prompty'), quiz.replace('qestion', 'question'));
  });

  it('renames an input where it is declared and used', async () => {
    await goTo(16, 6);
    await press('F2');
    await workbench.page.locator('.rename-box input').waitFor();
    await workbench.page.locator('.rename-box input').fill('topic');
    await workbench.screenshotsInThemes('language-rename');
    await press('Enter');
    await showing('{{ topic }} and {{ topic }}');
    const expected = quiz.replace('qestion', 'question').replaceAll(/question/g, 'topic');
    assert.equal(await save('quiz.prompty'), expected);
  });

  it('changes a template of the first version to the second', async () => {
    await workbench.openFile('old.prompty');
    await workbench.page.locator('.tab.active', { hasText: 'old.prompty' }).waitFor();
    await goTo(2, 1);
    await (await quickFix('Change to Prompty 2')).click();
    await showing('maxOutputTokens: 300');
    const text = await save('old.prompty');
    assert.match(text, /kind: mustache/);
    assert.ok(text.endsWith(old.slice(old.indexOf('system:'))), 'the prompt keeps its bytes');
  });
});
