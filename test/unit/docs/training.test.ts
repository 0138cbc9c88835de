/** docs/training.md: each command in it runs on the samples, offline, and prints what the page shows. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tunesmith } from '../../fakes/commandLine.ts';
import { missingLine, shownCommands } from '../../fakes/consoleBlocks.ts';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/training.md'), 'utf8');

describe('docs/training.md', function () {
  // Real jobs in processes of their own, as for a person.
  this.timeout(180_000);
  this.slow(20_000);
  const home = process.cwd();
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunesmith-training-'));
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

  it('shows a job for every stage that it names', () => {
    const run = new Set(commands.flatMap(({ argv }) => argv.slice(2, 4)));
    for (const kind of ['sft', 'reinforce', 'reward', 'ppo', 'dpo', 'constitution', 'self-improve', 'refusals'])
      assert.ok(run.has(kind), kind);
  });

  // In the order of the page: later jobs use models of earlier ones.
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

  it('leads to pages and sections that are there', () => {
    for (const [, target] of page.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g))
      assert.ok(existsSync(join(root, 'docs', target!)), target);
    const titles = [...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title!.toLowerCase().replaceAll(' ', '-'));
    for (const [, anchor] of page.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(titles.includes(anchor!), anchor);
  });
});
