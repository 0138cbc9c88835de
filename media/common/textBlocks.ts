/**
 * The plain part of Markdown (headings, paragraphs, lists, quotes, tables, code, emphasis) as blocks of leaves. Every leaf knows
 * where in the text it stands, so that what is selected on the screen is a range of the text. Links, images and markup stay
 * as they are written.
 */

export interface Leaf {
  readonly text: string;
  /** Where it begins in the whole text, in UTF-16 code units; absent for what is on the screen alone (JSON's line breaks). */
  readonly at?: number;
  readonly style?: 'code' | 'strong' | 'em' | 'strike';
}

export type Block =
  | { readonly kind: 'text'; readonly leaves: readonly Leaf[] }
  | { readonly kind: 'heading'; readonly level: number; readonly leaves: readonly Leaf[] }
  | { readonly kind: 'code'; readonly leaves: readonly Leaf[] }
  | {
      readonly kind: 'list';
      readonly ordered: boolean;
      readonly start: number;
      readonly items: readonly (readonly Block[])[];
    }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
  | { readonly kind: 'table'; readonly rows: readonly (readonly (readonly Leaf[])[])[] }
  | { readonly kind: 'rule' };

interface Line {
  readonly text: string;
  readonly at: number;
  /** Where its line feed stands. */
  readonly feed: number;
}

