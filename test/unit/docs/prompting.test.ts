/** docs/prompting.md: each command in it runs on the samples, offline, and prints what the page shows. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tunesmith } from '../../fakes/commandLine.ts';
import { missingLine, type ShownCommand, shownCommands } from '../../fakes/consoleBlocks.ts';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/prompting.md'), 'utf8');

describe('docs/prompting.md', function () {
  // Each command starts its own processes, as it does for a person.
  this.timeout(60_000);
  this.slow(10_000);
  const home = process.cwd();
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-guide-'));
    cpSync(join(root, 'samples'), folder, { recursive: true });
    mkdirSync(join(folder, '.git'));
    // The page's paths are relative.
    process.chdir(folder);
  });
  after(() => {
    process.chdir(home);
    rmSync(folder, { recursive: true, force: true });
  });

  const commands = shownCommands(page);

  it('shows commands for every topic that it names', () => {
    const run = new Set(commands.map(({ argv }) => argv[2]));
    assert.deepEqual([...run].sort(), ['compare', 'run', 'score', 'search', 'sweep']);
  });

  for (const shown of commands) {
    it(`line ${shown.line}: ${shown.command}`, async () => {
      const [npx, name, ...argv] = shown.argv;
      assert.deepEqual([npx, name], ['npx', 'tunesmith'], 'the page has commands of Tunesmith alone');
      const { code, stdout, stderr } = await tunesmith(argv, { cwd: folder });
      assert.equal(code, 0, stderr);
      const missing = missingLine(shown, [stdout, stderr]);
      assert.equal(missing, undefined, `not printed: ${missing}\n\n${stdout}\n${stderr}`);
    });
  }

  it('leads to pages, sections and templates that are there', () => {
    for (const [, target] of page.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g))
      assert.ok(existsSync(join(root, 'docs', target!)), target);
    const titles = [...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title!.toLowerCase().replaceAll(' ', '-'));
    for (const [, anchor] of page.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(titles.includes(anchor!), anchor);
  });
});

describe('the lines that a document shows', () => {
  const command = (output: string[], figures = false): ShownCommand => {
    return { line: 1, command: '', argv: [], output, figures, words: [] };
  };
  const check = (shown: string[], real: string, missing?: string, figures?: boolean) =>
    assert.equal(missingLine(command(shown, figures), [real, 'a remark\n']), missing);

  it('must be printed, in this order', () => {
    check(['one', 'two'], 'one\n\ntwo\n');
    check(['one', '…', 'three', 'a remark'], 'one\ntwo\nthree\n');
    check(['two', 'one'], 'one\ntwo\n', 'one');
    check(['one'], 'one more\n', 'one');
    check(['on… more'], 'one more\n');
    check(['6 rows'], '7 rows\n', '6 rows');
  });

  it('may differ in figures where it says so, but not by much and not in words', () => {
    check(['30/40  75 %  60 … 86  −1.50  ████·····'], '31/40  78 % 62 … 88 −1.52 █████····\n', undefined, true);
    check(['30/40'], '12/40\n', '30/40', true);
    check(['30 right'], '30 wrong\n', '30 right', true);
  });

  it('are found with their commands, quotes and all', () => {
    const text = 'x\n```console figures\n$ npx t --a="b c" \'d e\'\nout\n```\n```json\n$ no\n```\n```sh\nnpx t\n```\n';
    assert.deepEqual(
      shownCommands(text).map(({ argv, output, figures, line }) => [line, argv, output, figures]),
      [
        [3, ['npx', 't', '--a=b c', 'd e'], ['out'], true],
        [10, ['npx', 't'], [], false],
      ],
    );
  });
});
