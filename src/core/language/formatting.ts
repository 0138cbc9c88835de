/**
 * Formatting that never changes what is rendered: blank lines around roles, and light tidying of the front matter. Lines inside
 * YAML's block texts and inside blocks whose text becomes a value stay as they are.
 */
import { parse } from 'yaml';
import type { Replacement } from '../../base/textChange.ts';
import type { TextRange } from '../prompts/template.ts';
import { allEntries } from './frontMatterTree.ts';
import type { TemplateDocument } from './templateDocument.ts';

/** Replacements in order, none where the template is broken. */
export function format(document: TemplateDocument): Replacement[] {
  const { text, template, body } = document;
  const broken = ['yaml', 'front-matter', 'template-syntax'];
  if (body.problems.length > 0 || template.diagnostics.some(({ code }) => broken.includes(code))) return [];
  const inYaml = changed(text, frontMatter(document));
  const { start, end } = template.frontMatterRange;
  const growth = inYaml.reduce((sum, edit) => sum + edit.text.length - edit.length, 0);
  const tidied = applied(text, inYaml).slice(start, end + growth);
  // The values must be the same afterwards; tidying that changes one is worth nothing.
  const isSame = plainValue(tidied) === plainValue(text.slice(start, end));
  return [...(isSame ? inYaml : []), ...changed(text, [...roles(document), ...ending(document)])];
}

function changed(text: string, edits: readonly Replacement[]): Replacement[] {
  const real = edits.filter(edit => text.slice(edit.offset, edit.offset + edit.length) !== edit.text);
  return real.sort((a, b) => a.offset - b.offset);
}

function applied(text: string, edits: readonly Replacement[]): string {
  let result = '';
  let done = 0;
  for (const edit of edits) {
    result += text.slice(done, edit.offset) + edit.text;
    done = edit.offset + edit.length;
  }
  return result + text.slice(done);
}

/** Undefined where YAML cannot say it, which equals nothing. */
function plainValue(yaml: string): string {
  try {
    return JSON.stringify(parse(yaml, { logLevel: 'silent' })) ?? 'nothing';
  } catch {
    return `broken: ${yaml}`;
  }
}

const eolOf = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');

interface Line {
  readonly start: number;
  /** Without its break. */
  readonly content: string;
  readonly length: number;
  /** Part of a text that goes over several lines. */
  readonly isText: boolean;
}

/** No blanks at the ends of lines, one after a colon, one blank line where there were several, none at both ends. */
function frontMatter({ text, entries, template }: TemplateDocument): Replacement[] {
  const { start, end } = template.frontMatterRange;
  const edits: Replacement[] = [];
  const texts: TextRange[] = [];
  for (const { kind, keyRange, valueRange } of allEntries(entries)) {
    const isLong = text.slice(valueRange.start, valueRange.end).trimEnd().includes('\n');
    if (kind === 'scalar' && isLong) texts.push(valueRange);
    const wide = /^:[ \t]{2,}$/.exec(text.slice(keyRange.end, valueRange.start));
    if (wide) edits.push({ offset: keyRange.end + 1, length: wide[0].length - 1, text: ' ' });
  }
  const lines = [...text.slice(start, end).matchAll(/[^\n]*\n|[^\n]+$/g)].map((match): Line => {
    const at = start + match.index;
    const isText = texts.some(range => at < range.end && at + match[0].length > range.start);
    return { start: at, content: match[0].replace(/\r?\n$/, ''), length: match[0].length, isText };
  });
  const isBlank = (line: Line | undefined): boolean => !line || (!line.isText && line.content.trim() === '');
  lines.forEach((line, index) => {
    // After a block text a blank line may belong to it.
    if (line.isText || lines[index - 1]?.isText) return;
    const blanks = /[ \t]*$/.exec(line.content)![0].length;
    const isSurplus = isBlank(line) && (isBlank(lines[index - 1]) || lines.slice(index).every(isBlank));
    if (isSurplus) edits.push({ offset: line.start, length: line.length, text: '' });
    else if (blanks > 0) edits.push({ offset: line.start + line.content.length - blanks, length: blanks, text: '' });
  });
  return edits;
}

/** One empty line before a role and none after it: a message has no line breaks at its ends anyway. */
function roles({ text, template, body }: TemplateDocument): Replacement[] {
  const eol = eolOf(text);
  const edits: Replacement[] = [];
  for (const { range } of template.roles) {
    const captured = body.blocks.some(
      ({ captures, open, close }) => captures && open.start < range.start && range.end <= close.end,
    );
    if (captured) continue;
    const from = afterContent(text, template.bodyRange.start, range.start);
    const line = text.slice(text.lastIndexOf('\n', from - 1) + 1, from);
    if (from === template.bodyRange.start) edits.push({ offset: from, length: range.start - from, text: '' });
    else {
      const breaks = text.slice(from, range.start).split('\n').length - 1;
      // A tag at the end of a line may keep together with what stands below it.
      const wanted = /[%#}]\}[ \t]*$/.test(line) ? Math.min(breaks, 2) : 2;
      edits.push({ offset: from, length: range.start - from, text: eol.repeat(wanted) });
    }
    const after = /^\r?\n(?:\r?\n)+/.exec(text.slice(range.end))?.[0];
    // Between two roles the next one's rule holds.
    const next = range.end + (after?.length ?? 0);
    if (after && next < text.length && !template.roles.some(role => role.range.start === next))
      edits.push({ offset: range.end, length: after.length, text: eol });
  }
  return edits;
}

/** One line break at the end. */
function ending({ text, template }: TemplateDocument): Replacement[] {
  const { start } = template.bodyRange;
  if (text.slice(start).trim() === '') return [];
  const from = afterContent(text, start, text.length);
  return [{ offset: from, length: text.length - from, text: eolOf(text) }];
}

/** Just after the last line that is not empty, before its break. A line of blanks is part of what is said. */
function afterContent(text: string, start: number, end: number): number {
  for (let at = end; at > start; ) {
    const lineStart = Math.max(start, text.lastIndexOf('\n', at - 1) + 1);
    if (text.slice(lineStart, at).replace('\r', '') !== '') return text[at - 1] === '\r' ? at - 1 : at;
    at = lineStart - 1;
  }
  return start;
}
