/** Commands of templates in a real VS Code: prompts of other tools come in, prompts go out, and a better one is searched for. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ChatRequest, type ChatServer, startChatServer } from '../fakes/chatServer.ts';
import { Workbench } from './workbench.ts';

const promptfoo = `prompts: ['Add {{ a }} and {{ b }}.']
providers: [openai:gpt-4o]
tests:
  - vars: {a: 2, b: 3}
    assert: [{type: contains, value: '5'}]
`;
const promptYml = `name: Greeting
model: openai/gpt-4o
messages:
  - {role: system, content: Be kind.}
  - {role: user, content: 'Greet {{name}}.'}
`;
const template = `---
name: greet
model:
  id: gpt-4o
  options: {temperature: 0.5, maxOutputTokens: 40}
inputs:
  name: {kind: string, default: Ada}
---
system:
Be kind.

user:
Greet {{ name }}.
`;
const rows = Array.from({ length: 40 }, (_, i) => ({ q: `${i} + ${i + 2}`, a: String(2 * i + 2) }));
const search = `---
name: adding
inputs: {q: {kind: string}}
model: {options: {temperature: 0, maxOutputTokens: 24}}
metadata:
  tunesmith: {rows: rows.jsonl, expected: a, grade: numbers-equal, reasoning: {answer: {rule: last-number}}}
---
system:
Say something.

user:
{{ q }}
`;

/** Adds only where it is told to; proposes to tell it. */
function answer({ messages }: ChatRequest): string {
  const asked = messages.map(({ content }) => content).join('\n');
  if (/Which instruction|other words/.test(asked)) return 'Add both numbers.';
  const [a = 0, b = 0] = messages.at(-1)!.content.match(/\d+/g)?.map(Number) ?? [];
  return /Add both/.test(asked) ? `${a + b}` : 'Something.';
}

describe('commands of templates', function () {
  this.timeout(180_000);
  let server: ChatServer;
  let workbench: Workbench;

  before(async () => {
    server = await startChatServer(answer);
    workbench = await Workbench.open({
      machineSettings: { 'tunesmith.endpoints': [{ baseUrl: server.url, models: ['adder'] }] },
      prepare: folder => {
        const write = (name: string, text: string) => writeFileSync(path.join(folder, 'other', name), text);
        mkdirSync(path.join(folder, 'other'));
        write('promptfooconfig.yaml', promptfoo);
        write('greeting.prompt.yml', promptYml);
        write('greet.prompty', template);
        write('adding.prompty', search);
        write('rows.jsonl', `${rows.map(row => JSON.stringify(row)).join('\n')}\n`);
      },
    });
    await workbench.command('View: Close Primary Side Bar');
  });
  after(async () => {
    await workbench?.close();
    await server?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await workbench.screenshot(`failed-commands-${this.currentTest.title.slice(0, 40).replace(/\W+/g, '-')}`);
    await workbench.page.keyboard.press('Escape');
  });

  /** The lines that are seen of the editor in front. */
  async function shown(...texts: readonly string[]): Promise<void> {
    for (const text of texts)
      await workbench.page
        .locator('.editor-group-container.active .view-lines', { hasText: text })
        .first()
        .waitFor({ timeout: 30_000 });
  }
  const language = (name: string): Promise<void> =>
    workbench.page
      .locator('.statusbar-item', { hasText: new RegExp(`^\\s*${name}\\s*$`) })
      .first()
      .waitFor();

  async function importFile(name: string): Promise<void> {
    await workbench.command('Tunesmith: Import Prompt');
    const input = workbench.page.locator('.quick-input-widget input').first();
    const title = workbench.page.locator('.quick-input-title', { hasText: 'Import Prompt' });
    const row = workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first();
    await title.waitFor();
    // The picker writes its first folder when it has read it, also over a path that was typed before; while it reads, Enter does nothing.
    for (let tries = 0; await title.isVisible(); tries++) {
      assert.ok(tries < 20, `${name} cannot be picked`);
      await input.fill(path.join(workbench.folder, 'other', name));
      if (
        !(await row.waitFor({ timeout: 2000 }).then(
          () => true,
          () => false,
        ))
      )
        continue;
      await input.press('Enter');
      await title.waitFor({ state: 'hidden', timeout: 1000 }).catch(() => {});
    }
  }

  it('opens a prompt of promptfoo as a template, with its rows beside it', async () => {
    await importFile('promptfooconfig.yaml');
    await language('Prompty');
    await shown('Add {{ a }} and {{ b }}.');
    await workbench.page.locator('.view-lines', { hasText: '"a":2' }).first().waitFor();
  });

  it('opens a .prompt.yml as a template', async () => {
    await importFile('greeting.prompt.yml');
    await language('Prompty');
    await shown('name: Greeting', 'Be kind.', 'Greet {{ name }}.');
  });

  for (const [target, name, texts] of [
    ['OpenAI request', 'JSON', ['"role": "system"', 'Greet Ada.', '"temperature": 0.5']],
    ['cURL', 'Shell Script', ['curl', 'Greet Ada.']],
    ['TypeScript', 'TypeScript', ['Greet Ada.', 'await']],
    ['Python', 'Python', ['Greet Ada.', 'import']],
    ['.prompt.yml', 'YAML', ['messages:', 'Be kind.']],
  ] as const) {
    it(`exports a prompt as ${target}`, async () => {
      await workbench.openFile('greet.prompty');
      await workbench.command('Tunesmith: Export Prompt As');
      await workbench.pick(target);
      await language(name);
      await shown(...texts);
    });
  }

  it('searches a better prompt, shows the report and puts the winner into the template', async () => {
    await workbench.openFile('adding.prompty');
    await workbench.command('Tunesmith: Search for a Better Prompt');
    await workbench.pick('adder');
    await workbench.page.getByPlaceholder(/The model that proposes/).waitFor();
    await workbench.pick('adder');
    await workbench.page.getByPlaceholder(/What scores/).waitFor();
    await workbench.pick('Right answers');
    await workbench.page.getByPlaceholder(/How many calls/).waitFor();
    await workbench.pick('200 calls');
    await workbench.page
      .locator('.tab', { hasText: /report\.md/ })
      .first()
      .waitFor({ timeout: 90_000 });
    const told = workbench.page.locator('.notification-toast', { hasText: 'The winner is better' });
    await told.getByRole('button', { name: 'Apply to Template' }).click();
    await workbench.page.locator('.tab.active.dirty', { hasText: 'adding.prompty' }).waitFor();
    await shown('Add both numbers.');
    await workbench.page.keyboard.press('Control+s');
    await workbench.page.locator('.tab.dirty', { hasText: 'adding.prompty' }).waitFor({ state: 'detached' });
    const saved = readFileSync(path.join(workbench.folder, 'other', 'adding.prompty'), 'utf8');
    assert.equal(saved, search.replace('Say something.', 'Add both numbers.'));
  });

  it('fetched nothing from elsewhere', () => {
    assert.deepEqual(workbench.remoteRequests(), []);
  });
});
