/** Puts rendered pieces together into messages with spans. Only pieces of kind `role` part messages; values never do. */
import type { Role } from '../generation.ts';
import type { Piece } from './pieces.ts';
import type { RenderedMessage, Span, SpanPart, TextRange } from './template.ts';

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
}

/** Text before the first role is a system message, if there is any. */
export function assemble(pieces: readonly Piece[], { slots, toFile }: AssembleOptions): Turn[] {
  const turns: Turn[] = [];
  let role: Role = 'system';
  let explicit = false;
  let marked: Pick<RenderedMessage, 'writtenRole' | 'metadata'> = {};
  let content = '';
  let spans: Span[] = [];
  const flush = (): void => {
    const message = trimmed(role, content, spans);
    if (explicit || message.content !== '') turns.push({ ...message, ...marked });
    content = '';
    spans = [];
  };
  const add = (text: string, part: SpanPart): void => {
    if (text === '') return;
    const start = content.length;
    content += text;
    spans.push({ start, end: content.length, part });
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
    } else if (piece.kind === 'undefined') {
    } else if (piece.kind === 'value') {
      const range = { start: toFile(piece.start), end: toFile(piece.end) };
      add(piece.text, { kind: 'variable', name: nameOf(piece.expression), range });
    } else {
      const range = { start: toFile(piece.start), end: toFile(piece.start + piece.text.length) };
      add(piece.text, { kind: 'text', range });
    }
  }
  flush();
  return turns;
}

/** Without leading and trailing line breaks (Prompty's rule: lines of spaces stay); spans are cut along. */
function trimmed(role: Role, content: string, spans: readonly Span[]): RenderedMessage {
  let start = 0;
  let end = content.length;
  while (start < end && isLineBreak(content, start)) start++;
  while (end > start && isLineBreak(content, end - 1)) end--;
  if (start === 0 && end === content.length) return { role, content, spans };
  const kept = spans.flatMap((span): Span[] => {
    const from = Math.max(span.start, start);
    const to = Math.min(span.end, end);
    return from < to ? [{ start: from - start, end: to - start, part: cut(span, from, to) }] : [];
  });
  return { role, content: content.slice(start, end), spans: kept };
}

function cut(span: Span, from: number, to: number): SpanPart {
  if (span.part.kind !== 'text' || !span.part.range) return span.part;
  const range: TextRange = {
    start: span.part.range.start + (from - span.start),
    end: span.part.range.end - (span.end - to),
  };
  return { kind: 'text', range };
}

const isLineBreak = (text: string, at: number): boolean => text[at] === '\n';

/** `customer.name | upper` → `customer`; anything that does not start with a name stands as it is. */
const nameOf = (expression: string): string => /^[A-Za-z_]\w*/.exec(expression)?.[0] ?? expression;
