import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { applyChange, changeBetween, changeOf, type TextChange } from '../../../src/base/textChange.ts';
import { DocumentSync } from '../../../src/protocol/documentSync.ts';

/** An editor's document with a page bound to it; messages of each direction stay in order and are late by chance. */
class World {
  text: string;
  version = 1;
  view: string;
  readonly rng: Rng;
  readonly toPage: (() => void)[] = [];
  readonly toHost: (() => void)[] = [];
  readonly page: DocumentSync;

  constructor(text: string, seed: number) {
    this.text = text;
    this.view = text;
    this.rng = Rng.seeded(seed);
    this.page = new DocumentSync(
      { version: 1, text },
      {
        send: (version, change) =>
          new Promise(resolve => {
            this.toHost.push(() => {
              const accepted = version === this.version;
              if (accepted) this.hostChanges(change, true);
              this.toPage.push(() => resolve(accepted));
            });
          }),
        apply: replacements => {
          this.view = applyChange(this.view, changeOf(replacements));
        },
        refused: () => {
          throw new Error('refused');
        },
      },
    );
  }

  hostChanges(change: TextChange, own = false): void {
    this.text = applyChange(this.text, change);
    const version = ++this.version;
    this.toPage.push(() => this.page.remote(version, change, own));
  }

  pageChanges(change: TextChange): void {
    this.view = applyChange(this.view, change);
    this.page.local(change);
  }

  randomChange(text: string, mark: string): TextChange {
    const offset = this.rng.int(text.length + 1);
    const length = this.rng.next() < 0.3 ? this.rng.int(Math.min(4, text.length - offset + 1)) : 0;
    return changeOf([{ offset, length, text: this.rng.next() < 0.9 ? mark : '' }]);
  }

  async deliver(): Promise<void> {
    const queue = this.rng.next() < 0.5 ? this.toPage : this.toHost;
    queue.shift()?.();
    await new Promise(resolve => setImmediate(resolve));
  }

  async settle(): Promise<void> {
    for (let i = 0; i < 10000 && (this.page.pending || this.toPage.length > 0 || this.toHost.length > 0); i++)
      await this.deliver();
  }
}

describe('DocumentSync', () => {
  it('ends with one text on both sides, whoever types when', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const world = new World('---\nname: a\n---\nuser:\nhello\n', seed);
      for (let i = 0; i < 25; i++) {
        const draw = world.rng.next();
        if (draw < 0.35) world.pageChanges(world.randomChange(world.view, 'p'));
        else if (draw < 0.6) world.hostChanges(world.randomChange(world.text, 'h'));
        else await world.deliver();
        assert.equal(world.page.text, world.view, 'what the page believes is what it shows');
      }
      await world.settle();
      assert.equal(world.page.pending, false);
      assert.equal(world.view, world.text, `seed ${seed}`);
    }
  });

  it('loses no keystroke of either side', async () => {
    const world = new World('', 3);
    for (let i = 0; i < 40; i++) {
      world.pageChanges(changeOf([{ offset: world.view.length, length: 0, text: 'p' }]));
      if (i % 3 === 0) world.hostChanges(changeOf([{ offset: 0, length: 0, text: 'h' }]));
      if (i % 2 === 0) await world.deliver();
    }
    await world.settle();
    assert.equal(world.text, 'h'.repeat(14) + 'p'.repeat(40));
    assert.equal(world.view, world.text);
  });

  it('says so when the document takes no changes, and asks no more', async () => {
    let sends = 0;
    let refusals = 0;
    const page = new DocumentSync(
      { version: 1, text: 'a' },
      {
        send: async () => {
          sends++;
          return false;
        },
        apply: () => {},
        refused: () => refusals++,
      },
    );
    page.local(changeOf([{ offset: 1, length: 0, text: 'b' }]));
    await new Promise(resolve => setTimeout(resolve, 20));
    assert.deepEqual([sends, refusals, page.text, page.pending], [5, 1, 'ab', true]);
  });

  it('does not echo: one change of the page is one change of the document, and none comes back', async () => {
    const world = new World('abc', 1);
    let applied = 0;
    const before = world.version;
    world.pageChanges(changeBetween('abc', 'abxc'));
    const view = world.view;
    await world.settle();
    if (world.view !== view) applied++;
    assert.equal(applied, 0);
    assert.equal(world.version, before + 1);
  });

  describe('settles', () => {
    const opened = (accept: (version: number) => Promise<boolean>) =>
      new DocumentSync({ version: 1, text: 'ab' }, { send: accept, apply: () => {}, refused: () => {} });
    const state = (promise: Promise<void>) =>
      Promise.race([promise.then(() => 'settled'), new Promise(resolve => setTimeout(resolve, 5, 'waiting'))]);

    it('at once where nothing is on its way', async () => {
      assert.equal(await state(opened(async () => true).settled()), 'settled');
    });

    it('once all that was typed is in the document', async () => {
      const page = opened(async () => true);
      page.local([1, 'x']);
      page.local([2, 'y']);
      const settled = page.settled();
      assert.equal(await state(settled), 'waiting');
      page.remote(2, [1, 'x'], true);
      assert.equal(await state(settled), 'waiting');
      page.remote(3, [2, 'y'], true);
      assert.equal(await state(settled), 'settled');
    });

    it('where the document refuses, or another takes its place', async () => {
      const refusing = opened(async () => Promise.reject(new Error('read-only')));
      refusing.local([1, 'x']);
      assert.equal(await state(refusing.settled()), 'settled');
      const left = opened(() => new Promise(() => {}));
      left.local([1, 'x']);
      const settled = left.settled();
      assert.equal(await state(settled), 'waiting');
      left.abandon();
      assert.equal(await state(settled), 'settled');
    });
  });
});
