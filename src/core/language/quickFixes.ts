/** What mends a diagnostic with one key: each fix is a few replacements, or a file to make. */
import { isHumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Replacement } from '../../base/textChange.ts';
import { migrateToV2 } from '../prompts/migrate.ts';
import { roleMarkers } from '../prompts/pieces.ts';
import type { DiagnosticCode, TextRange } from '../prompts/template.ts';
import { type FrontMatterValue, setFrontMatter } from '../prompts/templateEdits.ts';
import { allEntries, type Entry, entryAt } from './frontMatterTree.ts';
import type { TemplateFiles } from './host.ts';
import { lints } from './lints.ts';
import { nearest } from './nearest.ts';
import { newDataFile } from './newDataFile.ts';
import { specAt } from './schema.ts';
import { declarations, type TemplateDocument } from './templateDocument.ts';

export interface Fix {
  readonly title: string;
  readonly edits: readonly Replacement[];
  /** A file to make beside the template. */
  readonly newFile?: { readonly path: string; readonly contents: string };
  /** The one that is meant most likely. */
  readonly preferred?: boolean;
}

export interface Problem {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly range: TextRange;
}

/** `missing`: paths, as the template writes them, at which there is no file. */
export function quickFixes(
  document: TemplateDocument,
  problem: Problem,
  files: TemplateFiles & { readonly missing?: readonly string[] } = {},
): Fix[] {
  const { text } = document;
  const { range } = problem;
  const found = lints(document, files).find(
    lint => lint.code === problem.code && lint.range.start === range.start && lint.message === problem.message,
  );
  const meant = (found?.meant ?? []).map((name, index) => ({ ...change(range, name), preferred: index === 0 }));
  switch (problem.code) {
    case 'undeclared-variable':
    case 'undefined-variable':
      return undeclared(document, text.slice(range.start, range.end), range);
    case 'unknown-key':
      return meant;
    case 'template-syntax':
      return found?.missing ? [close(text, found.missing), ...meant] : meant;
    case 'unknown-value':
      return meant.length > 0 ? meant : otherValue(document, range);
    case 'wrong-type':
      return unquote(document, range);
    case 'yaml':
      return duplicate(document, range);
    case 'missing-bank':
      return missingBank(document, files.missing ?? []);
    case 'missing-file':
      return missingRows(document, files.missing ?? []);
    case 'too-few-examples':
      return files.bank
        ? set(
            document,
            [...settingsPath, 'examples', 'shots'],
            files.bank.count,
            l10n.t('Use {0} examples', files.bank.count),
          )
        : [];
    case 'missing-input':
      return missingInput(document, range);
    case 'unused-input':
      return unused(document, range);
    case 'no-message':
      return [
        {
          title: l10n.t('Add a message'),
          edits: [insertion(text.length, `${text.endsWith('\n') ? '' : '\n'}user:\n`)],
          preferred: true,
        },
      ];
    case 'front-matter':
      return closeFrontMatter(document);
    case 'old-version':
      return migrate(document);
    default:
      return [];
  }
}

const settingsPath = ['metadata', 'tunesmith'];
const insertion = (offset: number, text: string): Replacement => ({ offset, length: 0, text });
const change = ({ start, end }: TextRange, text: string): Fix => ({
  title: l10n.t('Change to “{0}”', text),
  edits: [{ offset: start, length: end - start, text }],
});

/** None where the front matter cannot be changed. */
function set({ text }: TemplateDocument, path: readonly string[], value: FrontMatterValue, title: string): Fix[] {
  try {
    return [{ title, edits: setFrontMatter(text, path, value), preferred: true }];
  } catch (error) {
    if (!isHumanError(error)) throw error;
    return [];
  }
}

function undeclared(document: TemplateDocument, name: string, range: TextRange): Fix[] {
  if (!/^[A-Za-z_]\w*$/.test(name)) return [];
  const known = [...document.template.inputs.map(input => input.name), 'shots'];
  const local = document.body.names.flatMap(({ binding }) =>
    binding && binding.range.start >= 0 ? [binding.name] : [],
  );
  const near = nearest(name, [...new Set([...known, ...local])]).map(candidate => change(range, candidate));
  const title = l10n.t('Declare the input “{0}”', name);
  const inputs = entryAt(document.entries, ['inputs']);
  const last = inputs?.kind === 'list' ? inputs.entries.at(-1) : undefined;
  const declare = last
    ? [{ title, edits: [listItem(document.text, last, name)] }]
    : set(document, ['inputs', name, 'kind'], 'string', title);
  return [
    ...near.map((fix, index) => ({ ...fix, preferred: index === 0 })),
    ...declare.map(fix => ({ ...fix, preferred: near.length === 0 })),
  ];
}

/** Another item of a list of inputs, below the last one. */
function listItem(text: string, last: Entry, name: string): Replacement {
  const lineStart = text.lastIndexOf('\n', last.range.start - 1) + 1;
  const indent = /^\s*/.exec(text.slice(lineStart))![0];
  const end = last.range.start + text.slice(last.range.start, last.range.end).trimEnd().length;
  return insertion(end, `\n${indent}- name: ${name}\n${indent}  kind: string`);
}

function close(text: string, missing: string): Fix {
  const lead = text.endsWith('\n') ? '' : '\n';
  return {
    title: l10n.t('Add “{0}” at the end', missing),
    edits: [insertion(text.length, `${lead}${missing}\n`)],
    preferred: true,
  };
}

