/** Parts that are joined to one flat string; beyond them each is 32 bytes and more that outlive the answer's next tokens. */
const MostParts = 128;

/**
 * A text that comes in small pieces, thousands of them at once in all answers of a run. What `+=` makes is a tree of a node for each
 * piece, which the garbage collector carries along and at last takes for long-lived; this one stays flat.
 */
export class GrowingText {
  #parts: string[] = [];
  #length = 0;

  /** UTF-16 units. */
  get length(): number {
    return this.#length;
  }

  add(piece: string): void {
    if (this.#parts.length === MostParts) this.#parts = [this.#parts.join('')];
    this.#parts.push(piece);
    this.#length += piece.length;
  }

  clear(): void {
    this.#parts = [];
    this.#length = 0;
  }

  toString(): string {
    if (this.#parts.length > 1) this.#parts = [this.#parts.join('')];
    return this.#parts[0] ?? '';
  }
}
