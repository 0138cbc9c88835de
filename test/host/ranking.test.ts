import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { silentLogger } from '../../src/base/logger.ts';
import type { RankingDecision, RankingState } from '../../src/protocol/ranking.ts';
import { PreferenceJournal } from '../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { RankingHost } from '../../src/vscode/rankingHost.ts';
import type { Services } from '../../src/vscode/services.ts';

/** A page that speaks the protocol by hand. */
class FakePage {
  readonly #receive = new vscode.EventEmitter<unknown>();
  readonly posted: Record<string, unknown>[] = [];
  #id = 0;

  readonly webview = {
    options: {},
    html: '',
    cspSource: 'test:',
    asWebviewUri: (uri: vscode.Uri) => uri,
    onDidReceiveMessage: this.#receive.event,
    postMessage: async (message: Record<string, unknown>) => {
      this.posted.push(message);
      return true;
    },
  } as unknown as vscode.Webview;

  async request(method: string, params: unknown): Promise<RankingState> {
    const id = ++this.#id;
    this.#receive.fire({ type: 'request', id, method, params });
    for (;;) {
      const reply = this.posted.find(message => message.id === id);
      if (reply?.type === 'reply') return reply.result as RankingState;
      if (reply) throw new Error(String(reply.message));
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  }
}

describe('the host of the Ranking view', () => {
  let folder: string;
  let journal: PreferenceJournal;
  let host: RankingHost;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tunesmith-ranking-'));
    const layout = workspaceLayout(folder);
    journal = await PreferenceJournal.open(layout, { author: 'ada' });
    const services = {
      context: {
        extensionUri: vscode.Uri.file(folder),
        workspaceState: { get: () => undefined, update: async () => {} },
      },
      logger: silentLogger,
      bundle: {},
      journal: async () => journal,
      layout: () => layout,
    };
    host = new RankingHost(services as unknown as Services);
  });
  afterEach(async () => {
    host.dispose();
    await journal.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const put = (set: string, count: number) =>
    journal.addItems(
      Array.from({ length: count }, (_, i) => ({
        set,
        messages: [{ role: 'user' as const, content: `${set} ${i}` }],
        answers: ['red', 'green', 'blue'].map(text => ({ text, model: 'local:secret' })),
      })),
    );
  const onDisk = (): string =>
    readdirSync(path.join(folder, '.tunesmith/preferences'), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.jsonl'))
      .map(name => readFileSync(path.join(folder, '.tunesmith/preferences', name), 'utf8'))
      .join('');
  const decision = (state: RankingState, more: Partial<RankingDecision> = {}): RankingDecision => ({
    item: state.item!.id,
    verdict: 'ranked',
    values: [2, 1, 2],
    shown: state.item!.answers.map(answer => answer.id),
    flags: [['unsafe', 'no-such-flag'], [], []],
    highlights: [],
    skipReason: null,
    guidelines: null,
    note: '',
    milliseconds: 1200,
    ...more,
  });

  it('hands out items without their models', async () => {
    await put('colours', 2);
    const page = new FakePage();
    let waiting = -1;
    host.attach(page.webview, 'sidebar', count => {
      waiting = count;
    });
    const state = await page.request('open', { set: null, item: null, review: false });
    assert.equal(state.item?.answers.length, 3);
    assert.ok(!JSON.stringify(page.posted).includes('secret'));
    assert.equal(waiting, 2);
    assert.match(page.webview.html, /Content-Security-Policy/);
  });

  it('replies when the judgement is on the disk, with what comes next', async () => {
    await put('colours', 2);
    const page = new FakePage();
    host.attach(page.webview, 'sidebar', () => {});
    const first = await page.request('open', { set: null, item: null, review: false });
    const second = await page.request('judge', decision(first));
    assert.match(onDisk(), /"type":"judgement"/);
    assert.notEqual(second.item?.id, first.item?.id);
    const [judgement] = journal.state.judgements;
    const [a, b, c] = first.item!.answers.map(answer => answer.id);
    assert.deepEqual(judgement?.ranking, [[b], [a, c]]);
    assert.deepEqual(judgement?.shown, [a, b, c]);
    assert.deepEqual(judgement?.flags, ['unsafe']);
    assert.equal(second.paceMs, 1200);
  });

  it('undoes with the ranks kept, and again', async () => {
    await put('colours', 3);
    const page = new FakePage();
    host.attach(page.webview, 'sidebar', () => {});
    const first = await page.request('open', { set: null, item: null, review: false });
    const second = await page.request('judge', decision(first));
    await page.request('judge', decision(second, { values: [1, 2, 3], note: 'clear' }));
    const back = await page.request('undo', {});
    assert.equal(back.item?.id, second.item?.id);
    assert.deepEqual(back.item?.draft, {
      values: [1, 2, 3],
      flags: [['unsafe'], [], []],
      note: 'clear',
      highlights: [],
    });
    const start = await page.request('undo', {});
    assert.equal(start.item?.id, first.item?.id);
    assert.deepEqual(start.item?.draft?.values, [2, 1, 2]);
    assert.equal(start.canUndo, false);
    assert.equal(journal.state.judgements.length, 0);
  });

  it('refuses what was not shown, half a ranking, and an item that is gone', async () => {
    const [item] = await put('colours', 1);
    const page = new FakePage();
    host.attach(page.webview, 'sidebar', () => {});
    const state = await page.request('open', { set: null, item: null, review: false });
    await assert.rejects(page.request('judge', decision(state, { shown: ['x', 'y', 'z'] })), /not those of the item/);
    await assert.rejects(page.request('judge', decision(state, { values: [1, null, 2] })), /every answer/);
    await assert.rejects(page.request('judge', { item: 7 }), /expected/);
    await journal.delete(item!.id);
    await assert.rejects(page.request('judge', decision(state)), /removed in the meantime/);
    assert.equal(journal.state.judgements.length, 0);
  });

  it('tells every view of new items, and shows the set that they belong to', async () => {
    await put('old', 1);
    const pages = [new FakePage(), new FakePage()];
    for (const page of pages) host.attach(page.webview, 'editor', () => {});
    for (const page of pages) await page.request('open', { set: 'old', item: null, review: false });
    await put('new', 1);
    const state = await pages[1]!.request('open', { set: null, item: null, review: false });
    assert.equal(state.set, 'new');
    const told = () => pages[0]!.posted.filter(message => message.type === 'notice');
    for (let i = 0; told().length === 0 && i < 200; i++) await new Promise(resolve => setTimeout(resolve, 10));
    assert.equal((told().at(-1)!.params as RankingState).set, 'new');
  });
});