const fence = /^ {0,3}(```+|~~~+)/;
const item = /^( {0,3})([-*+]|\d{1,9}[.)])( +)(?=\S)/;
const heading = /^ {0,3}(#{1,6})[ \t]+(?=\S)/;
const quote = /^ {0,3}> ?/;
const rule = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const tableRule = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const deepest = 6;

/** The blocks of a text. An unclosed fence runs to the end, as while an answer streams. JSON stands as code with line breaks. */
export function blocksOf(text: string): readonly Block[] {
  const json = jsonLeaves(text);
  if (json) return [{ kind: 'code', leaves: json }];
  const lines: Line[] = [];
  let at = 0;
  for (const line of text.split('\n')) {
    lines.push({ text: line.endsWith('\r') ? line.slice(0, -1) : line, at, feed: at + line.length });
    at += line.length + 1;
  }
  return blocks(lines, 0);
}

const cut = ({ text, at, feed }: Line, from: number): Line => ({ text: text.slice(from), at: at + from, feed });

function blocks(lines: readonly Line[], depth: number): Block[] {
  const found: Block[] = [];
  let paragraph: Line[] = [];
  const flush = (): void => {
    if (paragraph.length > 0) found.push({ kind: 'text', leaves: inlines(paragraph) });
    paragraph = [];
  };
  for (let i = 0; i < lines.length; ) {
    const read = blockAt(lines, i, depth, paragraph.length > 0);
    if (read) {
      flush();
      found.push(read.block);
      i = read.next;
      continue;
    }
    const line = lines[i]!;
    if (line.text.trim() === '') flush();
    else paragraph.push(line);
    i++;
  }
  flush();
  return found;
}

interface Read {
  readonly block: Block;
  readonly next: number;
}

/** The block that begins at line `i`, or undefined where a paragraph goes on or begins. */
function blockAt(lines: readonly Line[], i: number, depth: number, inParagraph: boolean): Read | undefined {
  const line = lines[i]!;
  const open = fence.exec(line.text)?.[1];
  if (open) return code(lines, i, open);
  const title = heading.exec(line.text);
  if (title) {
    const rest = cut(line, title[0].length);
    const trimmed = { ...rest, text: rest.text.replace(/[ \t]+#*[ \t]*$/, '') };
    return { block: { kind: 'heading', level: title[1]!.length, leaves: inlines([trimmed]) }, next: i + 1 };
  }
  if (rule.test(line.text)) return { block: { kind: 'rule' }, next: i + 1 };
  if (line.text.includes('|') && tableRule.test(lines[i + 1]?.text ?? '') && lines[i + 1]!.text.includes('|'))
    return table(lines, i);
  if (depth >= deepest) return undefined;
  if (quote.test(line.text)) {
    let next = i;
    const inner: Line[] = [];
    for (let mark = quote.exec(line.text); mark; mark = quote.exec(lines[next]?.text ?? '')) {
      inner.push(cut(lines[next]!, mark[0].length));
      next++;
    }
    return { block: { kind: 'quote', blocks: blocks(inner, depth + 1) }, next };
  }
  const bullet = item.exec(line.text);
  // A number in running text is a list only where a list may begin: "2024. That year…" goes on.
  if (bullet && !(inParagraph && /^\d/.test(bullet[2]!) && !/^1\D/.test(bullet[2]!))) return list(lines, i, depth);
  return undefined;
}

function code(lines: readonly Line[], start: number, open: string): Read {
  let end = start + 1;
  while (end < lines.length && !lines[end]!.text.trim().startsWith(open)) end++;
  const leaves = lines.slice(start + 1, end).flatMap((line, i, all): Leaf[] => {
    const own = { text: line.text, at: line.at };
    return i < all.length - 1 ? [own, { text: '\n', at: line.feed }] : [own];
  });
  return { block: { kind: 'code', leaves }, next: end + 1 };
}

function list(lines: readonly Line[], start: number, depth: number): Read {
  const first = item.exec(lines[start]!.text)!;
  const ordered = /\d/.test(first[2]!);
  const items: Line[][] = [];
  let next = start;
  let indent = 0;
  for (; next < lines.length; next++) {
    const line = lines[next]!;
    const mark = item.exec(line.text);
    const margin = line.text.length - line.text.trimStart().length;
    if (mark && /\d/.test(mark[2]!) === ordered && margin < Math.max(indent, 2)) {
      indent = mark[0].length;
      items.push([cut(line, indent)]);
    } else if (items.length === 0) break;
    else if (line.text.trim() === '') {
      const after = lines[next + 1];
      const goesOn =
        after &&
        after.text.trim() !== '' &&
        (after.text.length - after.text.trimStart().length >= Math.min(indent, 2) ||
          (/\d/.test(item.exec(after.text)?.[2] ?? '-') === ordered && item.test(after.text)));
      if (!goesOn) break;
      items.at(-1)!.push(line);
    } else if (margin >= 2) items.at(-1)!.push(cut(line, Math.min(margin, indent)));
    else if (blockAt(lines, next, depth, true) || lines[next - 1]!.text.trim() === '') break;
    else items.at(-1)!.push(line);
  }
  const number = Number.parseInt(first[2]!, 10);
  return {
    block: {
      kind: 'list',
      ordered,
      start: ordered ? number : 1,
      items: items.map(inner => blocks(inner, depth + 1)),
    },
    next,
  };
}

function table(lines: readonly Line[], start: number): Read {
  const rows: Leaf[][][] = [cells(lines[start]!)];
  let next = start + 2;
  for (; next < lines.length && lines[next]!.text.includes('|'); next++) rows.push(cells(lines[next]!));
  return { block: { kind: 'table', rows }, next };
}

function cells(line: Line): Leaf[][] {
  const found: Leaf[][] = [];
  const end = line.text.replace(/\|?[ \t]*$/, '').length;
  let from = /^[ \t]*\|?/.exec(line.text)![0].length;
  for (let i = from; i <= end; i++) {
    if (i < end && (line.text[i] !== '|' || line.text[i - 1] === '\\')) continue;
    const cell = cut({ ...line, text: line.text.slice(0, i) }, from);
    const lead = cell.text.length - cell.text.trimStart().length;
    const inner = cut(cell, lead);
    found.push(inlines([{ ...inner, text: inner.text.trimEnd() }]));
    from = i + 1;
  }
  return found;
}

const marks =
  /`([^`\n]+)`|\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*|(?<![\p{L}\p{N}*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\p{L}\p{N}*])|~~(?=\S)([^~\n]+?)(?<=\S)~~/gu;
const styles = ['code', 'strong', 'em', 'strike'] as const;

/** Inline code, strong, emphasis and strike-through of lines that belong together; everything else is plain text. */
function inlines(lines: readonly Line[]): Leaf[] {
  return lines.flatMap((line, i) => {
    const leaves: Leaf[] = [];
    let end = 0;
    const plain = (to: number): void => {
      if (to > end) leaves.push({ text: line.text.slice(end, to), at: line.at + end });
    };
    for (const match of line.text.matchAll(marks)) {
      plain(match.index);
      const group = match.slice(1).findIndex(text => text !== undefined);
      const inner = match[group + 1]!;
      const at = line.at + match.index + match[0].indexOf(inner);
      leaves.push({ text: inner, at, style: styles[group]! });
      end = match.index + match[0].length;
    }
    plain(line.text.length);
    if (i < lines.length - 1) leaves.push({ text: '\n', at: line.feed });
    return leaves;
  });
}

const longestJson = 200_000;
const jsonToken = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** A JSON object or list as its own tokens with line breaks between; undefined for anything else. */
function jsonLeaves(text: string): Leaf[] | undefined {
  const trimmed = text.trim();
  if (!/^[{[]/.test(trimmed) || trimmed.length > longestJson) return undefined;
  try {
    JSON.parse(trimmed);
  } catch {
    return undefined;
  }
  const leaves: Leaf[] = [];
  let depth = 0;
  const breakLine = (): void => void leaves.push({ text: `\n${'  '.repeat(Math.min(depth, 40))}` });
  let before = '';
  for (const match of text.matchAll(jsonToken)) {
    const [token] = match;
    const closes = token === '}' || token === ']';
    if (closes) depth--;
    const isEmpty = closes && (before === '{' || before === '[');
    if (before === ',' || ((before === '{' || before === '[') && !isEmpty) || (closes && !isEmpty)) breakLine();
    if (before === ':') leaves.push({ text: ' ' });
    leaves.push({ text: token, at: match.index });
    if (token === '{' || token === '[') depth++;
    before = token;
  }
  return leaves;
}
