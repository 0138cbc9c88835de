/** Preference data goes out and comes back: every format keeps what it can hold, and says what it cannot. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Message } from '../../../../src/core/generation.ts';
import type { Loss } from '../../../../src/core/preferences/exchange/exchange.ts';
import { type ExchangeFormatName, exchangeFormatNames } from '../../../../src/core/preferences/exchange/formatNames.ts';
import { exportPreferences } from '../../../../src/storage/exchange/exportPreferences.ts';
import { importPreferences } from '../../../../src/storage/exchange/importPreferences.ts';
import { type NewJudgement, PreferenceJournal } from '../../../../src/storage/preferenceJournal.ts';
import { workspaceLayout } from '../../../../src/storage/workspaceLayout.ts';
import { memoryFolder } from '../../../fakes/storageScenario.ts';

const user = (content: string): Message => ({ role: 'user', content });
const conversation: Message[] = [
  user('Hi, "you"'),
  { role: 'assistant', content: 'Hello.' },
  user('Two\n\nlines, and a comma?'),
];

interface Told {
  readonly messages: Message[];
  readonly answers: readonly string[];
  readonly ranking: readonly (readonly number[])[];
  readonly verdict?: NewJudgement['verdict'];
  readonly author?: string;
  readonly note?: string;
  readonly flags?: string[];
}

const told = {
  pair: { messages: [user('Sky?')], answers: ['Blue, "very" blue.\n', ' green'], ranking: [[0], [1]], author: 'bob' },
  talk: { messages: conversation, answers: ['a ☂', 'b'], ranking: [[1], [0]] },
  system: {
    messages: [{ role: 'system', content: 'Be brief.' }, user('Sea?')],
    answers: ['x', 'y'],
    ranking: [[0], [1]],
  },
  tie: { messages: [user('Tie?')], answers: ['t1', 't2'], ranking: [[0, 1]] },
  three: {
    messages: [user('Three?')],
    answers: ['r1', 'r2', 'r3'],
    ranking: [[2], [0, 1]],
    note: 'a note',
    flags: ['unsafe'],
  },
  bad: { messages: [user('Bad?')], answers: ['b1', 'b2'], ranking: [], verdict: 'all-bad' },
  skipped: { messages: [user('Skip?')], answers: ['s1', 's2'], ranking: [], verdict: 'skipped' },
} as const satisfies Record<string, Told>;

/** What comes back, by format: pairs as better > worse, ties with =, and what else the format holds. */
const pairs = ['Sky?: Blue, "very" blue.\\n >  green', 'Three?: r3 > r1', 'Three?: r3 > r2'];
const talk = 'Two\\n\\nlines, and a comma?: b > a ☂';
const system = 'Sea?: x > y';
const expected: Record<
  ExchangeFormatName,
  { readonly comparisons: readonly string[]; readonly lost: readonly Loss[]; readonly authors?: boolean }
> = {
  trl: { comparisons: [...pairs, talk, system], lost: ['annotators', 'models', 'ties', 'all-bad', 'skipped'] },
  'trl-standard': { comparisons: pairs, lost: ['roles', 'annotators'] },
  'trl-implicit': { comparisons: [...pairs, talk, system], lost: ['ties'] },
  hh: { comparisons: [...pairs, talk], lost: ['roles', 'ties'] },
  openai: { comparisons: [...pairs, talk, system], lost: ['annotators', 'ties'] },
  csv: { comparisons: [...pairs, talk, system], lost: ['ties', 'flags', 'notes'], authors: true },
  parquet: { comparisons: [...pairs, talk, system], lost: ['ties', 'flags', 'notes'], authors: true },
  stiennon: { comparisons: [...pairs, talk, system], lost: ['ties', 'all-bad', 'flags'], authors: true },
  arena: {
    comparisons: [...pairs, talk, system, 'Tie?: t1 = t2', 'Three?: r1 = r2', 'Bad?: both bad'],
    lost: ['flags', 'notes', 'skipped'],
    authors: true,
  },
  argilla: {
    comparisons: [...pairs, talk, system, 'Tie?: t1 = t2', 'Three?: r1 = r2', 'Skip?: skipped'],
    lost: ['all-bad', 'flags'],
    authors: true,
  },
  rankings: {
    comparisons: [...pairs, talk, system, 'Tie?: t1 = t2', 'Three?: r1 = r2', 'Bad?: both bad', 'Skip?: skipped'],
    lost: [],
    authors: true,
  },
  // One answer a row: the best and the worst of each ranking. Two rows make a comparison again.
  kto: { comparisons: [...pairs, talk, system, 'Bad?: both bad'], lost: ['ties', 'annotators', 'models'] },
};

