/**
 * Changes of a text as values that can be applied, composed and rebased, so that two editors of one document can type at the
 * same time and end with the same text. A change is a list of pieces that walk the old text from start to end.
 */

/** `n > 0` keeps n UTF-16 code units, `n < 0` deletes −n, a string inserts. What is left at the end is kept. */
export type TextChange = readonly (number | string)[];

/** Collects pieces in normal form: no empty ones, neighbours of a kind merged, deletions after insertions at one place. */
class ChangeBuilder {
  readonly #pieces: (number | string)[] = [];

  keep(n: number): void {
    if (n <= 0) return;
    const last = this.#pieces.at(-1);
    if (typeof last === 'number' && last > 0) this.#pieces[this.#pieces.length - 1] = last + n;
    else this.#pieces.push(n);
  }

  insert(text: string): void {
    if (text === '') return;
    const at = this.#pieces.length - 1;
    const last = this.#pieces[at];
    if (typeof last === 'string') this.#pieces[at] = last + text;
    else if (typeof last === 'number' && last < 0) {
      const before = this.#pieces[at - 1];
      if (typeof before === 'string') this.#pieces[at - 1] = before + text;
      else this.#pieces.splice(at, 0, text);
    } else this.#pieces.push(text);
  }

  delete(n: number): void {
    if (n <= 0) return;
    const last = this.#pieces.at(-1);
    if (typeof last === 'number' && last < 0) this.#pieces[this.#pieces.length - 1] = last - n;
    else this.#pieces.push(-n);
  }

  build(): TextChange {
    const last = this.#pieces.at(-1);
    if (typeof last === 'number' && last > 0) this.#pieces.pop();
    return this.#pieces;
  }
}

/** Gives a change's pieces in parts of a wanted length; after its end it keeps for ever. */
class Reader {
  readonly #pieces: TextChange;
  #index = 0;
  #used = 0;

  constructor(pieces: TextChange) {
    this.#pieces = pieces;
  }

  get done(): boolean {
    return this.#index >= this.#pieces.length;
  }

  /** The next piece, not yet taken: a whole number of code units left, or the insertion's rest. */
  peek(): number | string {
    const piece = this.#pieces[this.#index];
    if (piece === undefined) return Number.POSITIVE_INFINITY;
    if (typeof piece === 'string') return piece.slice(this.#used);
    return piece > 0 ? piece - this.#used : piece + this.#used;
  }

  take(n: number): void {
    const piece = this.#pieces[this.#index];
    if (piece === undefined) return;
    this.#used += n;
    const length = typeof piece === 'string' ? piece.length : Math.abs(piece);
    if (this.#used >= length) {
      this.#index++;
      this.#used = 0;
    }
  }
}

export const isEmptyChange = (change: TextChange): boolean => change.length === 0;

export function applyChange(text: string, change: TextChange): string {
  let result = '';
  let at = 0;
  for (const piece of change) {
    if (typeof piece === 'string') result += piece;
    else if (piece > 0) {
      result += text.slice(at, at + piece);
      at += piece;
    } else at -= piece;
  }
  if (at > text.length) throw new RangeError('the change is for a longer text');
  return result + text.slice(at);
}

/** One change with the effect of `first`, then `second`. */
export function composeChanges(first: TextChange, second: TextChange): TextChange {
  const a = new Reader(first);
  const b = new Reader(second);
  const result = new ChangeBuilder();
  while (!a.done || !b.done) {
    const x = a.peek();
    const y = b.peek();
    if (typeof y === 'string') {
      result.insert(y);
      b.take(y.length);
    } else if (typeof x === 'number' && x < 0) {
      result.delete(-x);
      a.take(-x);
    } else {
      const n = Math.min(typeof x === 'string' ? x.length : x, Math.abs(y));
      if (typeof x === 'string') {
        if (y > 0) result.insert(x.slice(0, n));
      } else if (y > 0) result.keep(n);
      else result.delete(n);
      a.take(n);
      b.take(n);
    }
  }
  return result.build();
}

/**
 * `change`, made on the same text as `over`, for the text after `over`. Of two insertions at one place that of `over` comes
 * first when `overFirst`. compose(over, rebase(change, over, true)) = compose(change, rebase(over, change, false)).
 */
export function rebaseChange(change: TextChange, over: TextChange, overFirst: boolean): TextChange {
  const a = new Reader(change);
  const b = new Reader(over);
  const result = new ChangeBuilder();
  while (!a.done) {
    const x = a.peek();
    const y = b.peek();
    if (typeof y === 'string' && (overFirst || typeof x !== 'string')) {
      result.keep(y.length);
      b.take(y.length);
    } else if (typeof x === 'string') {
      result.insert(x);
      a.take(x.length);
    } else if (typeof y === 'number') {
      const n = Math.min(Math.abs(x), Math.abs(y));
      if (y > 0) {
        if (x > 0) result.keep(n);
        else result.delete(n);
      }
      a.take(n);
      b.take(n);
    }
  }
  return result.build();
}

export interface Replacement {
  /** In the old text. */
  readonly offset: number;
  readonly length: number;
  readonly text: string;
}

/** Replacements in the old text, not overlapping, in any order, as one change. */
export function changeOf(replacements: readonly Replacement[]): TextChange {
  const result = new ChangeBuilder();
  let at = 0;
  for (const { offset, length, text } of [...replacements].sort((p, q) => p.offset - q.offset)) {
    if (offset < at) throw new RangeError('replacements overlap');
    result.keep(offset - at);
    result.insert(text);
    result.delete(length);
    at = offset + length;
  }
  return result.build();
}

/** The replacements that a change makes, in order. */
export function replacementsOf(change: TextChange): Replacement[] {
  const result: { offset: number; length: number; text: string }[] = [];
  let at = 0;
  let open = false;
  for (const piece of change) {
    if (typeof piece === 'number' && piece > 0) {
      at += piece;
      open = false;
      continue;
    }
    if (!open) result.push({ offset: at, length: 0, text: '' });
    open = true;
    const last = result.at(-1)!;
    if (typeof piece === 'string') last.text += piece;
    else {
      last.length -= piece;
      at -= piece;
    }
  }
  return result;
}

/** The smallest single replacement between two texts; never between the two halves of a surrogate pair. */
export function changeBetween(before: string, after: string): TextChange {
  if (before === after) return [];
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  if (start > 0 && isHighSurrogate(before.charCodeAt(start - 1))) start--;
  let end = 0;
  while (
    end < shorter - start &&
    before.charCodeAt(before.length - 1 - end) === after.charCodeAt(after.length - 1 - end)
  )
    end++;
  if (end > 0 && isLowSurrogate(before.charCodeAt(before.length - end))) end--;
  const text = after.slice(start, after.length - end);
  return changeOf([{ offset: start, length: before.length - end - start, text }]);
}

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code < 0xdc00;
const isLowSurrogate = (code: number): boolean => code >= 0xdc00 && code < 0xe000;
