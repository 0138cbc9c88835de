/** The journal: what is acknowledged is read back, in whatever state the files are. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isHumanError } from '../../../src/base/errors.ts';
import type { Disk } from '../../../src/storage/fileSystem.ts';
import { nodeDisk } from '../../../src/storage/fileSystem.ts';
import { type NewItem, PreferenceJournal } from '../../../src/storage/preferenceJournal.ts';
import { encodeRecord } from '../../../src/storage/recordLog.ts';
import { workspaceLayout } from '../../../src/storage/workspaceLayout.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

const question = (text: string): NewItem => ({
  set: 'greet',
  messages: [{ role: 'user', content: text }],
  answers: [
    { text: `${text} yes`, model: 'local:pebble' },
    { text: `${text} no`, model: 'local:pebble' },
    { text: `${text} perhaps`, model: 'local:pebble' },
  ],
});

describe('preferenceJournal', () => {
  let root: string;
  const opened: PreferenceJournal[] = [];
  const open = async (options: { author?: string; disk?: Disk } = {}) => {
    const journal = await PreferenceJournal.open(workspaceLayout(root), { author: 'Ada Lovelace', ...options });
    opened.push(journal);
    return journal;
  };
  const folder = () => join(root, '.tunesmith', 'preferences', 'ada-lovelace');
  const files = () => readdirSync(folder()).map(name => join(folder(), name));

  beforeEach(() => {
    root = memoryFolder();
  });
  afterEach(async () => {
    for (const journal of opened.splice(0)) await journal.close();
    rmSync(root, { recursive: true, force: true });
  });

  const judge = (journal: PreferenceJournal, item: string, order: number[][], replaces?: string) => {
    const { answers } = journal.state.itemById.get(item)!;
    return journal.addJudgement({
      item,
      ranking: order.map(group => group.map(index => answers[index]!.id)),
      shown: answers.map(answer => answer.id),
      verdict: 'ranked',
      flags: [],
      milliseconds: 1200,
      replaces,
    });
  };

  it('keeps a model judge’s judgements in a folder of their own, and reads all as one', async () => {
    const journal = await open();
    const [item] = await journal.addItems([question('a')]);
    const ids = item!.answers.map(({ id }) => id);
    const said = {
      item: item!.id,
      ranking: ids.map(id => [id]),
      shown: ids,
      verdict: 'ranked',
      flags: [],
      milliseconds: 1,
    } as const;
    const judgement = {
      ...said,
      shown: [...ids],
      flags: [],
      judge: 'j on m #00000000',
      judgedBy: { model: 'm', template: 'j', templateHash: '0', verdictsFrom: 'text' as const },
      pairs: [{ answers: [ids[0]!, ids[1]!] as [string, string], verdicts: ['A', 'B'] as ['A', 'B'] }],
    };
    await journal.addJudgements([judgement], { folder: 'judge j m' });
    await judge(journal, item!.id, [[1], [0], [2]]);
    const preferences = join(root, '.tunesmith', 'preferences');
    assert.deepEqual(readdirSync(preferences).sort(), ['ada-lovelace', 'judge-j-m']);
    assert.equal(readdirSync(join(preferences, 'judge-j-m')).length, 1);
    const again = await open({ author: 'bob' });
    assert.equal(again.state.judgementCount, 2);
    const kept = again.judgementOf(item!.id, { author: 'Ada Lovelace', judge: 'j on m #00000000' });
    assert.deepEqual([kept?.pairs, kept?.judgedBy], [judgement.pairs, judgement.judgedBy]);
    // Without the folder nothing of the judge is left, and all of the person.
    rmSync(join(preferences, 'judge-j-m'), { recursive: true });
    const without = await open({ author: 'bob' });
    assert.deepEqual(
      without.state.judgements.map(one => one.judge),
      [undefined],
    );
  });

  it('writes nothing before the first record, then a versioned header and the files for git', async () => {
    const journal = await open();
    assert.equal(await nodeDisk.identity(join(root, '.tunesmith')), undefined);
    await journal.addItems([question('a')]);
    const [file] = files();
    const first = JSON.parse(readFileSync(file!, 'utf8').split('\n')[0]!);
    assert.deepEqual([first.r.type, first.r.log, first.r.format], ['header', 'preferences', 1]);
    assert.match(readFileSync(join(root, '.tunesmith', '.gitattributes'), 'utf8'), /^preferences\/\*\* -text$/m);
    assert.match(
      readFileSync(join(root, '.tunesmith', '.gitignore'), 'utf8'),
      /^\/runs\/\n\/jobs\/\n\/models\/\n\/iterations\/\n\/index\/$/m,
    );
  });

  it('is read back by another process: items, latest judgements, ties, undo', async () => {
    const first = await open();
    const [a, b] = await first.addItems([question('a'), question('b')]);
    const one = await judge(first, a!.id, [[0], [1, 2]]);
    const two = await judge(first, a!.id, [[2], [1], [0]], one.id);
    await judge(first, b!.id, [[0, 1, 2]]);

    const second = await open();
    assert.deepEqual(second.problems, []);
    assert.equal(second.judgementOf(a!.id)?.id, two.id);
    assert.deepEqual(
      second.pairs().map(pair => `${pair.chosen} > ${pair.rejected}`),
      ['a perhaps > a no', 'a perhaps > a yes', 'a no > a yes'],
    );

    await second.delete(two.id);
    await first.refresh();
    assert.equal(first.judgementOf(a!.id)?.id, one.id, 'undoing a revision brings the first judgement back');
    assert.deepEqual(
      first.pairs().map(pair => `${pair.chosen} > ${pair.rejected}`),
      ['a yes > a no', 'a yes > a perhaps'],
    );
    assert.equal(files().length, 2, 'each writer has a file of its own');
  });

  it('keeps every field of a judgement, also one of a later version', async () => {
    const first = await open();
    const [item] = await first.addItems([question('a')]);
    const [a, b, c] = item!.answers.map(({ id }) => id);
    const fields = {
      item: item!.id,
      kind: 'rating' as const,
      ranking: [[b!], [a!, c!]],
      ratings: { [a!]: 2, [b!]: 5, [c!]: 2 },
      scale: { min: 1, max: 5 },
      shown: [c!, a!, b!],
      verdict: 'ranked' as const,
      flags: ['unsafe'],
      flagged: { [a!]: ['unsafe'] },
      highlights: [{ answer: a!, start: 0, end: 3, comment: 'the name', severity: 'high' }],
      guidelines: '0123456789ab',
      milliseconds: 900,
      confidence: 0.7,
    };
    await first.addJudgement(fields);
    const { format, id, at, author, type, ...read } = (await open()).judgementOf(item!.id)!;
    assert.deepEqual([format, author, type], [1, 'Ada Lovelace', 'judgement']);
    assert.ok(id && at);
    assert.deepEqual(read, fields);
  });

  it('keeps the same item once, and takes an item down for good', async () => {
    const journal = await open();
    const [item] = await journal.addItems([question('a')]);
    const [again] = await (await open()).addItems([question('a')]);
    assert.equal(again!.id, item!.id);
    await journal.refresh();
    assert.equal(journal.items().length, 1);
    await judge(journal, item!.id, [[0], [1], [2]]);
    await journal.delete(item!.id);
    assert.deepEqual([journal.items().length, journal.pairs().length], [0, 0]);
    const [back] = await journal.addItems([question('a')]);
    assert.notEqual(back!.id, item!.id);
    assert.equal((await journal.addItems([question('a')]))[0]!.id, back!.id);
    assert.equal(journal.items('greet').length, 1);
  });

  it('merges answers with equal texts and leaves out items with nothing to compare', async () => {
    const journal = await open();
    const same = { text: 'x', model: 'm' };
    assert.deepEqual(await journal.addItems([{ set: 's', messages: [], answers: [same, same] }]), []);
    const [item] = await journal.addItems([{ set: 's', messages: [], answers: [same, same, { ...same, text: 'y' }] }]);
    assert.equal(item!.answers.length, 2);
  });

  it('passes over a last record cut at any byte, and reads all before it', async () => {
    const journal = await open();
    const [item] = await journal.addItems([question('a')]);
    await judge(journal, item!.id, [[0], [1], [2]]);
    const last = await judge(journal, item!.id, [[2], [1], [0]]);
    await journal.close();
    const [file] = files();
    const bytes = readFileSync(file!);
    const start = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1;
    for (let length = start; length <= bytes.length; length++) {
      writeFileSync(file!, bytes.subarray(0, length));
      const reader = await open();
      assert.deepEqual(reader.problems, [], `cut at ${length}`);
      const current = reader.judgementOf(item!.id);
      assert.ok(current, `cut at ${length}`);
      // Whole but for its line end is whole.
      assert.equal(current.id === last.id, length >= bytes.length - 1, `cut at ${length}`);
    }
  });

  it('names file and line of a damaged record, and reads the rest', async () => {
    const journal = await open();
    const [item] = await journal.addItems([question('a')]);
    await judge(journal, item!.id, [[0], [1], [2]]);
    await judge(journal, item!.id, [[1], [0], [2]]);
    const [file] = files();
    const lines = readFileSync(file!, 'utf8').split('\n');
    lines[2] = lines[2]!.replace('1200', '1201');
    writeFileSync(file!, lines.join('\n'));
    const reader = await open();
    assert.deepEqual(
      reader.problems.map(problem => [problem.file, problem.line]),
      [[file, 3]],
    );
    assert.equal(reader.state.judgements.length, 1);
  });

  it('refuses a file of a newer format as a whole, and a newer record alone', async () => {
    mkdirSync(folder(), { recursive: true });
    const header = { type: 'header', log: 'preferences', format: 1, writer: 'w', author: 'x', at: '' };
    const record = { type: 'item', format: 1, id: 'i', at: '', author: 'x', set: 's', messages: [] };
    const answers = [
      { id: '1', text: 'a', model: 'm' },
      { id: '2', text: 'b', model: 'm' },
    ];
    writeFileSync(
      join(folder(), 'a.jsonl'),
      encodeRecord({ ...header, format: 2 }) + encodeRecord({ ...record, answers }),
    );
    writeFileSync(
      join(folder(), 'b.jsonl'),
      encodeRecord(header) + encodeRecord({ ...record, format: 2, answers }) + encodeRecord({ ...record, answers }),
    );
    const journal = await open();
    assert.deepEqual(
      journal.problems.map(problem => [problem.file.slice(-7), problem.line, /newer version/.test(problem.message)]),
      [
        ['a.jsonl', 1, true],
        ['b.jsonl', 2, true],
      ],
    );
    assert.equal(journal.items().length, 1);
  });

  it('begins a new file when its own was replaced, removed or written to by others', async () => {
    const journal = await open();
    const [item] = await journal.addItems([question('a'), question('b')]);
    const changes: ((file: string) => void)[] = [
      file => {
        const text = readFileSync(file);
        writeFileSync(`${file}.new`, text);
        renameSync(`${file}.new`, file);
      },
      file => renameSync(file, join(folder(), `kept-${files().length}.jsonl`)),
      file => appendFileSync(file, '{"c":"half a rec'),
    ];
    let current = files();
    for (const change of changes) {
      const before = new Set(files());
      change(current[0]!);
      const saved = await judge(journal, item!.id, [[0], [1], [2]]);
      current = files().filter(file => !before.has(file) && !file.includes('kept'));
      assert.equal(current.length, 1, 'one new file');
      assert.equal((await open()).judgementOf(item!.id)?.id, saved.id);
    }
  });

  it('does not acknowledge a record that went into a file which lost its name meanwhile', async () => {
    let replace = false;
    const disk: Disk = {
      ...nodeDisk,
      async create(path) {
        const file = await nodeDisk.create(path);
        return {
          write: async (bytes, position) => {
            await file.write(bytes, position);
            if (!replace || !path.endsWith('.jsonl')) return;
            replace = false;
            rmSync(path);
            writeFileSync(path, '');
          },
          sync: () => file.sync(),
          truncate: length => file.truncate(length),
          identity: () => file.identity(),
          close: () => file.close(),
        };
      },
    };
    const journal = await open({ disk });
    const [item] = await journal.addItems([question('a')]);
    replace = true;
    await (await open()).addItems([question('a')]);
    const saved = await judge(journal, item!.id, [[0], [1], [2]]);
    const reader = await open();
    assert.ok(reader.state.judgements.concat(reader.state.orphans).some(record => record.id === saved.id));
  });

  for (const [code, words] of [
    ['ENOSPC', /disk is full.*Nothing saved before was lost/],
    ['EROFS', /read-only/],
    ['EACCES', /may not write here/],
  ] as const) {
    it(`says what to do on ${code}, stays readable, and saves again afterwards`, async () => {
      let failing = false;
      const disk: Disk = {
        ...nodeDisk,
        async create(path) {
          const file = await nodeDisk.create(path);
          return {
            write: async (bytes, position) => {
              if (!failing) return file.write(bytes, position);
              await file.write(bytes.subarray(0, 40), position);
              throw Object.assign(new Error(code), { code });
            },
            sync: () => file.sync(),
            truncate: length => file.truncate(length),
            identity: () => file.identity(),
            close: () => file.close(),
          };
        },
      };
      const journal = await open({ disk });
      const [item] = await journal.addItems([question('a')]);
      const saved = await judge(journal, item!.id, [[0], [1], [2]]);
      failing = true;
      await assert.rejects(
        judge(journal, item!.id, [[1], [0], [2]]),
        error => isHumanError(error) && words.test(error.message) && error.place.file !== undefined,
      );
      assert.equal(journal.judgementOf(item!.id)?.id, saved.id, 'what was not saved does not count');
      failing = false;
      const later = await judge(journal, item!.id, [[2], [0], [1]]);
      const reader = await open();
      assert.deepEqual(reader.problems, []);
      assert.equal(reader.judgementOf(item!.id)?.id, later.id);
      assert.equal(files().length, 1);
    });
  }

  it('shows what was acknowledged also while it looks for others’ work', async () => {
    const journal = await open();
    const items = await journal.addItems(Array.from({ length: 30 }, (_, index) => question(String(index))));
    const looking = items.map(() => journal.refresh());
    for (const item of items) {
      const saved = await judge(journal, item.id, [[0], [1], [2]]);
      looking.push(journal.refresh());
      assert.equal(journal.judgementOf(item.id)?.id, saved.id);
    }
    await Promise.all(looking);
    assert.equal(journal.state.judgements.length, 30);
  });

  it('keeps a judgement made later the later one, also when the clock was put back', async () => {
    let now = Date.UTC(2026, 0, 2);
    const journal = await PreferenceJournal.open(workspaceLayout(root), { author: 'ada', now: () => now });
    opened.push(journal);
    const [item] = await journal.addItems([question('a')]);
    await judge(journal, item!.id, [[0], [1], [2]]);
    now = Date.UTC(2025, 0, 1);
    const later = await judge(journal, item!.id, [[2], [1], [0]]);
    assert.equal(journal.judgementOf(item!.id)?.id, later.id);
    assert.equal((await open({ author: 'ada' })).judgementOf(item!.id)?.id, later.id);
  });

  for (const author of [
    '../../outside',
    '/etc/passwd',
    'a\\b',
    'c:nul',
    '..',
    'con',
    'Ada\u0000Lovelace',
    'Ада ☂',
    '.'.repeat(300),
  ]) {
    it(`keeps the files of ${JSON.stringify(author).slice(0, 20)} inside, under one folder`, async () => {
      const journal = await open({ author });
      const [item] = await journal.addItems([question('a')]);
      const saved = await judge(journal, item!.id, [[0], [1], [2]]);
      const preferences = join(root, '.tunesmith', 'preferences');
      const found = readdirSync(preferences, { recursive: true }) as string[];
      assert.equal(found.filter(name => name.endsWith('.jsonl')).length, 1, found.join());
      assert.deepEqual(readdirSync(root), ['.tunesmith']);
      assert.equal((await open({ author })).judgementOf(item!.id)?.id, saved.id);
    });
  }

  it('keeps the order of calls made at once', async () => {
    const journal = await open();
    const items = await journal.addItems(Array.from({ length: 20 }, (_, index) => question(String(index))));
    await Promise.all(items.map(item => judge(journal, item.id, [[0], [1], [2]])));
    const reader = await open();
    assert.equal(reader.state.judgements.length, 20);
    assert.deepEqual(reader.problems, []);
  });

  it('puts back what was taken down, with its authors, times and repeats', async () => {
    const journal = await open();
    const [a, b] = await journal.addItems([question('a'), question('b')]);
    const first = await judge(journal, a!.id, [[0], [1, 2]]);
    const others = await journal.addJudgement({
      author: 'Bob',
      item: a!.id,
      ranking: [],
      shown: [],
      verdict: 'skipped',
      flags: ['wrong'],
      milliseconds: 7,
    });
    const again = await journal.addJudgement({
      item: a!.id,
      ranking: first.ranking,
      shown: first.shown,
      verdict: 'ranked',
      flags: [],
      milliseconds: 5,
      repeatOf: first.id,
    });
    const alone = await judge(journal, b!.id, [[1], [0], [2]]);
    await journal.delete(a!.id, alone.id);
    assert.deepEqual([journal.state.itemCount, journal.state.judgementCount], [1, 0]);
    await journal.restore([a!], [first, others, again, alone]);
    const read = await open();
    const put = read.state.standingId(a!.id)!;
    assert.notEqual(put, a!.id);
    assert.deepEqual({ ...read.state.itemById.get(put), id: a!.id }, a);
    const seen = read.state.judgements.map(({ author, item, at, flags, ranking }) => ({
      author,
      item,
      at,
      flags,
      ranking,
    }));
    assert.deepEqual(
      seen,
      [others, again, alone].map(({ author, item, at, flags, ranking }) => ({
        author,
        item: item === a!.id ? put : item,
        at,
        flags,
        ranking,
      })),
    );
    assert.deepEqual(
      read.state.repeats.map(([before, after]) => [before.at, after.at, after.repeatOf === before.id]),
      [[first.at, again.at, true]],
    );
  });
});
