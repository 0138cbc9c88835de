/** The derived index: it says what the journals say, and whatever is wrong with it, the journals count. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type SnapshotArrayName, snapshotArrays } from '../../../src/core/preferences/standing.ts';
import { nodeDisk } from '../../../src/storage/fileSystem.ts';
import { loadIndex } from '../../../src/storage/journalIndex.ts';
import { PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { encodeRecord } from '../../../src/storage/recordLog.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

const items = 3000;
const time = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + 1000 * seconds).toISOString();
const base = { format: 1, author: 'ada' };
const header = encodeRecord({ ...base, type: 'header', log: 'preferences', writer: 'w', at: time(0) });
const item = (i: number) =>
  encodeRecord({
    ...base,
    type: 'item',
    id: `item${i}`,
    at: time(i),
    set: i % 2 ? 'odd' : 'even',
    messages: [{ role: 'user', content: `question ${i} ☂` }],
    answers: ['x', 'y'].map(id => ({ id, text: `${id}${i}`, model: 'm' })),
  });
const judgement = (i: number, more: object = {}) =>
  encodeRecord({
    ...base,
    type: 'judgement',
    id: `judgement${i}`,
    at: time(items + i),
    item: `item${i}`,
    ranking: [['x'], ['y']],
    shown: ['x', 'y'],
    verdict: 'ranked',
    flags: [],
    milliseconds: 1,
    ...more,
  });

describe('journalIndex', function () {
  this.timeout(60_000);
  let root: string;
  let journal: PreferenceJournal | undefined;
  const layout = () => workspaceLayout(root);
  const path = (writer = 'w') => join(root, '.tunesmith', 'preferences', 'ada', `${writer}.jsonl`);
  const index = () => join(root, '.tunesmith', 'index', 'preferences.bin');

  /** How a fresh process sees the workspace. */
  const look = async () => {
    journal = await PreferenceJournal.open(layout(), { author: 'ada' });
    const { itemCount, judgementCount, itemById } = journal.state;
    const problems = journal.problems.map(({ file, line }) => `${file.slice(-7)}:${line}`);
    const last = journal.judgementOf(`item${items - 1}`)?.id;
    const seen = { itemCount, judgementCount, problems, last, text: itemById.get('item17')?.messages[0]?.content };
    await journal.close();
    return seen;
  };

  beforeEach(async () => {
    root = memoryFolder();
    await nodeDisk.makeFolder(join(root, '.tunesmith', 'preferences', 'ada'));
    const numbers = Array.from({ length: items }, (_, i) => i);
    writeFileSync(
      path(),
      header +
        numbers.map(item).join('') +
        numbers
          .slice(1)
          .map(i => judgement(i))
          .join(''),
    );
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const whole = {
    itemCount: items,
    judgementCount: items - 1,
    problems: [] as string[],
    last: `judgement${items - 1}`,
    text: 'question 17 ☂',
  };

  it('is written when there is much to read, out of git’s sight, and says the same', async () => {
    assert.deepEqual(await look(), whole);
    assert.ok(existsSync(index()));
    assert.equal(readFileSync(join(root, '.tunesmith', 'index', '.gitignore'), 'utf8'), '*\n');
    const before = readFileSync(index());
    assert.deepEqual(await look(), whole);
    assert.deepEqual(readFileSync(index()), before, 'used, not written again');
    assert.deepEqual(readdirSync(join(root, '.tunesmith', 'index')).sort(), ['.gitignore', 'preferences.bin']);
  });

  const changes: Record<string, { change(): void; gives?: Partial<typeof whole> }> = {
    'newer lines': {
      change: () => appendFileSync(path(), judgement(0) + judgement(items - 1, { id: 'again', at: time(3 * items) })),
      gives: { judgementCount: items, last: 'again' },
    },
    'a deletion': {
      change: () =>
        appendFileSync(
          path(),
          encodeRecord({ ...base, type: 'deletion', id: 'd', at: time(0), deletes: 'judgement5' }),
        ),
      gives: { judgementCount: items - 2 },
    },
    'another writer’s file': {
      change: () => writeFileSync(path('v'), header + judgement(0)),
      gives: { judgementCount: items },
    },
    'a file that is gone': {
      change: () => rmSync(path()),
      gives: { itemCount: 0, judgementCount: 0, last: undefined, text: undefined },
    },
    'a file that went back to an earlier state': {
      change: () =>
        writeFileSync(
          path(),
          readFileSync(path(), 'utf8')
            .split('\n')
            .slice(0, 1 + items)
            .join('\n') + '\n',
        ),
      gives: { judgementCount: 0, last: undefined },
    },
    'another file of the same length in its place': {
      change: () => {
        const text = readFileSync(path(), 'utf8').replace('judgement5"', 'judgement6"');
        writeFileSync(`${path()}.new`, text);
        renameSync(`${path()}.new`, path());
      },
      gives: { judgementCount: items - 2, problems: [`w.jsonl:${1 + items + 5}`] },
    },
    'a line changed in place and its time put back': {
      change: () => {
        writeFileSync(path(), readFileSync(path(), 'utf8').replace('question 17 ☂', 'question 18 ☂'));
        utimesSync(path(), new Date(0), new Date(0));
      },
      gives: { itemCount: items - 1, judgementCount: items - 2, problems: ['w.jsonl:19'], text: undefined },
    },
    'the same file under another inode (a checkout there and back)': {
      change: () => {
        writeFileSync(`${path()}.new`, readFileSync(path()));
        renameSync(`${path()}.new`, path());
      },
    },
    'a torn last line': { change: () => appendFileSync(path(), judgement(0).slice(0, 40)) },
    'a last line without its end': {
      change: () => appendFileSync(path(), judgement(0).trimEnd()),
      gives: { judgementCount: items },
    },
  };
  for (const [name, { change, gives }] of Object.entries(changes)) {
    it(`notices ${name}`, async () => {
      await look();
      assert.ok(existsSync(index()));
      change();
      const kept = readFileSync(index());
      const seen = await look();
      assert.deepEqual(seen, { ...whole, ...gives });
      // What the index made of it is what the journals say without one.
      rmSync(index());
      assert.deepEqual(await look(), seen);
      writeFileSync(index(), kept);
      assert.deepEqual(await look(), seen);
    });
  }

  it('is made anew when it is torn at any place, damaged, or of another version', async () => {
    await look();
    const good = readFileSync(index());
    const damages: Buffer[] = [Buffer.alloc(0), Buffer.alloc(good.length), Buffer.concat([good, Buffer.from('x')])];
    for (let i = 1; i < 40; i++) damages.push(good.subarray(0, Math.floor((good.length * i) / 40)));
    for (let i = 0; i < 60; i++) {
      const turned = Buffer.from(good);
      const at = i < 30 ? i : Math.floor((good.length * (i - 29.5)) / 31);
      turned[at] = turned[at]! ^ (1 << (i % 8));
      damages.push(turned);
    }
    damages.push(Buffer.from(good.toString('latin1').replace(/"format":\d+/, '"format":9'), 'latin1'));
    for (const [i, damage] of damages.entries()) {
      writeFileSync(index(), damage);
      assert.ok((await loadIndex(layout())) === undefined, `damage ${i}`);
    }
    assert.deepEqual(await look(), whole);
    assert.ok(await loadIndex(layout()));
  });

  it('is made anew when what it says of standing judgements goes round or leaves the table, checksum or not', async () => {
    await look();
    const good = readFileSync(index());
    const headerBytes = good.readUInt32LE(8);
    const { lengths } = JSON.parse(good.toString('utf8', 16, 16 + headerBytes)).standing;
    let end = good.length - 4;
    const places = new Map<string, number>();
    for (const name of Object.keys(snapshotArrays).reverse() as SnapshotArrayName[]) {
      end -= lengths[name] * snapshotArrays[name].BYTES_PER_ELEMENT;
      places.set(name, end);
    }
    const forged: Record<string, (bytes: Buffer, at: number) => void> = {
      previous: (bytes, at) => {
        for (const row of [items + 1, items + 2]) bytes.writeUInt32LE(items + 2, at + 4 * row);
      },
      itemOrder: (bytes, at) => void bytes.writeUInt32LE(lengths.previous, at),
      items: (bytes, at) => void bytes.fill(1, at, at + 4 * lengths.items),
      deleted: (bytes, at) => void bytes.fill(1, at, at + 4 * lengths.deleted),
    };
    for (const [name, forge] of Object.entries(forged)) {
      const bytes = Buffer.from(good);
      forge(bytes, places.get(name)!);
      bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
      writeFileSync(index(), bytes);
      assert.equal(await loadIndex(layout()), undefined, name);
    }
    assert.deepEqual(await look(), whole);
  });

  it('goes on without where it may not be written', async () => {
    writeFileSync(join(root, '.tunesmith', 'index'), 'a file is in the way');
    assert.deepEqual(await look(), whole);
    assert.deepEqual(await look(), whole);
  });

  it('names the one broken line of a long file, and reads the rest', async () => {
    const lines = readFileSync(path(), 'utf8').split('\n');
    lines[items + 3] = lines[items + 3]!.replace('ranked', 'rankes');
    writeFileSync(path(), lines.join('\n'));
    for (let time = 0; time < 2; time++)
      assert.deepEqual(await look(), { ...whole, judgementCount: items - 2, problems: [`w.jsonl:${items + 4}`] });
  });
});
