/** Puts rendered pieces together into messages with spans. Only pieces of kind `role` part messages; values never do. */
import type { Role } from '../generation.ts';
import type { Piece } from './pieces.ts';
import type { RenderedMessage, Span, SpanPart } from './template.ts';

/** A place in the conversation where other messages go: `{{ shots }}`, or an input of kind `thread`. */
export interface Slot {
  readonly slot: string;
}

export type Turn = RenderedMessage | Slot;

export const isSlot = (turn: Turn): turn is Slot => 'slot' in turn;

export interface AssembleOptions {
  /** Expressions that are slots. */
  readonly slots: ReadonlySet<string>;
  /** From offsets of the pieces to offsets of the file. */
  readonly toFile: (offset: number) => number;
  /** Kept by the caller for one template: rows of it share what says where their text came from. */
  readonly parts?: SpanParts;
}

/** Parts by where their pieces begin in the template's body, twice: texts, then values. */
export type SpanParts = Map<number, { readonly end: number; readonly part: SpanPart }>;

/** Text before the first role is a system message, if there is any. */
export function assemble(pieces: readonly Piece[], { slots, toFile, parts = new Map() }: AssembleOptions): Turn[] {
  const turns: Turn[] = [];
  let role: Role = 'system';
  let explicit = false;
  let marked: Pick<RenderedMessage, 'writtenRole' | 'metadata'> = {};
  let content = '';
  let spans: Span[] = [];
  // Messages have no leading and trailing line breaks (Prompty's rule: lines of spaces stay); spans are cut along.
  const flush = (): void => {
    const end = withoutLineBreaks(content);
    if (explicit || end > 0) {
      if (end < content.length) cutAt(spans, end);
      turns.push({ role, content: content.slice(0, end), spans, ...marked });
    }
    content = '';
    spans = [];
  };
  const add = (text: string, part: SpanPart): void => {
    const skip = content === '' ? leadingLineBreaks(text) : 0;
    if (skip === text.length) return;
    const start = content.length;
    content += skip === 0 ? text : text.slice(skip);
    spans.push({ start, end: content.length, part: skip === 0 ? part : cut(part, skip, 0) });
  };
  for (const piece of pieces) {
    if (piece.kind === 'role') {
      flush();
      role = piece.role;
      marked = {
        ...(piece.writtenRole ? { writtenRole: piece.writtenRole } : {}),
        ...(piece.metadata ? { metadata: piece.metadata } : {}),
      };
      explicit = true;
    } else if (piece.kind === 'value' && slots.has(piece.expression)) {
      const name = piece.expression;
      // What surrounds a slot belongs to the message only where it is more than blank lines.
      explicit = false;
      flush();
      turns.push({ slot: name });
    } else if (piece.kind !== 'undefined') add(piece.text, partOf(piece, toFile, parts));
  }
  flush();
  return turns;
}

/** Where a piece's text came from, the same object for each row of a template. */
function partOf(
  piece: Extract<Piece, { kind: 'text' | 'value' }>,
  toFile: (offset: number) => number,
  parts: SpanParts,
): SpanPart {
  const value = piece.kind === 'value';
  const key = 2 * piece.start + (value ? 1 : 0);
  const end = value ? piece.end : piece.start + piece.text.length;
  const known = parts.get(key);
  if (known?.end === end) return known.part;
  const range = { start: toFile(piece.start), end: toFile(end) };
  const part: SpanPart = value ? { kind: 'variable', name: nameOf(piece.expression), range } : { kind: 'text', range };
  parts.set(key, { end, part });
  return part;
}

/** Takes off the spans what lies behind an offset of the content. */
function cutAt(spans: Span[], end: number): void {
  while (spans.length > 0 && spans.at(-1)!.start >= end) spans.pop();
  const last = spans.at(-1);
  if (last && last.end > end)
    spans[spans.length - 1] = { start: last.start, end, part: cut(last.part, 0, last.end - end) };
}

/** A part with so many characters of its text less at both ends. */
function cut(part: SpanPart, before: number, after: number): SpanPart {
  if (part.kind !== 'text' || !part.range) return part;
  return { kind: 'text', range: { start: part.range.start + before, end: part.range.end - after } };
}

function leadingLineBreaks(text: string): number {
  let count = 0;
  while (count < text.length && text.charCodeAt(count) === lineFeed) count++;
  return count;
}

/** The length of a text without the line breaks at its end. */
function withoutLineBreaks(text: string): number {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === lineFeed) end--;
  return end;
}

const lineFeed = 10;

/** `customer.name | upper` → `customer`; anything that does not start with a name stands as it is. */
const nameOf = (expression: string): string => /^[A-Za-z_]\w*/.exec(expression)?.[0] ?? expression;
