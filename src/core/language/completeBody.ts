/** Completion in the prompt: inputs, names of the template's own, fields, filters, tests and tags inside braces; roles outside. */
import { l10n } from '../../base/l10n.ts';
import { isRecord } from '../prompts/frontMatter.ts';
import type { TemplateFormat, TemplateInput, TextRange } from '../prompts/template.ts';
import type { Binding } from './bodyModel.ts';
import type { Completion, CompletionKind } from './completionItem.ts';
import type { LanguageHost } from './host.ts';
import { type JinjaWord, jinjaFilters, jinjaFunctions, jinjaTags, jinjaTests, loopFields } from './jinjaWords.ts';
import { shortValue } from './shortValue.ts';
import type { TemplateDocument } from './templateDocument.ts';

export async function completeBody(
  document: TemplateDocument,
  offset: number,
  host: LanguageHost,
): Promise<Completion[]> {
  const { text, body, template } = document;
  const tag = body.tags.findLast(
    ({ inner, range }) => inner.start <= offset && range.start < offset && offset <= inner.end,
  );
  if (!tag) return roles(document, offset);
  if (tag.kind === 'comment') return [];
  const place = placeIn(text, tag.inner.start, offset);
  if (!place) return [];
  if (template.format === 'mustache') {
    const sigil = text.slice(tag.range.start + 2, tag.inner.start).trim();
    return mustache(document, offset, place, sigil);
  }
  const { before, range } = place;
  if (/\|\s*\w*$/.test(before)) return words(jinjaFilters(), 'filter', range);
  if (/\bis\s+(not\s+)?\w*$/.test(before)) return words(jinjaTests(), 'filter', range);
  const property = /([A-Za-z_]\w*)\s*\.\s*\w*$/.exec(before);
  if (property) return properties(document, property[1]!, offset, range, host);
  if (/\.\s*\w*$/.test(before)) return [];
  if (tag.kind === 'statement') {
    if (/^\s*\w*$/.test(before)) return tags(document, offset, range);
    // Names that a loop or macro introduces are new.
    if (/^\s*(for|macro|set)\s+\w*$/.test(before)) return [];
  }
  return [...variables(document, offset, range, text), ...words(jinjaFunctions(), 'function', range)];
}

/** Fields inside a tag of another template text: a template of examples' answers. */
export function completeField(
  text: string,
  start: number,
  offset: number,
  fields: readonly string[],
  format: TemplateFormat,
): Completion[] {
  const place = placeIn(text, start, offset);
  if (!place) return [];
  if (format === 'jinja2' && /\|\s*\w*$/.test(place.before)) return words(jinjaFilters(), 'filter', place.range);
  return fields.map(field => ({
    label: field,
    kind: 'field',
    insert: spaced(field, text, place.range),
    range: place.range,
    detail: l10n.t('field of the example bank'),
  }));
}

interface Place {
  /** The tag's inside up to the cursor, strings blanked. */
  readonly before: string;
  /** The word at the cursor. */
  readonly range: TextRange;
}

