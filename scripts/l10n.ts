/**
 * Collects the strings that people read into `l10n/bundle.l10n.json`, and checks the translations:
 * `node scripts/l10n.ts` writes, `node scripts/l10n.ts --check` only says what is missing (exit code 1).
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { getL10nJson } from '@vscode/l10n-dev';

const root = path.dirname(import.meta.dirname);
const file = (name: string): string => path.join(root, name);
const readJson = (name: string): Record<string, string> => JSON.parse(readFileSync(file(name), 'utf8'));

/** Translations that are kept, by the language tags of VS Code. */
const languages = ['zh-cn'];

/** What speaks in the editor and its views. The command line and the processes that compute speak English. */
const rooms = [
  'src/base',
  'src/core',
  'src/protocol',
  'src/storage',
  'src/jobs',
  'src/providers',
  'src/vscode',
  'media',
];
const sources = rooms.flatMap(folder =>
  readdirSync(file(folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map(name => path.join(folder, name))
    .sort(),
);

/** The collector knows `@vscode/l10n` by its import; ours has the same interface under another address. */
const asKnown = (text: string): string =>
  text.replace(
    /import \{ l10n \} from '[./\w]*base\/l10n\.ts';|import \{ l10n \} from '\.\/l10n\.ts';/,
    "import * as l10n from '@vscode/l10n';",
  );

async function collectStrings(): Promise<Record<string, string>> {
  const found = await getL10nJson(
    sources.map(name => ({ extension: '.ts' as const, contents: asKnown(readFileSync(file(name), 'utf8')) })),
  );
  const messages = Object.entries(found).map(
    ([key, value]) => [key, typeof value === 'string' ? value : value.message] as const,
  );
  return Object.fromEntries(messages.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `{0}` and the like, in order of number: a translation must use the same. */
const places = (text: string): string => (text.match(/\{\d+\}/g) ?? []).sort().join();

/** Messages as the sources write them, found by their look alone: quicker than the collector by far. */
function writtenStrings(): string[] {
  const call = /\bl10n\.t\(\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")/g;
  const plain = (text: string): string => JSON.parse(`"${text.replace(/\\'/g, "'").replace(/(?<!\\)"/g, '\\"')}"`);
  return sources.flatMap(name =>
    [...readFileSync(file(name), 'utf8').matchAll(call)].map(([, single, double]) => plain(single ?? double ?? '')),
  );
}

/** What is wrong with the translations, and what still waits for one: one line each. */
export function problems(): { readonly wrong: readonly string[]; readonly missing: readonly string[] } {
  const english = readJson('l10n/bundle.l10n.json');
  const wrong: string[] = [];
  const missing = [...new Set(writtenStrings())]
    .filter(text => english[text] === undefined)
    .map(text => `bundle.l10n.json: run npm run l10n, missing: ${text}`);
  const compare = (name: string, from: Record<string, string>, to: Record<string, string>): void => {
    for (const [key, text] of Object.entries(from)) {
      if (to[key] === undefined) missing.push(`${name}: missing: ${text}`);
      else if (places(to[key]) !== places(text)) wrong.push(`${name}: other places for values: ${text}`);
    }
    for (const key of Object.keys(to)) if (from[key] === undefined) wrong.push(`${name}: no longer used: ${key}`);
  };
  for (const language of languages) {
    compare(`bundle.l10n.${language}.json`, english, readJson(`l10n/bundle.l10n.${language}.json`));
    compare(`package.nls.${language}.json`, readJson('package.nls.json'), readJson(`package.nls.${language}.json`));
  }
  return { wrong, missing };
}

if (import.meta.main) {
  if (!process.argv.includes('--check')) {
    const text = `${JSON.stringify(await collectStrings(), null, 2)}\n`;
    writeFileSync(file('l10n/bundle.l10n.json'), text);
    console.log(`${text.split('\n').length - 3} strings`);
  }
  const { wrong, missing } = problems();
  for (const line of [...wrong, ...missing]) console.error(line);
  if (wrong.length + missing.length > 0) process.exitCode = 1;
}
