/** How many requests one endpoint gets at once: grows while it answers, halves when it is overloaded (AIMD, as TCP does). */
import type { Clock } from '../../base/clock.ts';

export interface PaceOptions {
  readonly clock: Clock;
  /** Requests at once to begin with. Default 2. */
  readonly start?: number;
  /** Never more than these. Default 32. */
  readonly most?: number;
}

/** Returned by `enter`, given back to `leave`. */
export interface Turn {
  /** How often the pace had been halved when the request went out. */
  readonly halvings: number;
}

export type Outcome = 'answered' | 'overload' | 'other';

interface Waiting {
  readonly go: (turn: Turn) => void;
  readonly drop: (reason: unknown) => void;
  readonly signal?: AbortSignal;
  readonly abort: () => void;
}

export class Pace {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #queue = new Set<Waiting>();
  #limit: number;
  /** Up to here each answer adds one, above it one round of answers does (slow start and congestion avoidance). */
  #threshold = Number.POSITIVE_INFINITY;
  #running = 0;
  #halvings = 0;
  #pausedUntil = 0;
  #wake: AbortController | undefined;

  constructor({ clock, start = 2, most = 32 }: PaceOptions) {
    this.#clock = clock;
    this.#most = most;
    this.#limit = Math.min(start, most);
  }

  /** Requests that may run at once now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  get running(): number {
    return this.#running;
  }

  /** Resolves when a request may go out. Rejects with the signal's reason. Every `enter` that resolves needs its `leave`. */
  enter(signal?: AbortSignal): Promise<Turn> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const waiting: Waiting = {
        go: resolve,
        drop: reject,
        signal,
        abort: () => {
          this.#queue.delete(waiting);
          // Nobody waits any more: neither does the timer.
          if (this.#queue.size === 0) this.#wake?.abort();
          reject(signal?.reason);
        },
      };
      signal?.addEventListener('abort', waiting.abort, { once: true });
      this.#queue.add(waiting);
      this.#pump();
    });
  }

  leave(turn: Turn, outcome: Outcome, retryAfterMs?: number): void {
    const wasFull = this.#running >= this.limit;
    this.#running--;
    if (outcome === 'answered' && wasFull) {
      this.#limit = Math.min(this.#most, this.#limit + (this.#limit < this.#threshold ? 1 : 1 / this.#limit));
    }
    // Requests that went out together are refused together: that is one sign of overload, not many.
    if (outcome === 'overload' && turn.halvings === this.#halvings) {
      this.#limit = Math.max(1, this.#limit / 2);
      this.#threshold = this.#limit;
      this.#halvings++;
    }
    if (retryAfterMs !== undefined && outcome === 'overload')
      this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + retryAfterMs);
    this.#pump();
  }

  #pump(): void {
    const pause = this.#pausedUntil - this.#clock.now();
    if (pause > 0) {
      if (!this.#wake && this.#queue.size > 0) void this.#sleep(pause);
      return;
    }
    for (const waiting of this.#queue) {
      if (this.#running >= this.limit) return;
      this.#queue.delete(waiting);
      waiting.signal?.removeEventListener('abort', waiting.abort);
      this.#running++;
      waiting.go({ halvings: this.#halvings });
    }
  }

  async #sleep(pause: number): Promise<void> {
    this.#wake = new AbortController();
    await this.#clock.sleep(pause, this.#wake.signal).catch(() => {});
    this.#wake = undefined;
    this.#pump();
  }
}
