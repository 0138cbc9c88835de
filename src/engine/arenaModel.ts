/**
 * ONNX Runtime's CPU arena, played through with addresses only: how much memory a sequence of allocations really touches.
 * Source: onnxruntime `core/framework/bfc_arena.cc` (best fit with coalescing; regions double in size). A chunk is split
 * only when half of it or more would be left over, so tensors that are alike in size waste up to half of their chunks.
 */

/** Allocations are multiples of it. */
const GRAIN = 256;
const FIRST_REGION = 1 << 20;
/** A chunk is split as well when it would waste this much. */
const MOST_WASTED = 128 * (1 << 20);

interface Chunk {
  /** Address: regions lie far apart. */
  readonly at: number;
  size: number;
  used: boolean;
  previous: Chunk | undefined;
  next: Chunk | undefined;
}

export class ArenaModel {
  /** Free chunks by size, then address. */
  readonly #free: Chunk[] = [];
  #nextRegion = FIRST_REGION;
  #regionAt = 0;
  /** End of the touched part of each region, by its start. */
  readonly #touched = new Map<number, number>();
  #inUse = 0;
  #peakInUse = 0;
  #held = 0;

  /** Most bytes that chunks in use had at one time. */
  get peakInUse(): number {
    return this.#peakInUse;
  }

  /** Bytes in use now. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Bytes of address space taken; what was never touched costs no memory. */
  get held(): number {
    return this.#held;
  }

  /** Bytes that were ever written: what the process holds after the run, for the arena gives nothing back. */
  get touched(): number {
    let total = 0;
    for (const [start, end] of this.#touched) total += end - start;
    return total;
  }

  allocate(bytes: number): Chunk | undefined {
    if (bytes === 0) return undefined;
    const wanted = Math.ceil(bytes / GRAIN) * GRAIN;
    let chunk = this.#bestFit(wanted);
    if (!chunk) {
      this.#extend(wanted);
      chunk = this.#bestFit(wanted)!;
    }
    this.#remove(chunk);
    if (chunk.size >= 2 * wanted || chunk.size - wanted >= MOST_WASTED) this.#split(chunk, wanted);
    chunk.used = true;
    this.#inUse += chunk.size;
    this.#peakInUse = Math.max(this.#peakInUse, this.#inUse);
    this.#touch(chunk.at, chunk.at + wanted);
    return chunk;
  }

  release(chunk: Chunk | undefined): void {
    if (!chunk) return;
    chunk.used = false;
    this.#inUse -= chunk.size;
    if (chunk.next && !chunk.next.used) {
      this.#remove(chunk.next);
      this.#merge(chunk, chunk.next);
    }
    let whole = chunk;
    if (chunk.previous && !chunk.previous.used) {
      whole = chunk.previous;
      this.#remove(whole);
      this.#merge(whole, chunk);
    }
    this.#insert(whole);
  }

  #bestFit(wanted: number): Chunk | undefined {
    return this.#free[this.#place(wanted, -1)];
  }

  #extend(wanted: number): void {
    let grew = false;
    while (wanted > this.#nextRegion) {
      this.#nextRegion *= 2;
      grew = true;
    }
    const size = this.#nextRegion;
    if (!grew) this.#nextRegion *= 2;
    const at = this.#regionAt;
    // A gap, so that chunks of two regions are never neighbours.
    this.#regionAt += 2 * size;
    this.#held += size;
    this.#touched.set(at, at);
    this.#insert({ at, size, used: false, previous: undefined, next: undefined });
  }

  #split(chunk: Chunk, size: number): void {
    const rest: Chunk = {
      at: chunk.at + size,
      size: chunk.size - size,
      used: false,
      previous: chunk,
      next: chunk.next,
    };
    if (chunk.next) chunk.next.previous = rest;
    chunk.next = rest;
    chunk.size = size;
    this.#insert(rest);
  }

  #merge(first: Chunk, second: Chunk): void {
    first.size += second.size;
    first.next = second.next;
    if (second.next) second.next.previous = first;
  }

  #touch(from: number, to: number): void {
    for (const [start, end] of [...this.#touched].reverse()) {
      if (from < start) continue;
      if (to > end) this.#touched.set(start, to);
      return;
    }
  }

  /** Where a free chunk of this size and address stands, or belongs, in the sorted list. */
  #place(size: number, at: number): number {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#free[middle]!;
      if (other.size < size || (other.size === size && other.at < at)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(chunk: Chunk): void {
    this.#free.splice(this.#place(chunk.size, chunk.at), 0, chunk);
  }

  #remove(chunk: Chunk): void {
    this.#free.splice(this.#place(chunk.size, chunk.at), 1);
  }
}