describe('exchange of preferences', function () {
  this.timeout(60_000);
  let root: string;
  const opened: PreferenceJournal[] = [];
  const open = async (name: string) => {
    const journal = await PreferenceJournal.open(workspaceLayout(join(root, name)), { author: 'ada' });
    opened.push(journal);
    return journal;
  };
  beforeEach(() => {
    root = memoryFolder();
  });
  afterEach(async () => {
    for (const journal of opened.splice(0)) await journal.close();
    rmSync(root, { recursive: true, force: true });
  });

  const filled = async () => {
    const journal = await open('from');
    for (const one of Object.values(told) as Told[]) {
      const answers = one.answers.map((text, i) => ({ text, model: `model-${i}` }));
      const [item] = await journal.addItems([{ set: 's', messages: one.messages, answers }]);
      await journal.addJudgement({
        item: item!.id,
        ranking: one.ranking.map(group => group.map(i => item!.answers[i]!.id)),
        shown: item!.answers.map(({ id }) => id),
        verdict: one.verdict ?? 'ranked',
        flags: one.flags ?? [],
        milliseconds: 1500,
        ...(one.note ? { note: one.note } : {}),
        ...(one.author ? { author: one.author } : {}),
      });
    }
    return journal;
  };

  const says = (journal: PreferenceJournal): string[] => {
    const found = new Set<string>();
    for (const judgement of journal.state.eachJudgement()) {
      const item = journal.state.itemById.get(judgement.item)!;
      const prompt = item.messages.at(-1)!.content;
      const text = (id: string) => item.answers.find(answer => answer.id === id)!.text;
      const add = (what: string) => found.add(`${prompt}: ${what}`.replaceAll('\n', '\\n'));
      if (judgement.verdict !== 'ranked') add(judgement.verdict === 'skipped' ? 'skipped' : 'both bad');
      for (const [i, group] of judgement.ranking.entries()) {
        for (const [j, a] of group.entries()) {
          if (judgement.kind !== 'accept-reject')
            for (const b of group.slice(j + 1)) add(`${[text(a), text(b)].sort().join(' = ')}`);
          for (const b of judgement.ranking.slice(i + 1).flat()) add(`${text(a)} > ${text(b)}`);
        }
      }
    }
    return [...found].sort();
  };

  for (const format of exchangeFormatNames) {
    it(`${format}: out and back`, async () => {
      const from = await filled();
      const file = join(root, `out.${format === 'csv' || format === 'parquet' ? format : 'jsonl'}`);
      const report = await exportPreferences(from.state, file, { format });
      const { comparisons, lost, authors } = expected[format];
      for (const loss of lost) assert.ok(report.lost[loss], `${loss} is told: ${JSON.stringify(report.lost)}`);
      if (format === 'rankings') assert.deepEqual(report.lost, {});

      const to = await open('to');
      const back = await importPreferences(to, file);
      // The rows themselves say what they are.
      assert.deepEqual(back.problems, []);
      assert.deepEqual(says(to), [...comparisons].sort());
      const texts = [...to.state.eachItem()].flatMap(item => item.messages.map(({ role }) => role));
      assert.equal(texts.includes('system'), comparisons.includes(system));
      const bobs = [...to.state.eachJudgement()].some(({ author }) => author === 'bob');
      assert.equal(bobs, authors === true);

      const again = await importPreferences(to, file);
      assert.deepEqual([again.judgements, again.known > 0], [0, true], 'the same file again says nothing new');
      assert.deepEqual(says(to), [...comparisons].sort());
    });
  }

  it('keeps notes, flags and the order shown in its own rows', async () => {
    const file = join(root, 'own.jsonl');
    await exportPreferences((await filled()).state, file, { format: 'rankings' });
    const to = await open('to');
    await importPreferences(to, file);
    const three = [...to.state.eachJudgement()].find(({ note }) => note !== undefined)!;
    assert.deepEqual(
      [three.note, three.flags, three.shown.length, three.milliseconds],
      ['a note', ['unsafe'], 3, 1500],
    );
    assert.equal(to.state.itemById.get(three.item)!.answers[2]!.model, 'model-2');
  });

  it('names a broken line of a long file and imports the rest', async () => {
    const file = join(root, 'long.jsonl');
    const row = (i: number) => JSON.stringify({ prompt: `p${i}`, chosen: 'yes', rejected: 'no' });
    const lines = Array.from({ length: 3000 }, (_, i) => row(i));
    lines[1233] = lines[1233]!.slice(0, 20);
    lines[2000] = '{"prompt":"p","chosen":"yes"}';
    lines[2500] = JSON.stringify({ prompt: 'same', chosen: 'x', rejected: 'x' });
    writeFileSync(file, `\uFEFF${lines.join('\r\n')}`);
    const to = await open('to');
    const report = await importPreferences(to, file);
    assert.deepEqual(
      report.problems.map(({ line }) => line),
      [1234, 2001],
    );
    assert.deepEqual([report.judgements, report.identical, report.wrong], [2997, 1, 2]);
    assert.equal(to.state.judgementCount, 2997);
  });

  it('refuses what is no preference data with one sentence', async () => {
    const file = join(root, 'other.jsonl');
    writeFileSync(file, '{"question":"1 + 1","answer":"2"}\n');
    const to = await open('to');
    await assert.rejects(importPreferences(to, file), /no format of preferences/);
    writeFileSync(file, '');
    await assert.rejects(importPreferences(to, file), /no rows/);
    const parquet = join(root, 'bad.parquet');
    writeFileSync(parquet, 'PAR1 not really');
    await assert.rejects(importPreferences(to, parquet), /Parquet file cannot be read/);
  });

  it('splits by prompt, the same way whatever else is there, and writes a datasheet', async () => {
    const journal = await open('from');
    for (let i = 0; i < 200; i++) {
      const answers = ['yes', 'no'].map(text => ({ text, model: text }));
      const [item] = await journal.addItems([
        { set: 's', messages: [user(`Question ${i % 100}`)], answers: [...answers, { text: `${i}`, model: 'm' }] },
      ]);
      const ids = item!.answers.map(({ id }) => id);
      await journal.addJudgement({
        item: item!.id,
        ranking: ids.map(id => [id]),
        shown: ids,
        verdict: 'ranked',
        flags: [],
        milliseconds: 1,
      });
    }
    const splits = [
      { name: 'train', share: 0.8 },
      { name: 'test', share: 0.2 },
    ];
    const { files, datasheet } = await exportPreferences(journal.state, join(root, 'data.jsonl'), {
      format: 'trl',
      splits,
    });
    const promptsOf = (path: string) =>
      new Set(
        readFileSync(path, 'utf8')
          .trim()
          .split('\n')
          .map(line => JSON.stringify(JSON.parse(line).prompt)),
      );
    const [train, test] = files.map(({ path }) => promptsOf(path));
    assert.equal(train!.size + test!.size, 100);
    assert.ok([...test!].every(prompt => !train!.has(prompt)));
    assert.ok(test!.size > 8 && test!.size < 35, `${test!.size}`);
    const sheet = readFileSync(datasheet, 'utf8');
    for (const { sha256, rows } of files) assert.ok(sheet.includes(sha256) && sheet.includes(`| ${rows} |`));
    assert.match(sheet, /\| ada \| 200 \|/);
  });
});
