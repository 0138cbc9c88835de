/** What the data view shows of all data is what the command line says of the same journal. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { everything } from '../../../src/core/preferences/browse/dataFilter.ts';
import type { JournalRecord } from '../../../src/core/preferences/judgement.ts';
import { askPreferences } from '../../../src/jobs/preferenceProcess.ts';
import type { ExportChoice } from '../../../src/protocol/preferenceFigures.ts';
import { encodeRecord } from '../../../src/storage/recordLog.ts';
import { shopRecords } from '../../e2e/preview/dataHost.ts';
import { tunesmith } from '../../fakes/commandLine.ts';
import { memoryFolder } from '../../fakes/storageScenario.ts';

describe('preferenceProcess', function () {
  this.timeout(120_000);
  let root: string;
  const options = { root: resolve(import.meta.dirname, '../../..') };
  const own = () => ({ root, bundle: {} });
  const cli = async (...argv: string[]) => {
    const { stdout, stderr, code } = await tunesmith(['prefs', ...argv], { cwd: root });
    return { json: stdout === '' ? undefined : JSON.parse(stdout), stderr, code };
  };
  const choice: ExportChoice = { format: 'trl', set: null, judges: 'exclude', splits: '', redact: false };

  beforeEach(() => {
    root = memoryFolder();
    write('w', shopRecords(60));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function write(writer: string, records: readonly JournalRecord[]): void {
    const folder = join(root, '.tunesmith', 'preferences', 'ada');
    mkdirSync(folder, { recursive: true });
    const header = { type: 'header', log: 'preferences', format: 1, writer, author: 'ada', at: '2026-01-01T00:00:00Z' };
    writeFileSync(join(folder, `${writer}.jsonl`), [header, ...records].map(encodeRecord).join(''));
  }

  it('gives the figures of “prefs stats” and “prefs leaderboard”', async () => {
    for (const [filter, argv] of [
      [everything, ['--judges', 'include']],
      [{ ...everything, who: 'people' }, []],
      [{ ...everything, who: 'judges' }, ['--judges', 'only']],
      [{ ...everything, sets: ['stories'], who: 'people' }, ['--set', 'stories']],
    ] as const) {
      const figures = await askPreferences<'figures'>({ ...own(), method: 'figures', filter, splits: '' }, options);
      // How many disagreements are open stands in the Ranking view.
      const { disagreements: _, ...stats } = (await cli('stats', ...argv, '--json')).json;
      assert.deepEqual({ agreement: figures.agreement, annotators: figures.annotators }, stats);
      assert.deepEqual(figures.board, (await cli('leaderboard', ...argv, '--json')).json);
      const controlled = await cli('leaderboard', '--style-control', ...argv, '--json');
      assert.deepEqual(figures.boardOfEqualLength, controlled.json);
    }
  });

  it('gives the findings of “prefs check”', async () => {
    const report = await askPreferences<'check'>(
      { ...own(), method: 'check', splits: 'train=0.9,test=0.1', maxTokens: 60 },
      options,
    );
    assert.ok(report.findings.length > 0);
    const { takenDown: _, ...checked } = (
      await cli('check', '--splits', 'train=0.9,test=0.1', '--max-tokens', '60', '--json')
    ).json;
    assert.deepEqual(report, checked);
  });

  it('writes the bytes of “prefs export”, and says before what they will lack', async () => {
    for (const format of ['trl', 'rankings'] as const) {
      const mine = { ...choice, format, splits: 'train=0.5,test=0.5' };
      const plan = await askPreferences<'plan'>({ ...own(), method: 'plan', choice: mine }, options);
      const path = join(root, 'mine', 'out.jsonl');
      const request = { ...own(), method: 'export', choice: mine, path, allowLeaks: true } as const;
      const made = await askPreferences<'export'>(request, options);
      assert.ok('files' in made);
      const argv = ['--format', format, '--splits', 'train=0.5,test=0.5', '--allow-leaks', '--json'];
      const other = (await cli('export', join('theirs', 'out.jsonl'), ...argv)).json;
      for (const [i, file] of made.files.entries()) {
        assert.equal(file.sha256, other.files[i].sha256);
        assert.equal(readFileSync(file.path, 'utf8'), readFileSync(other.files[i].path, 'utf8'));
        assert.equal(plan.rows[file.split!], file.rows);
      }
      assert.deepEqual(plan.lost, made.lost);
      assert.deepEqual(plan.lost, other.lost);
      assert.equal(readFileSync(made.datasheet, 'utf8'), readFileSync(other.datasheet, 'utf8'));
    }
  });

  it('refuses keys, until they are replaced', async () => {
    const key = `sk-${'a1B2'.repeat(8)}`;
    const at = '2026-02-01T00:00:00.000Z';
    const answers = ['yes', 'no'].map(text => ({ id: text, text: `${text} ${key}`, model: 'm' }));
    const messages = [{ role: 'user' as const, content: 'Which key opens the door of the old library?' }];
    const base = { format: 1 as const, at, author: 'ada' };
    write('v', [
      { ...base, type: 'item', id: 'key', set: 'doors', messages, answers },
      {
        ...base,
        type: 'judgement',
        id: 'of-key',
        item: 'key',
        ranking: [['yes'], ['no']],
        shown: ['yes', 'no'],
        verdict: 'ranked',
        flags: [],
        note: `I pasted ${key} here`,
        milliseconds: 1,
      },
    ]);
    const path = join(root, 'out.jsonl');
    const ask = (redact: boolean) =>
      askPreferences<'export'>(
        {
          ...own(),
          method: 'export',
          choice: { ...choice, format: 'rankings', set: 'doors', redact },
          path,
          allowLeaks: false,
        },
        options,
      );
    assert.deepEqual(await ask(false), { leak: 'secrets', count: 2 });
    assert.equal(existsSync(path), false);
    const refused = await cli('export', 'out.jsonl', '--set', 'doors');
    assert.match(refused.stderr, /2 items hold what looks like a key/);
    await ask(true);
    const written = readFileSync(path, 'utf8');
    assert.doesNotMatch(written, /sk-/);
    assert.match(written, /yes \[API key\].*I pasted \[API key\] here/);
    assert.match(readFileSync(join(root, 'out-datasheet.md'), 'utf8'), /## Preprocessing\n\nWhat looks like a key/);
    const redacted = await cli('export', 'cli.jsonl', '--format', 'rankings', '--set', 'doors', '--redact');
    assert.equal(redacted.code, 0);
    assert.equal(readFileSync(join(root, 'cli.jsonl'), 'utf8'), written);
  });

  it('says in a sentence what is wrong with a request, and ends when nobody waits any more', async () => {
    const request = { ...own(), method: 'check', splits: 'half', maxTokens: null } as const;
    await assert.rejects(askPreferences<'check'>(request, options), /“half” is no split/);
    const controller = new AbortController();
    const asked = askPreferences<'check'>({ ...request, splits: '' }, { ...options, signal: controller.signal });
    controller.abort(new Error('no longer'));
    await assert.rejects(asked, /no longer/);
  });
});
