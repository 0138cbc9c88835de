/** Time that an item was in sight: it rests while the view is hidden. */
export class Stopwatch {
  readonly #now: () => number;
  #before = 0;
  #since: number | undefined;

  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
  }

  /** Starts anew, with time from before a reload. */
  restart(milliseconds = 0): void {
    this.#before = milliseconds;
    if (this.#since !== undefined) this.#since = this.#now();
  }

  pause(): void {
    this.#before = this.elapsed();
    this.#since = undefined;
  }

  resume(): void {
    this.#since ??= this.#now();
  }

  /** Whole milliseconds. */
  elapsed(): number {
    return Math.round(this.#before + (this.#since === undefined ? 0 : this.#now() - this.#since));
  }
}
