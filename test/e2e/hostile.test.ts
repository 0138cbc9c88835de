/** A workspace that tries each line of the safety rules in a real VS Code, first untrusted, then trusted, and gets nothing. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Frame, Locator } from 'playwright-core';
import { type ChatServer, startChatServer } from '../fakes/chatServer.ts';
import { type Attacker, hostileMarkup, startAttacker, startRedirecting } from './attacker.ts';
import { extensionHosts } from './extensionHost.ts';
import { type HostileWorkspace, makeHostileWorkspace, outsideSecret } from './hostileWorkspace.ts';
import { Workbench } from './workbench.ts';

const canary = 'canary-value-91c2';

describe('a hostile workspace', function () {
  this.timeout(300_000);
  let attacker: Attacker;
  let honest: ChatServer;
  let redirecting: Attacker;
  let hostile: HostileWorkspace;
  let profile: string;
  let workbench: Workbench;
  let host: number;

  before(async () => {
    attacker = await startAttacker();
    let salt = 0;
    honest = await startChatServer(({ model, messages }) => {
      if (model === 'markup') return hostileMarkup(attacker.url, ++salt);
      if (model === 'letters') return `${'a'.repeat(60)}!`;
      return `Echo: ${messages.map(({ content }) => content).join('\n')}`;
    });
    redirecting = await startRedirecting(attacker.url);
    hostile = await makeHostileWorkspace({
      attacker: attacker.url,
      honest: honest.url,
      redirecting: redirecting.url,
    });
    profile = await mkdtemp(path.join(os.tmpdir(), 'tunesmith-vscode-'));
    // What the person configured on this machine: one server, and no question at the start.
    mkdirSync(path.join(profile, 'data', 'Machine'), { recursive: true });
    const models = ['echo', 'markup', 'letters'];
    writeFileSync(
      path.join(profile, 'data', 'Machine', 'settings.json'),
      JSON.stringify({
        'tunesmith.endpoints': [
          { baseUrl: honest.url, models },
          { baseUrl: redirecting.url, models: ['redirect'] },
        ],
      }),
    );
    workbench = await Workbench.open({
      workspace: hostile.folder,
      workspaceTrust: true,
      profile,
      settings: {
        'security.workspace.trust.startupPrompt': 'never',
        'security.workspace.trust.banner': 'never',
        'workbench.secondarySideBar.defaultVisibility': 'hidden',
      },
      environment: { TUNESMITH_CANARY: canary, TUNESMITH_HOME: hostile.home },
    });
    let hosts = extensionHosts(workbench.server.pid);
    for (let i = 0; i < 100 && hosts.length === 0; i++) {
      await workbench.page.waitForTimeout(200);
      hosts = extensionHosts(workbench.server.pid);
    }
    assert.equal(hosts.length, 1);
    host = hosts[0]!;
  });
  after(async () => {
    await workbench?.close();
    await attacker?.close();
    await honest?.close();
    await redirecting?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    await rm(path.dirname(hostile.folder), { recursive: true, force: true });
  });

  beforeEach(() => {
    honest.requests.length = 0;
  });

  /** After each attempt: nothing fetched, nothing written, the same extension host answers. */
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await workbench.screenshot(`hostile-${this.currentTest.title.slice(0, 40).replaceAll(' ', '-')}`);
    assert.deepEqual(attacker.requests, []);
    assert.deepEqual(workbench.remoteRequests(), []);
    assert.deepEqual(
      workbench.requests.filter(url => url.startsWith(attacker.url)),
      [],
    );
    assert.deepEqual(readdirSync(hostile.canaries), []);
    assert.deepEqual(readdirSync(hostile.outside).sort(), ['bank.jsonl', 'outside.txt']);
    assert.deepEqual(extensionHosts(workbench.server.pid), [host]);
    assert.equal(await workbench.page.getByText('Something went wrong inside Tunesmith').count(), 0);
    await workbench.command('Tunesmith: Reset Approvals of Templates');
    await workbench.command('View: Close All Editors');
  });

  async function playground(name: string): Promise<Frame> {
    await workbench.command('Tunesmith: Open Playground');
    const welcome = await workbench.frameWith('.picks');
    await welcome.locator('.pick', { hasText: name }).first().click();
    const frame = await workbench.frameWith('tunesmith-answers-pane');
    await frame.getByRole('button', { name: 'Run', exact: true }).waitFor();
    return frame;
  }
  const run = (frame: Frame) => frame.getByRole('button', { name: 'Run', exact: true }).click();
  const notice = (frame: Frame, text: string | RegExp) =>
    frame.locator('.note', { hasText: text }).first().waitFor({ timeout: 30_000 });
  /** The answer of each sample that was finished. */
  async function answers(frame: Frame, count = 1): Promise<string[]> {
    await frame
      .locator('.sample .foot .figures[title*="stop"]')
      .nth(count - 1)
      .waitFor({ timeout: 30_000 });
    return frame.locator('.sample .prose').allTextContents();
  }
  async function until(done: () => boolean): Promise<void> {
    for (let i = 0; i < 300 && !done(); i++) await workbench.page.waitForTimeout(100);
    assert.ok(done());
  }
  const sent = () => JSON.stringify(honest.requests);
  /** Nothing of an answer became an element: only text. */
  async function onlyText(page: Locator): Promise<void> {
    await page.waitFor();
    const wanted = 'img, iframe, script, style, link, object, embed, svg use, a';
    assert.equal(await page.locator(wanted).count(), 0);
  }

  for (const trusted of [false, true]) {
    describe(trusted ? 'that was trusted' : 'in restricted mode', () => {
      if (trusted) {
        before(async () => {
          await workbench.command('Workspaces: Manage Workspace Trust');
          await workbench.page
            .locator('.workspace-trust-editor .monaco-button', { hasText: /^Trust$/ })
            .first()
            .click();
          await workbench.command('View: Close All Editors');
        });
      }

      it('reads no environment variable by itself', async () => {
        const frame = await playground('secret');
        await notice(frame, /TUNESMITH_CANARY/);
        await run(frame);
        await frame.locator('.sample').first().waitFor();
        await frame.locator('.sample .note, .sample .foot').first().waitFor();
        assert.ok(!sent().includes(canary));
        assert.ok(!(await frame.locator('body').innerText()).includes(canary));
      });

      for (const way of trusted ? ['parent', 'link'] : ['parent', 'absolute', 'link']) {
        it(`reads no file outside its folder (${way})`, async () => {
          const frame = await playground(`outside-${way}`);
          await notice(frame, /outside\.txt|link\.txt/);
          if (trusted && way === 'link') {
            // By its name it lies inside, so it is asked for; the link is seen when it is read.
            await frame.getByRole('button', { name: 'Review…' }).first().click();
            await answer('Allow in This Workspace');
            await notice(frame, /link\.txt/);
          }
          await run(frame);
          await frame.locator('.sample .note, .sample .foot').first().waitFor();
          assert.ok(!sent().includes(outsideSecret));
          assert.ok(!(await frame.locator('body').innerText()).includes(outsideSecret));
        });
      }

      it('sends nothing to a server that only the workspace names', async () => {
        const frame = await playground('endpoint');
        await frame.getByRole('button', { name: 'Choose Models' }).first().click();
        const menu = await frame.locator('[role=menu]').first().innerText();
        assert.match(menu, /echo/);
        assert.doesNotMatch(menu, /stolen/);
        await workbench.page.keyboard.press('Escape');
        if (trusted) {
          await frame
            .locator('.note', { hasText: 'send its prompts' })
            .getByRole('button', { name: 'Review…' })
            .click();
          assert.ok((await answer('Cancel')).includes(attacker.url), 'the question names the server');
        } else await notice(frame, attacker.url);
        await run(frame);
        await frame.locator('.sample .note, .sample .foot').first().waitFor();
      });

      it(trusted ? 'runs code where it can do no harm' : 'runs no code', async () => {
        await resume('coded');
        await toast(trusted ? /coded failed: .*may not use files/ : /coded failed: .*This reward is code/);
      });

      // The rest asks nobody for trust.
      if (trusted) return;

      it('gives a template no object of the program', async () => {
        const frame = await playground('objects');
        await run(frame);
        await frame.locator('.sample .note', { hasText: /env/ }).first().waitFor();
        assert.deepEqual(honest.requests, []);
      });

      it('reads no bank outside and includes no file', async () => {
        const frame = await playground('outside-bank');
        await notice(frame, /must be a path relative to the template/);
        await run(frame);
        await frame.locator('.sample .note').first().waitFor();
        assert.ok(!sent().includes(outsideSecret));
      });

      it('sends nothing on to where a server points', async () => {
        const frame = await playground('redirect');
        redirecting.requests.length = 0;
        await run(frame);
        await frame
          .locator('.sample .note', { hasText: `wants to send this request on to ${attacker.url}` })
          .first()
          .waitFor();
        assert.ok(redirecting.requests.length > 0);
      });

      it('runs no job that writes outside', async () => {
        await resume('escaping');
        await toast(/outside of the workspace/);
      });

      it('shows markup of answers as text, in the playground and while ranking', async () => {
        const frame = await playground('markup');
        await run(frame);
        await until(() => honest.requests.length >= 4);
        const shown = await answers(frame, 4);
        assert.ok(shown.some(text => text.includes(`<img src="${attacker.url}/img.png"`)));
        await onlyText(frame.locator('tunesmith-answers-pane'));
        await frame.getByRole('button', { name: 'Send to Ranking' }).first().click();
        const ranking = await workbench.frameWith('main.rk article');
        const text = await ranking.locator('.answers').innerText();
        assert.ok(text.includes(`<iframe src="${attacker.url}/frame">`), text);
        assert.ok(text.includes(`![picture](${attacker.url}/markdown.png)`), text);
        await onlyText(ranking.locator('main.rk'));
      });

      it('stops a hostile regular expression', async () => {
        const frame = await playground('pattern');
        await run(frame);
        await frame
          .locator('.sample .note', { hasText: /regular expression.*longer than 2 s/ })
          .first()
          .waitFor({ timeout: 60_000 });
      });

      it('stops a template that does not end', async () => {
        const frame = await playground('bomb');
        await notice(frame, /at most|stopped|too|limit|larger|longer/i);
      });

      it('stops a chat template that does not end', async () => {
        const frame = await playground('chat-template');
        await notice(frame, /chat template/);
        await run(frame);
        await frame
          .locator('.sample .note', { hasText: /chat template/ })
          .first()
          .waitFor({ timeout: 60_000 });
      });
    });
  }

  async function resume(job: string): Promise<void> {
    await workbench.openSideBar();
    const row = workbench.page.locator('.pane .monaco-list-row', { hasText: job }).first();
    await row.hover();
    await row.getByRole('button', { name: 'Resume Job' }).click();
  }
  const toast = (text: RegExp): Promise<void> =>
    workbench.page.locator('.notification-toast', { hasText: text }).first().waitFor({ timeout: 60_000 });

  /** Presses a button of the dialog that is open; its text. */
  async function answer(button: string): Promise<string> {
    const dialog = workbench.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    const text = await dialog.innerText();
    await dialog.getByRole('button', { name: button }).click();
    await dialog.waitFor({ state: 'detached' });
    return text;
  }

  describe('in the end', () => {
    it('gives an environment variable after it was asked for, by name, and takes it back', async () => {
      const frame = await playground('secret');
      const review = frame.getByRole('button', { name: 'Review…' }).first();
      await review.click();
      assert.match(await answer('Cancel'), /secret.*TUNESMITH_CANARY/s);
      await run(frame);
      await frame.locator('.sample .note').first().waitFor();
      assert.ok(!sent().includes(canary));
      await review.click();
      await answer('Allow in This Workspace');
      await review.waitFor({ state: 'detached' });
      await run(frame);
      const [text] = await answers(frame);
      assert.ok(text!.includes(`The value is ${canary}.`), text);
      // Only the input's default is a reference; in the body it is text.
      assert.ok(text!.includes('{env:TUNESMITH_CANARY}'), text);
      assert.equal(text!.split(canary).length, 2);
    });

    it('shows journals that no program of ours wrote', async () => {
      await workbench.command('Tunesmith: Open Ranking in Editor');
      const frame = await workbench.frameWith('main.rk article');
      assert.match(await frame.locator('body').innerText(), /Answer 1|from the journal|markup/);
      assert.equal(await frame.evaluate(() => (({}) as { polluted?: boolean }).polluted), undefined);
    });

    it('writes no secret into logs, runs or jobs', () => {
      const found: string[] = [];
      const look = (folder: string): void => {
        for (const name of readdirSync(folder)) {
          const file = path.join(folder, name);
          const info = statSync(file, { throwIfNoEntry: false });
          if (info?.isDirectory()) look(file);
          else if (info && info.size < 5e6 && readFileSync(file, 'latin1').includes(outsideSecret)) found.push(file);
        }
      };
      look(path.join(workbench.folder, '.tunesmith'));
      look(path.join(profile, 'data', 'logs'));
      assert.deepEqual(found, []);
      assert.ok(!workbench.server.log().includes(canary));
    });
  });
});
