/** Hash tables of plain numbers: millions of ids and rows without an object for each. */

/** 64 bits of a text as two words, never both zero. Two different ids of 2 million meet with a probability of 10⁻⁷. */
export function hash64(text: string): readonly [high: number, low: number] {
  // Two multiplicative hashes with different constants, stirred at the end (as in MurmurHash3's finaliser).
  let a = 0x9e3779b9 ^ text.length;
  let b = 0x85ebca6b;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    a = (a << 13) | (a >>> 19);
    b = Math.imul(b ^ code, 0x5bd1e995);
    b = (b << 17) | (b >>> 15);
  }
  const high = stir(a ^ Math.imul(b, 0xc2b2ae35));
  const low = stir(b ^ Math.imul(a, 0x27d4eb2f));
  return high === 0 && low === 0 ? [0, 1] : [high, low];
}

/** Mixes all bits of a word (MurmurHash3). */
export function stir(word: number): number {
  let x = word;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Rows by a key of three words that the rows themselves hold. */
export class RowTable {
  /** Row + 1; 0 is empty. The number of slots is a power of two, at most two thirds are taken. */
  #slots: Uint32Array;
  /** Part of each key, so that a search seldom looks at the rows themselves. */
  #tags: Uint32Array;
  #count = 0;
  readonly #keyOf: (row: number, word: 0 | 1 | 2) => number;

  /** With room for so many rows, or of the `content` of a table like this one, which it then owns. */
  constructor(keyOf: (row: number, word: 0 | 1 | 2) => number, expected: number | Uint32Array = 0) {
    this.#keyOf = keyOf;
    if (typeof expected === 'number') {
      this.#slots = new Uint32Array(slotsFor(expected));
      this.#tags = new Uint32Array(this.#slots.length);
      return;
    }
    const half = expected.length / 2;
    this.#slots = expected.subarray(0, half);
    this.#tags = expected.subarray(half);
    for (let at = 0; at < half; at++) if (this.#slots[at] !== 0) this.#count++;
  }

  /** A copy, from which the same table can be made: slots, and as many tags. */
  content(): Uint32Array<ArrayBuffer> {
    const content = new Uint32Array(2 * this.#slots.length);
    content.set(this.#slots);
    content.set(this.#tags, this.#slots.length);
    return content;
  }

  /** The row under this key, or -1. */
  get(a: number, b: number, c: number): number {
    return this.#slots[this.#find(a, b, c)]! - 1;
  }

  /** Puts the row in the place of what stood under its key; returns that, or -1. */
  set(row: number): number {
    const at = this.#find(this.#keyOf(row, 0), this.#keyOf(row, 1), this.#keyOf(row, 2));
    const before = this.#slots[at]! - 1;
    this.#put(at, row);
    return before;
  }

  /** Puts the row under its key unless another one is there; whether it did. */
  setIfAbsent(row: number): boolean {
    const at = this.#find(this.#keyOf(row, 0), this.#keyOf(row, 1), this.#keyOf(row, 2));
    if (this.#slots[at] !== 0) return false;
    this.#put(at, row);
    return true;
  }

  #put(at: number, row: number): void {
    const isNew = this.#slots[at] === 0;
    this.#slots[at] = row + 1;
    if (!isNew) return;
    this.#tags[at] = tagOf(this.#keyOf(row, 1), this.#keyOf(row, 2));
    if (++this.#count * 3 > this.#slots.length * 2) this.#grow();
  }

  #find(a: number, b: number, c: number): number {
    const slots = this.#slots;
    const tags = this.#tags;
    const mask = slots.length - 1;
    const tag = tagOf(b, c);
    for (let at = tag & mask; ; at = (at + 1) & mask) {
      const row = slots[at]! - 1;
      if (row < 0) return at;
      if (tags[at] !== tag) continue;
      if (this.#keyOf(row, 1) === b && this.#keyOf(row, 0) === a && this.#keyOf(row, 2) === c) return at;
    }
  }

  #grow(): void {
    const [slots, tags] = [this.#slots, this.#tags];
    this.#slots = new Uint32Array(slots.length * 2);
    this.#tags = new Uint32Array(slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let i = 0; i < slots.length; i++) {
      if (slots[i] === 0) continue;
      let at = tags[i]! & mask;
      while (this.#slots[at] !== 0) at = (at + 1) & mask;
      this.#slots[at] = slots[i]!;
      this.#tags[at] = tags[i]!;
    }
  }
}

const tagOf = (b: number, c: number): number => (b ^ Math.imul(c, 0x9e3779b1)) >>> 0;

/** How often each 64-bit number was put in. */
export class Counts64 {
  /** Three words each: high, low, count. High and low both zero are empty. */
  #slots: Uint32Array;
  #taken = 0;

  /** Empty, or of the `slots` of counts like these, which it then owns. */
  constructor(slots = new Uint32Array(3 * 16)) {
    this.#slots = slots;
    for (let at = 0; at < slots.length; at += 3) if (slots[at] !== 0 || slots[at + 1] !== 0) this.#taken++;
  }

  /** A copy, from which the same counts can be made. */
  slots(): Uint32Array<ArrayBuffer> {
    return this.#slots.slice();
  }

  get isEmpty(): boolean {
    return this.#taken === 0;
  }

  get(high: number, low: number): number {
    return this.#taken === 0 ? 0 : this.#slots[this.#slot(high, low) + 2]!;
  }

  add(high: number, low: number, change = 1): number {
    let at = this.#slot(high, low);
    if (this.#slots[at] === 0 && this.#slots[at + 1] === 0) {
      if (++this.#taken * 2 > this.#slots.length / 3) {
        this.#grow();
        at = this.#slot(high, low);
      }
      this.#slots[at] = high;
      this.#slots[at + 1] = low;
    }
    this.#slots[at + 2] = this.#slots[at + 2]! + change;
    return this.#slots[at + 2]!;
  }

  #slot(high: number, low: number): number {
    const mask = this.#slots.length / 3 - 1;
    for (let place = low & mask; ; place = (place + 1) & mask) {
      const at = place * 3;
      const [h, l] = [this.#slots[at]!, this.#slots[at + 1]!];
      if ((h === high && l === low) || (h === 0 && l === 0)) return at;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 3) {
      if (old[at] === 0 && old[at + 1] === 0) continue;
      const to = this.#slot(old[at]!, old[at + 1]!);
      this.#slots.set(old.subarray(at, at + 3), to);
    }
  }
}

function slotsFor(count: number): number {
  let slots = 16;
  while (slots * 2 < count * 3) slots *= 2;
  return slots;
}

/** A list of rows that stays in order while single rows come in, mostly at the end. */
export class RowOrder {
  #rows: Uint32Array;
  #count: number;
  readonly #before: (a: number, b: number) => boolean;

  /** `rows` are in order already. */
  constructor(rows: Uint32Array, before: (a: number, b: number) => boolean) {
    this.#rows = rows;
    this.#count = rows.length;
    this.#before = before;
  }

  get length(): number {
    return this.#count;
  }

  at(place: number): number {
    return this.#rows[place]!;
  }

  /** A copy of the list. */
  rows(): Uint32Array<ArrayBuffer> {
    return this.#rows.slice(0, this.#count);
  }

  insert(rows: readonly number[]): void {
    const count = this.#count + rows.length;
    if (count > this.#rows.length) {
      const larger = new Uint32Array(count + 1024 + (count >> 3));
      larger.set(this.#rows);
      this.#rows = larger;
    }
    const added = [...rows].sort((a, b) => (this.#before(a, b) ? -1 : 1));
    // The last one first: what comes after it moves once, to its place.
    let end = this.#count;
    for (let i = added.length - 1; i >= 0; i--) {
      const place = this.#placeOf(added[i]!, end);
      this.#rows.copyWithin(place + i + 1, place, end);
      this.#rows[place + i] = added[i]!;
      end = place;
    }
    this.#count = count;
  }

  /** Of the first `end` rows, how many do not come after this one. */
  #placeOf(row: number, end: number): number {
    if (end > 0 && this.#before(this.#rows[end - 1]!, row)) return end;
    let [low, high] = [0, end];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#before(row, this.#rows[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** `rows` sorted by `time` (milliseconds, whole), equal times by `before`. Least significant digit first, 2¹¹ values a digit. */
export function sortedByTime(
  rows: Uint32Array,
  time: Float64Array,
  before: (a: number, b: number) => boolean,
): Uint32Array {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  let isSorted = true;
  for (const row of rows) {
    const at = time[row]!;
    if (at < last) isSorted = false;
    if (at < first) first = at;
    if (at > last) last = at;
  }
  let from: Uint32Array = rows;
  if (!isSorted) {
    const span = last - first;
    // Two words a time: 22 bits, and what is above them.
    let to: Uint32Array = new Uint32Array(rows.length);
    const word = new Uint32Array(rows.length);
    for (let unit = 1; unit <= span; unit *= 2 ** 22) {
      for (let shift = 0; shift < 22 && unit * 2 ** shift <= span; shift += 11) {
        for (let i = 0; i < from.length; i++) word[i] = Math.floor((time[from[i]!]! - first) / unit) & 0x3fffff;
        const starts = new Uint32Array(2049);
        for (let i = 0; i < word.length; i++) starts[((word[i]! >>> shift) & 2047) + 1]!++;
        for (let i = 0; i < 2048; i++) starts[i + 1]! += starts[i]!;
        for (let i = 0; i < word.length; i++) to[starts[(word[i]! >>> shift) & 2047]!++] = from[i]!;
        [from, to] = [to, from];
      }
    }
  }
  for (let start = 0; start < from.length; ) {
    const at = time[from[start]!]!;
    let end = start + 1;
    while (end < from.length && time[from[end]!] === at) end++;
    if (end - start > 1) from.subarray(start, end).sort((a, b) => (before(a, b) ? -1 : before(b, a) ? 1 : 0));
    start = end;
  }
  return from;
}
