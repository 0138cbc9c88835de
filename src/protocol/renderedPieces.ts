/**
 * Rendered templates on their way from the evaluator process: rows of one template share nearly all of their pieces, so those
 * travel once a batch, and each row brings its own texts alone.
 */
import * as v from 'valibot';
import { type Piece, PieceSchema } from '../core/prompts/pieces.ts';

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(item => typeof item === 'string');

/** The rows of one template. */
const PackSchema = v.object({
  /** A piece as it is, or an open one, whose text each row brings. */
  pieces: v.array(v.object({ piece: PieceSchema, open: v.boolean() })),
  /** The orders in which pieces stand in rows, each by its place in `pieces`. */
  layouts: v.array(v.array(v.number())),
});
export type Pack = v.InferOutput<typeof PackSchema>;

/** `texts` are those of the open pieces, in order. */
const PackedRowSchema = v.object({ layout: v.number(), texts: v.custom<string[]>(isTexts) });
export type PackedRow = v.InferOutput<typeof PackedRowSchema>;

export const PackedRenderSchema = v.object({
  /** One for each template of the request. */
  packs: v.array(PackSchema),
  /** One result for each item, in order; one that fails does not hold up the others. */
  results: v.array(v.union([PackedRowSchema, v.object({ message: v.string(), line: v.optional(v.number()) })])),
});
export type PackedRender = v.InferOutput<typeof PackedRenderSchema>;

/** Packs the rows of one template; `pack` is whole when the last row is in it. */
export class Packer {
  readonly pack: Pack = { pieces: [], layouts: [] };
  readonly #places = new Map<number, number>();
  readonly #layouts = new Map<string, number>();
  #last: readonly number[] | undefined;
  #lastLayout = 0;

  add(pieces: readonly Piece[]): PackedRow {
    const texts: string[] = [];
    const places = pieces.map(piece => {
      const place = this.#place(piece);
      if (this.pack.pieces[place]!.open) texts.push((piece as { text: string }).text);
      return place;
    });
    return { layout: this.#layout(places), texts };
  }

  #place(piece: Piece): number {
    const key = 8 * piece.start + kinds.indexOf(piece.kind);
    const known = this.#places.get(key);
    if (known === undefined) return this.#new(key, piece, piece.kind === 'value');
    const entry = this.pack.pieces[known]!;
    if (same(entry.piece, piece)) return known;
    // A text that a filter made of values, say: it is another in each row.
    if (piece.kind === 'text')
      return this.#places.get(key + kinds.length) ?? this.#new(key + kinds.length, piece, true);
    return this.#new(key, piece, entry.open);
  }

  #new(key: number, piece: Piece, open: boolean): number {
    const place = this.pack.pieces.push({ piece: open ? ({ ...piece, text: '' } as Piece) : piece, open }) - 1;
    this.#places.set(key, place);
    return place;
  }

  #layout(places: number[]): number {
    const last = this.#last;
    if (last?.length === places.length && last.every((place, i) => place === places[i])) return this.#lastLayout;
    const key = places.join();
    let layout = this.#layouts.get(key);
    if (layout === undefined) {
      layout = this.pack.layouts.push(places) - 1;
      this.#layouts.set(key, layout);
    }
    this.#last = places;
    this.#lastLayout = layout;
    return layout;
  }
}

const kinds: readonly Piece['kind'][] = ['text', 'value', 'role', 'undefined'];

/** Whether two pieces of one kind and start are the same but for the text of values. */
function same(a: Piece, b: Piece): boolean {
  if (a.kind === 'text') return b.kind === 'text' && a.text === b.text;
  if (a.kind === 'role') return b.kind === 'role' && a.end === b.end;
  return a.kind === b.kind && a.end === b.end && a.expression === b.expression;
}

/** The pieces of a row. Rows share those that are not open. Throws where the row does not fit its pack. */
export function unpacked({ pieces, layouts }: Pack, { layout, texts }: PackedRow): Piece[] {
  let used = 0;
  const row = layouts[layout]?.map(place => {
    const entry = pieces[place];
    if (!entry) throw new Error(`the evaluator has no piece ${place}`);
    const { piece, open } = entry;
    if (!open) return piece;
    const text = texts[used++];
    if (text === undefined) throw new Error('the evaluator gave too few texts');
    if (piece.kind === 'value')
      return { kind: piece.kind, text, expression: piece.expression, start: piece.start, end: piece.end };
    if (piece.kind === 'text') return { kind: piece.kind, text, start: piece.start };
    throw new Error(`a piece of kind ${piece.kind} has no text`);
  });
  if (!row || used !== texts.length) throw new Error('the evaluator gave a row that does not fit');
  return row;
}
