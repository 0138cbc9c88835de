/** How fast models answer, as it was measured in this process: what a forecast of time rests on. */
import type { Generation } from '../generation.ts';

export interface Measured {
  readonly calls: number;
  /** Answers that came per second, over the time in which any were under way. */
  readonly callsPerSecond: number;
  /** Means of a call; undefined where the model does not count. */
  readonly promptTokens?: number;
  readonly completionTokens?: number;
}

interface Sum {
  calls: number;
  counted: number;
  promptTokens: number;
  completionTokens: number;
  /** Milliseconds in which at least one answer was under way, and until when that was. */
  busyMs: number;
  busyUntil: number;
}

export class Rates {
  readonly #sums = new Map<string, Sum>();

  /** `now` is when the generation ended. */
  add(model: string, { finishReason, usage, latencyMs }: Generation, now: number): void {
    if (finishReason === 'cancelled') return;
    const sum = this.#sums.get(model) ?? {
      calls: 0,
      counted: 0,
      promptTokens: 0,
      completionTokens: 0,
      busyMs: 0,
      busyUntil: Number.NEGATIVE_INFINITY,
    };
    sum.calls++;
    if (usage) {
      sum.counted++;
      sum.promptTokens += usage.promptTokens;
      sum.completionTokens += usage.completionTokens;
    }
    sum.busyMs += Math.max(0, now - Math.max(sum.busyUntil, now - latencyMs));
    sum.busyUntil = Math.max(sum.busyUntil, now);
    this.#sums.set(model, sum);
  }

  of(model: string): Measured | undefined {
    const sum = this.#sums.get(model);
    if (!sum || sum.busyMs <= 0) return undefined;
    const { calls, counted, promptTokens, completionTokens, busyMs } = sum;
    return {
      calls,
      callsPerSecond: calls / (busyMs / 1000),
      ...(counted > 0 && { promptTokens: promptTokens / counted, completionTokens: completionTokens / counted }),
    };
  }
}
