/**
 * Where in the front matter a cursor is, read from the lines around it: what is being typed is seldom valid YAML.
 * Block mappings and lists go by their indentation; flow collections are followed on the cursor's own line.
 */
import type { TextRange } from '../prompts/template.ts';

export interface FrontMatterCursor {
  /** A key is written, or a value. */
  readonly kind: 'key' | 'value';
  /** Of the mapping that the key belongs to, or of the value's key. Items of lists stand as `0`. */
  readonly path: readonly string[];
  /** What completion replaces. */
  readonly range: TextRange;
  /** What is written of it before the cursor. */
  readonly prefix: string;
  /** Keys that the mapping has already. */
  readonly siblings: ReadonlySet<string>;
  /** Inside braces or brackets. */
  readonly flow: boolean;
  /** Columns before the key. */
  readonly indent: number;
  readonly quote?: '"' | "'";
  /** The line goes on with a colon after the key. */
  readonly hasColon: boolean;
}

const keyLine =
  /^( *)((?:- +)*)(?:"([^"]*)"|'([^']*)'|([^\s#"'{[&*!|>%@`-][^:#]*?|-[^\s:][^:#]*?))[ \t]*:(?=[ \t]|$)(.*)$/;

/** Undefined in comments and block texts. */
export function frontMatterCursor(text: string, yaml: TextRange, offset: number): FrontMatterCursor | undefined {
  const lines = text
    .slice(yaml.start, yaml.end)
    .split('\n')
    .map(line => line.replace(/\r$/, ''));
  let number = 0;
  let start = yaml.start;
  for (let at = yaml.start; ; number++) {
    const next = text.indexOf('\n', at);
    start = at;
    if (next === -1 || next >= offset) break;
    at = next + 1;
  }
  const line = lines[number] ?? '';
  const column = offset - start;
  if (column > line.length) return undefined;
  const before = line.slice(0, column);
  const lead = /^ *(?:- *)*/.exec(before)![0];
  const indent = lead.length;
  const found = pathOf(lines, number, indent, lead);
  if (!found) return undefined;
  const entry = keyLine.exec(line);
  const colon = entry ? line.length - entry[6]!.length : -1;
  if (entry && column >= colon) {
    const key = entry[3] ?? entry[4] ?? entry[5]!;
    return valueCursor(line, column, colon, [...found.path, key], start, indent);
  }
  const rest = before.slice(indent);
  // An item of a list that is not a mapping.
  if (lead.includes('-') && /^["'{[]/.test(rest)) return valueCursor(line, column, indent, found.path, start, indent);
  if (/^[#|>]/.test(rest) || /\s#/.test(rest)) return undefined;
  const word = /^["']?[\w$.-]*/.exec(line.slice(column))![0];
  return {
    kind: 'key',
    path: found.path,
    range: { start: start + indent, end: offset + word.length },
    prefix: rest.replace(/^["']/, ''),
    siblings: found.siblings,
    flow: false,
    indent,
    hasColon: /^["']?[ \t]*:/.test(line.slice(column + word.length)),
  };
}

/** Keys above a line by indentation, and the keys beside it. Undefined inside a block text. */
function pathOf(
  lines: readonly string[],
  number: number,
  indent: number,
  lead: string,
): { readonly path: string[]; readonly siblings: Set<string> } | undefined {
  const path: string[] = [];
  const siblings = new Set<string>();
  let limit = indent;
  /** An item's dash may stand right below its key. */
  let dashed = false;
  const climb = (dashes: string, spaces: number): void => {
    path.unshift('0');
    limit = spaces;
    dashed = dashes !== '';
  };
  if (lead.includes('-')) climb(lead.trim(), lead.indexOf('-'));
  for (let i = number - 1; i >= 0 && (limit > 0 || dashed || path.length === 0); i--) {
    const match = keyLine.exec(lines[i]!);
    if (!match) {
      const bare = /^( *)- /.exec(lines[i]!);
      if (bare && bare[1]!.length < limit && !dashed) climb('-', bare[1]!.length);
      continue;
    }
    const [, spaces = '', dashes = ''] = match;
    const key = match[3] ?? match[4] ?? match[5]!;
    const column = spaces.length + dashes.length;
    if (column === limit && path.length === 0 && !dashed) siblings.add(key);
    if (column === limit && !dashed && dashes !== '') {
      climb(dashes, spaces.length);
    } else if (column < limit || (dashed && column === limit && dashes === '')) {
      if (/^[ \t]*[|>][-+\d]*[ \t]*(#.*)?$/.test(match[6]!)) return undefined;
      path.unshift(key);
      limit = column;
      dashed = false;
      if (dashes !== '') climb(dashes, spaces.length);
    }
  }
  if (!lead.includes('-') || lead.trim() === '-') belowSiblings(lines, number, indent, siblings);
  return { path, siblings };
}

function belowSiblings(lines: readonly string[], number: number, indent: number, into: Set<string>): void {
  for (let i = number + 1; i < lines.length; i++) {
    const match = keyLine.exec(lines[i]!);
    if (!match) continue;
    if (match[2] !== '' || match[1]!.length < indent) return;
    if (match[1]!.length === indent) into.add(match[3] ?? match[4] ?? match[5]!);
  }
}

interface Frame {
  readonly open: '{' | '[';
  readonly path: readonly string[];
  readonly keys: string[];
  /** In a mapping: the key whose value is being read. */
  key?: string;
}

/** Inside the value of a key, from `from` on. */
function valueCursor(
  line: string,
  column: number,
  from: number,
  path: readonly string[],
  start: number,
  indent: number,
): FrontMatterCursor | undefined {
  const frames: Frame[] = [];
  let token = from;
  let quote: '"' | "'" | undefined;
  for (let i = from; i < column; i++) {
    const char = line[i]!;
    if (quote) {
      if (char === quote) quote = undefined;
      continue;
    }
    const fresh = line.slice(token, i).trim() === '';
    const top = frames.at(-1);
    const pathHere = top ? (top.open === '[' ? [...top.path, '0'] : [...top.path, top.key ?? '']) : path;
    if (char === '#' && (i === from || /\s/.test(line[i - 1]!))) return undefined;
    if ((char === '"' || char === "'") && fresh) {
      quote = char;
      token = i + 1;
    } else if ((char === '{' || char === '[') && fresh) {
      frames.push({ open: char, path: pathHere, keys: [] });
      token = i + 1;
    } else if (top && (char === '}' || char === ']')) {
      frames.pop();
      token = i + 1;
    } else if (top && char === ',') {
      top.key = undefined;
      token = i + 1;
    } else if (top?.open === '{' && char === ':' && top.key === undefined) {
      top.key = line.slice(token, i).replace(/["']/g, '').trim();
      top.keys.push(top.key);
      token = i + 1;
    }
  }
  const top = frames.at(-1);
  const wordStart = quote ? token : token + /^\s*/.exec(line.slice(token, column))![0].length;
  const rest = line.slice(column);
  const tail = quote ? rest.slice(0, Math.max(0, rest.indexOf(quote))) : /^[^\s,{}[\]#:"']*/.exec(rest)![0];
  const range = { start: start + wordStart, end: start + column + tail.length };
  const prefix = line.slice(wordStart, column);
  const common = { range, prefix, indent, flow: top !== undefined, ...(quote ? { quote } : {}) };
  if (top?.open === '{' && top.key === undefined) {
    const later = line.slice(column).matchAll(/[{,]?\s*([\w-]+)\s*:/g);
    const siblings = new Set([...top.keys, ...Array.from(later, match => match[1]!)]);
    const hasColon = /^\s*:/.test(rest.slice(tail.length));
    siblings.delete(prefix + tail);
    return { kind: 'key', path: top.path, siblings, hasColon, ...common };
  }
  const at = top ? (top.open === '[' ? [...top.path, '0'] : [...top.path, top.key!]) : path;
  return { kind: 'value', path: at, siblings: new Set(), hasColon: false, ...common };
}