/** Undefined inside a string. */
function placeIn(text: string, start: number, offset: number): Place | undefined {
  const before = text
    .slice(start, offset)
    .replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, found => '_'.repeat(found.length));
  if (/["']/.test(before)) return undefined;
  const word = /\w*$/.exec(before)![0];
  const tail = /^\w*/.exec(text.slice(offset, offset + 200))![0];
  return { before, range: { start: offset - word.length, end: offset + tail.length } };
}

/** With a blank on both sides where the braces stand right beside it. */
function spaced(name: string, text: string, { start, end }: TextRange): string {
  const left = text[start - 1] === '{' ? ' ' : '';
  const right = text.slice(end, end + 2) === '}}' ? ' ' : '';
  return left + name + right;
}

function words(list: readonly JinjaWord[], kind: CompletionKind, range: TextRange): Completion[] {
  return list.map(({ name, doc, snippet }) => ({
    label: name,
    kind,
    insert: snippet ?? name,
    ...(snippet ? { isSnippet: true } : {}),
    range,
    doc,
  }));
}

function variables(document: TemplateDocument, offset: number, range: TextRange, text: string): Completion[] {
  const { template } = document;
  const items = template.inputs.map(
    (input): Completion => ({
      label: input.name,
      kind: 'input',
      insert: spaced(input.name, text, range),
      range,
      detail: input.kind,
      doc: describe(input),
    }),
  );
  const local = new Map(bindingsAt(document, offset).map(binding => [binding.name, binding]));
  for (const { name } of local.values())
    items.unshift({
      label: name,
      kind: 'local',
      insert: spaced(name, text, range),
      range,
      detail: l10n.t('set in the template'),
    });
  if (template.tunesmith.examples && !local.has('shots')) {
    const doc = l10n.t('Where the worked examples go: on a line of its own, or in a loop over them.');
    items.push({ label: 'shots', kind: 'local', insert: spaced('shots', text, range), range, doc });
  }
  return items;
}

function describe(input: TemplateInput): string {
  const value = input.default ?? input.example;
  return [input.description, value === undefined ? undefined : '`' + shortValue(value) + '`']
    .filter(Boolean)
    .join('\n\n');
}

/** The template's own names that can be used at an offset, inner ones last. */
function bindingsAt({ body }: TemplateDocument, offset: number): Binding[] {
  const found: Binding[] = [];
  let inLoop = false;
  for (const { binding, range } of body.names) {
    if (!binding || binding.range.start !== range.start || range.end >= offset) continue;
    const block = body.blocks.find(({ open }) => open.start < range.start && range.end < open.end);
    const inside = block && block.open.end <= offset && offset <= block.close.start;
    const ends = binding.kind === 'loop' || binding.kind === 'parameter';
    if (!ends || inside) found.push(binding);
  }
  for (const { name, open, close } of body.blocks)
    inLoop ||= name === 'for' && open.end <= offset && offset <= close.start;
  if (inLoop) found.push({ kind: 'loop', name: 'loop', range: { start: -1, end: -1 } });
  return found;
}

async function properties(
  document: TemplateDocument,
  owner: string,
  offset: number,
  range: TextRange,
  host: LanguageHost,
): Promise<Completion[]> {
  if (owner === 'loop') return words(loopFields(), 'field', range);
  const binding = bindingsAt(document, offset).findLast(({ name }) => name === owner);
  const field = (name: string, detail: string): Completion => ({
    label: name,
    kind: 'field',
    insert: name,
    range,
    detail,
  });
  if (binding?.over === 'shots') {
    const detail = l10n.t('field of the example bank');
    return ((await host.bank())?.fields ?? []).map(name => field(name, detail));
  }
  const source = binding ? binding.over : owner;
  const input = document.template.inputs.find(({ name }) => name === source);
  const value = input?.example ?? input?.default;
  const sample: unknown = binding && Array.isArray(value) ? value[0] : value;
  return isRecord(sample) ? Object.keys(sample).map(key => field(key, input!.name)) : [];
}

/** Tags of statements, those that close a block first. */
function tags({ body, text }: TemplateDocument, offset: number, range: TextRange): Completion[] {
  const open = body.blocks.filter(block => block.open.end <= offset && offset <= block.close.end);
  const closers = open
    .sort((a, b) => b.open.start - a.open.start)
    .map(({ name }): JinjaWord => ({ name: `end${name}`, doc: l10n.t('Closes “{0}”.', name) }));
  const line = /^[^\n]*/.exec(text.slice(range.end))![0];
  const isClosed = /^\s*-?%\}/.test(line);
  // The editor may have closed the brace alone.
  const end = !isClosed && /^\s*\}/.test(line) ? range.end + line.indexOf('}') + 1 : range.end;
  const lead = text[range.start - 1] === '%' ? ' ' : '';
  return [...closers, ...jinjaTags()].map(({ name, doc, snippet }) => {
    // What closes the block cannot be written into a tag that is closed already.
    const whole = isClosed ? name : (snippet ?? name);
    const insert = `${lead}${whole}${isClosed ? (line.startsWith('%') ? ' ' : '') : ' %}'}`;
    return {
      label: name,
      kind: 'tag',
      insert,
      isSnippet: !isClosed,
      range: { start: range.start, end },
      doc,
      filter: lead + name,
    };
  });
}

function mustache(document: TemplateDocument, offset: number, { before, range }: Place, sigil: string): Completion[] {
  const { body, text } = document;
  if (sigil === '/') {
    return body.blocks
      .filter(block => block.open.end <= offset && offset <= block.close.end)
      .sort((a, b) => b.open.start - a.open.start)
      .map(({ name }) => ({ label: name, kind: 'tag', insert: name, range, detail: l10n.t('Closes “{0}”.', name) }));
  }
  const names = variables(document, offset, range, sigil === '' ? text : '');
  if (before.trim() !== '' || sigil !== '') return names;
  const sigils: [string, string][] = [
    ['#', l10n.t('A section: its text once for each item, or where the value is there.')],
    ['^', l10n.t('The text where the value is missing or empty.')],
    ['/', l10n.t('Closes a section.')],
    ['!', l10n.t('A comment.')],
  ];
  return [
    ...names,
    ...sigils.map(
      ([label, doc]): Completion => ({ label, kind: 'tag', insert: label, range, doc, again: label !== '!' }),
    ),
  ];
}

function roles({ text, template }: TemplateDocument, offset: number): Completion[] {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const found = /^[ \t]*([A-Za-z]*)$/.exec(text.slice(start, offset));
  const rest = /^[A-Za-z]*:?[ \t]*(?=\r?\n|$)/.exec(text.slice(offset));
  if (!found || !rest || offset < template.bodyRange.start) return [];
  const range = { start: offset - found[1]!.length, end: offset + rest[0].trimEnd().length };
  const docs = {
    system: l10n.t('Starts the system message: what holds for the whole conversation.'),
    user: l10n.t('Starts a message of the user.'),
    assistant: l10n.t('Starts a message of the model. Text below it begins the answer.'),
  };
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const items = Object.entries(docs).map(([role, doc]): Completion => {
    const last = offset + rest[0].length >= text.length;
    return { label: `${role}:`, kind: 'role', insert: `${role}:${last ? eol : ''}`, range, doc };
  });
  if (template.tunesmith.examples && !template.variables.some(({ name }) => name === 'shots')) {
    const doc = l10n.t('Where the worked examples go.');
    items.push({ label: '{{ shots }}', kind: 'role', insert: '{{ shots }}', range, doc, filter: 'shots' });
  }
  return items;
}