const entryWith = ({ entries }: TemplateDocument, fits: (entry: Entry) => boolean): Entry | undefined =>
  [...allEntries(entries)].findLast(fits);

/** The nearest of a closed choice; all of them where none is near. */
function otherValue(document: TemplateDocument, { start, end }: TextRange): Fix[] {
  const entry = entryWith(
    document,
    ({ valueRange, kind }) => kind === 'scalar' && valueRange.start === start && valueRange.end === end,
  );
  const values = (entry && specAt(entry.path)?.values?.map(({ value }) => value)) ?? [];
  const near = nearest(String(entry?.value ?? ''), values);
  return (near.length > 0 ? near : values.slice(0, 8)).map((value, index) => ({
    ...change({ start, end }, value),
    preferred: near.length > 0 && index === 0,
  }));
}

/** Numbers, true and false between quotes are texts. */
function unquote(document: TemplateDocument, { start, end }: TextRange): Fix[] {
  const entry = entryWith(
    document,
    ({ valueRange, quoted }) => quoted && valueRange.start === start && valueRange.end === end,
  );
  const value = String(entry?.value ?? '').trim();
  if (!/^(true|false|-?\d+(\.\d+)?)$/.test(value)) return [];
  return [{ title: l10n.t('Remove the quotes'), edits: change({ start, end }, value).edits, preferred: true }];
}

function duplicate(document: TemplateDocument, { start, end }: TextRange): Fix[] {
  const entry = entryWith(document, ({ range }) => range.start === start && range.end === end);
  if (!entry) return [];
  const parent =
    entry.path.length === 1 ? document.entries : (entryAt(document.entries, entry.path.slice(0, -1))?.entries ?? []);
  if (parent.filter(({ key }) => key === entry.key).length < 2) return [];
  return [{ title: l10n.t('Remove this “{0}”', entry.key), edits: [removal(document.text, entry)] }];
}

/** An entry with its lines; inside braces with its comma. */
function removal(text: string, entry: Entry): Replacement {
  const { start } = entry.range;
  const end = start + text.slice(start, entry.range.end).trimEnd().length;
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  if (/^\s*$/.test(text.slice(lineStart, start)) || /^\s*- $/.test(text.slice(lineStart, start))) {
    const next = text.indexOf('\n', end);
    return { offset: lineStart, length: (next === -1 ? text.length : next + 1) - lineStart, text: '' };
  }
  const comma = /^\s*,\s*/.exec(text.slice(end))?.[0].length ?? 0;
  const before = comma === 0 ? (/,\s*$/.exec(text.slice(lineStart, start))?.[0].length ?? 0) : 0;
  return { offset: start - before, length: end + comma - start + before, text: '' };
}

function missingBank(document: TemplateDocument, missing: readonly string[]): Fix[] {
  const bank = document.template.tunesmith.examples?.bank;
  if (bank === undefined)
    return set(document, [...settingsPath, 'examples', 'bank'], './examples.jsonl', l10n.t('Name a bank'));
  if (!missing.includes(bank)) return [];
  return [
    {
      title: l10n.t('Create “{0}”', bank),
      edits: [],
      newFile: { path: bank, contents: newDataFile(document, 'bank', bank) },
      preferred: true,
    },
  ];
}

function missingRows(document: TemplateDocument, missing: readonly string[]): Fix[] {
  const { rows } = document.template.tunesmith;
  if (rows === undefined || !missing.includes(rows)) return [];
  return [
    {
      title: l10n.t('Create “{0}”', rows),
      edits: [],
      newFile: { path: rows, contents: newDataFile(document, 'rows', rows) },
      preferred: true,
    },
  ];
}

function missingInput(document: TemplateDocument, range: TextRange): Fix[] {
  const input = declarations(document).find(({ nameRange }) => nameRange.start === range.start);
  const isMap = input?.entry.kind === 'map' && entryAt(document.entries, ['inputs'])?.kind === 'map';
  return isMap ? set(document, ['inputs', input.name, 'default'], '', l10n.t('Add a default')) : [];
}

function unused(document: TemplateDocument, range: TextRange): Fix[] {
  const input = declarations(document).find(({ nameRange }) => nameRange.start === range.start);
  if (!input) return [];
  const title = l10n.t('Remove the input “{0}”', input.name);
  const inputs = entryAt(document.entries, ['inputs']);
  if (inputs?.kind === 'map') return set(document, ['inputs', input.name], null, title);
  return [{ title, edits: [removal(document.text, input.entry)] }];
}

function migrate({ text }: TemplateDocument): Fix[] {
  try {
    return [{ title: l10n.t('Change to Prompty 2'), edits: migrateToV2(text), preferred: true }];
  } catch (error) {
    if (!isHumanError(error)) throw error;
    return [];
  }
}

/** Before the first role, else at the end. */
function closeFrontMatter({ text, template }: TemplateDocument): Fix[] {
  const { start, end } = template.frontMatterRange;
  if (start === 0 || end < text.length) return [];
  const offset = roleMarkers(text, start, end)[0]?.range.start ?? text.length;
  const lead = text[offset - 1] === '\n' ? '' : '\n';
  return [{ title: l10n.t('Close the front matter'), edits: [insertion(offset, `${lead}---\n`)], preferred: true }];
}
