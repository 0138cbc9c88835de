/** Completion in the front matter: keys by their place, the values of closed choices, models, files, columns, references. */
import { l10n } from '../../base/l10n.ts';
import { triggers } from '../evaluation/triggers.ts';
import { completeField } from './completeBody.ts';
import type { Completion } from './completionItem.ts';
import { type FrontMatterCursor, frontMatterCursor } from './frontMatterCursor.ts';
import type { LanguageHost } from './host.ts';
import { type KeySpec, specAt } from './schema.ts';
import { isDeclared, type TemplateDocument } from './templateDocument.ts';

export async function completeFrontMatter(
  document: TemplateDocument,
  offset: number,
  host: LanguageHost,
): Promise<Completion[]> {
  const cursor = frontMatterCursor(document.text, document.template.frontMatterRange, offset);
  if (!cursor) return [];
  if (cursor.kind === 'key') {
    const list = isListItem(cursor) ? await values(document, cursor, offset, host) : [];
    return [...list, ...keys(document, cursor)];
  }
  return values(document, cursor, offset, host);
}

const isListItem = ({ path }: FrontMatterCursor): boolean => path.at(-1) === '0';

function keys(document: TemplateDocument, cursor: FrontMatterCursor): Completion[] {
  const spec = specAt(cursor.path);
  const known = Object.entries(spec?.keys ?? {})
    .filter(([key, { old }]) => !old && !cursor.siblings.has(key) && !(key === 'name' && isMapInput(cursor)))
    .map(([key, below]) => keyItem(key, below, cursor));
  if (cursor.path.join('.') !== 'inputs') return known;
  // Names that the prompt uses and nobody declared.
  const missing = new Set(
    document.body.names.filter(use => use.kind === 'variable' && !use.binding && !use.of).map(use => use.name),
  );
  return [...missing]
    .filter(name => !isDeclared(document, name) && !cursor.siblings.has(name))
    .map(name => ({ ...keyItem(name, spec!.each!, cursor), detail: l10n.t('used in the prompt') }));
}

const isMapInput = ({ path }: FrontMatterCursor): boolean => path[0] === 'inputs' && path[1] !== '0';

function keyItem(key: string, spec: KeySpec, cursor: FrontMatterCursor): Completion {
  const common = { label: key, kind: 'key' as const, range: cursor.range, doc: spec.doc };
  if (cursor.hasColon) return { ...common, insert: key };
  const chooses = (spec.values ?? []).length > 0 || spec.from !== undefined;
  if (cursor.flow) {
    const value = spec.keys && !spec.values ? '{$1}' : '$0';
    return { ...common, insert: `${key}: ${value}`, isSnippet: true, again: chooses };
  }
  const indent = ' '.repeat(cursor.indent);
  // The editor keeps the line's own indentation of white space; a dash before the key is none.
  const written = (spec.insert ?? ' $0').replaceAll('\n', '\n  ');
  const insert = cursor.path.at(-1) === '0' ? written.replaceAll('\n', `\n${indent.slice(0, 2)}`) : written;
  return { ...common, insert: key + ':' + insert, isSnippet: true, again: chooses || insert.endsWith('\n  $0') };
}

async function values(
  document: TemplateDocument,
  cursor: FrontMatterCursor,
  offset: number,
  host: LanguageHost,
): Promise<Completion[]> {
  const inTag = await inTemplateText(document, cursor, offset, host);
  if (inTag) return inTag;
  const spec = specAt(cursor.path);
  const before = document.text[cursor.range.start - 1];
  // Right after the colon a blank is missing.
  const lead = before === ':' && !cursor.quote ? ' ' : '';
  const item = (label: string, kind: Completion['kind'], more: Partial<Completion> = {}): Completion => ({
    label,
    kind,
    insert: lead + (cursor.quote ? label : quoted(label)),
    range: cursor.range,
    ...more,
  });
  if (/\$\{?\w*$/.test(cursor.prefix)) return references(cursor);
  const items = (spec?.values ?? []).map(({ value, doc }) => item(value, 'value', { doc }));
  switch (spec?.from) {
    case 'model':
      for (const model of await host.models())
        items.push(item(model.id, 'model', { detail: model.label, doc: model.detail }));
      break;
    case 'data-file':
      for (const { path } of await host.dataFiles()) items.push(item(path, 'file'));
      break;
    case 'bank-field':
      for (const field of (await host.bank())?.fields ?? []) items.push(item(field, 'field'));
      break;
    case 'row-field': {
      const names = document.template.inputs.map(({ name }) => name);
      const fields = (await host.rows())?.fields ?? [];
      for (const field of fields) if (!names.includes(field)) items.push(item(field, 'field'));
      break;
    }
    case 'trigger':
      for (const { name, phrase, source, multiArith } of triggers) {
        const doc = multiArith === undefined ? '' : l10n.t('{0} % of MultiArith right, as published.', multiArith);
        items.push(item(phrase, 'value', { detail: `${name} · ${source}`, doc, filter: `${name} ${phrase}` }));
      }
      break;
    default:
  }
  return items;
}

/** Inside a tag of the templates of an example's answer: the bank's fields. */
async function inTemplateText(
  { text, template }: TemplateDocument,
  cursor: FrontMatterCursor,
  offset: number,
  host: LanguageHost,
): Promise<Completion[] | undefined> {
  const key = cursor.path.at(-1);
  if (cursor.path.at(-2) !== 'examples' || (key !== 'answer' && key !== 'reasonedAnswer')) return undefined;
  const written = text.slice(cursor.range.start, offset);
  const open = written.lastIndexOf('{{');
  if (open === -1 || written.indexOf('}}', open) !== -1) return undefined;
  const fields = (await host.bank())?.fields ?? ['reasoning', 'answer'];
  return completeField(text, cursor.range.start + open + 2, offset, fields, template.format);
}

function references(cursor: FrontMatterCursor): Completion[] {
  const start = cursor.range.end - (/\$\{?\w*$/.exec(cursor.prefix)?.[0].length ?? 0);
  const range = { start, end: cursor.range.end };
  return [
    ['${env:…}', '\\${env:${1:NAME}}', l10n.t('An environment variable. It is read only after you allow it.')],
    [
      '${file:…}',
      '\\${file:${1:./file.txt}}',
      l10n.t('A file below the template’s folder. It is read only after you allow it.'),
    ],
  ].map(([label = '', insert = '', doc]) => ({ label, kind: 'value', insert, isSnippet: true, range, doc }));
}

/** As YAML reads back the same text. */
function quoted(text: string): string {
  if (/^(true|false|null|~)$|^-?[\d.]+$/i.test(text)) return text;
  return /^[\w./][\w ./@+-]*(:[\w./@+-]+)*$/.test(text) && !text.endsWith(' ')
    ? text
    : `'${text.replaceAll("'", "''")}'`;
}
