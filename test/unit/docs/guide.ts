/** A guide of docs/ as a test: each command in it runs on the samples, offline, in the page's order, and prints what the page shows. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tunesmith } from '../../fakes/commandLine.ts';
import { missingLine, type ShownCommand, shownCommands } from '../../fakes/consoleBlocks.ts';

const root = join(import.meta.dirname, '../../..');

/** Describes `docs/<name>`; a command may take `seconds`. `more` adds what else the page promises. */
export function describeGuide(
  name: string,
  seconds: number,
  more: (page: { readonly commands: readonly ShownCommand[] }) => void,
): void {
  const text = readFileSync(join(root, 'docs', name), 'utf8');
  const commands = shownCommands(text);

  describe(`docs/${name}`, function () {
    // Each command starts its own processes, as it does for a person.
    this.timeout(seconds * 1000);
    this.slow(seconds * 150);
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

    // In the order of the page: later ones use what earlier ones made.
    for (const shown of commands) {
      it(`line ${shown.line}: ${shown.command}`, async () => {
        const [npx, program, ...argv] = shown.argv;
        assert.deepEqual([npx, program], ['npx', 'tunesmith'], 'the page has commands of Tunesmith alone');
        const { code, stdout, stderr } = await tunesmith(argv, { cwd: folder });
        assert.equal(code, 0, stderr);
        const missing = missingLine(shown, [stdout, stderr]);
        assert.equal(missing, undefined, `not printed: ${missing}\n\n${stdout}\n${stderr}`);
      });
    }

    it('leads to pages and sections that are there', () => {
      for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g))
        assert.ok(existsSync(join(root, 'docs', target!)), target);
      const titles = [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title!.toLowerCase().replaceAll(' ', '-'));
      for (const [, anchor] of text.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(titles.includes(anchor!), anchor);
    });

    more({ commands });
  });
}
