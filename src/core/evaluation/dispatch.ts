/**
 * Makes an `Ask` of a model: answers that were given before come from the cache, endpoints get as many requests at once as they
 * bear, what may pass is tried again, local models answer in batches. One dispatcher serves all runs of a process.
 */

import { unlessAborted } from '../../base/cancellation.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { isAbort } from '../../base/errors.ts';
import { Rng } from '../../base/rng.ts';
import type { Generation } from '../generation.ts';
import { isProviderError, type ProviderError } from '../providerError.ts';
import type { GenerateRequest, TextGenerator } from '../textGenerator.ts';
import { type Ask, type AskContext, stopped } from './ask.ts';
import { Batches } from './batches.ts';
import { Pace } from './pace.ts';
import { type Measured, Rates } from './rates.ts';

/** Answers by what they depend on; `key` is a text of any length. */
export interface ResponseCache {
  /** Undefined where there is none, or it is damaged. Never rejects. */
  get(key: string): Promise<Generation | undefined>;
  /** Resolves when it is kept. Rejects when the disk cannot take it. */
  put(key: string, generation: Generation): Promise<void>;
}

export interface DispatcherOptions {
  readonly cache?: ResponseCache;
  readonly clock?: Clock;
  /** For the jitter of waiting times. Default 0. */
  readonly seed?: number;
  /** Told once when answers cannot be kept; they are given all the same. */
  readonly onCacheProblem?: (error: unknown) => void;
}

export interface AskOptions {
  /** Asks again what was answered before, and keeps the new answer. */
  readonly fresh?: boolean;
  /** Requests of this run at once; an endpoint may get fewer. */
  readonly concurrency?: number;
  /** How often a request that may yet succeed is sent again. Default 5. */
  readonly retries?: number;
}

const DefaultRetries = 5;
/** Milliseconds: the first wait, doubled with each try, and the longest. */
const FirstWait = 500;
const LongestWait = 30_000;
/** An endpoint that wants a longer pause than this, in milliseconds, is not waited for. */
const LongestPause = 120_000;
/** Failures in a row, with no answer between them, after which a run sends nothing more. */
const FailuresInRow = 8;

export class Dispatcher {
  readonly #cache: ResponseCache | undefined;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #onCacheProblem: ((error: unknown) => void) | undefined;
  readonly #paces = new Map<string, Pace>();
  /** Endpoints that have answered in this process: one that is gone may come back. */
  readonly #reached = new Set<string>();
  readonly #batches = new Batches();
  /** Keys that are being answered; resolved when the answer is in the cache, or will not be. */
  readonly #asking = new Map<string, Promise<void>>();
  readonly #rates = new Rates();

  constructor({ cache, clock = systemClock, seed = 0, onCacheProblem }: DispatcherOptions = {}) {
    this.#cache = cache;
    this.#clock = clock;
    this.#rng = Rng.seeded(seed).stream('retries');
    this.#onCacheProblem = onCacheProblem;
  }

  /** For one run: what it may do at once, and when it gives up. */
  ask(generator: TextGenerator, options: AskOptions = {}): Ask {
    const gate = options.concurrency === undefined ? undefined : this.#gate(options.concurrency);
    const run: Run = { generator, gate, retries: options.retries ?? DefaultRetries, failures: 0 };
    return async (request, context) => {
      const { signal } = context;
      const cancelled = { generation: stopped(request, generator.model.id), cached: false };
      if (signal?.aborted) return cancelled;
      const key = this.#cache && (await cacheKey(generator, request));
      if (signal?.aborted) return cancelled;
      if (key === undefined || options.fresh) {
        const generation = await this.#attempts(run, request, context);
        if (key !== undefined) await this.#keep(key, generation);
        return { generation, cached: false };
      }
      for (;;) {
        const known = await this.#cache?.get(key);
        if (signal?.aborted) return cancelled;
        if (known) {
          if (known.text !== '') context.onDelta?.(known.text);
          return { generation: known, cached: true };
        }
        const other = this.#asking.get(key);
        if (!other) break;
        // The same was asked a moment ago: one answer serves both.
        await unlessAborted(other, signal).catch(() => {});
        if (signal?.aborted) return cancelled;
      }
      const generation = this.#attempts(run, request, context);
      const kept = generation.then(
        made => this.#keep(key, made),
        () => {},
      );
      this.#asking.set(key, kept);
      await kept;
      this.#asking.delete(key);
      return { generation: await generation, cached: false };
    };
  }

  /** The answer that the cache has to a request; nothing is asked. */
  async known(generator: TextGenerator, request: GenerateRequest): Promise<Generation | undefined> {
    const key = this.#cache && (await cacheKey(generator, request));
    return key === undefined ? undefined : this.#cache?.get(key);
  }

  /** What was measured of a model in this process; undefined while nothing was. */
  measured(model: string): Measured | undefined {
    return this.#rates.of(model);
  }

  /** Requests that an endpoint gets at once now. */
  limit(generator: TextGenerator): number {
    return this.#paceOf(generator)?.limit ?? 1;
  }

  #gate(most: number): Pace {
    return new Pace({ clock: this.#clock, start: most, most });
  }

  #paceOf({ model }: TextGenerator): Pace | undefined {
    if (model.kind === 'local') return undefined;
    const endpoint = endpointOf(model.id);
    let pace = this.#paces.get(endpoint);
    if (!pace) {
      pace = new Pace({ clock: this.#clock });
      this.#paces.set(endpoint, pace);
    }
    return pace;
  }

  async #attempts(run: Run, request: GenerateRequest, context: AskContext): Promise<Generation> {
    const { signal } = context;
    try {
      const turn = await run.gate?.enter(signal);
      try {
        for (let attempt = 0; ; attempt++) {
          if (run.stop !== undefined) throw run.stop;
          try {
            const generation = await this.#once(run.generator, request, attempt === 0 ? context : again(context));
            run.failures = 0;
            return generation;
          } catch (error) {
            if (signal?.aborted && (isAbort(error) || error === signal.reason)) throw error;
            const wait = this.#waitBefore(error, attempt, run);
            if (wait === undefined) {
              run.failures++;
              if (isFinal(error) || run.failures >= FailuresInRow) run.stop = error;
              throw error;
            }
            await this.#clock.sleep(wait, signal);
          }
        }
      } finally {
        if (turn) run.gate?.leave(turn, 'answered');
      }
    } catch (error) {
      if (signal?.aborted && (isAbort(error) || error === signal.reason))
        return stopped(request, run.generator.model.id);
      throw error;
    }
  }

  /** One request at the endpoint's pace, or in a batch. */
  async #once(generator: TextGenerator, request: GenerateRequest, context: AskContext): Promise<Generation> {
    const pace = this.#paceOf(generator);
    if (!pace) return this.#measure(generator, await this.#batches.generate(generator, request, context));
    const turn = await pace.enter(context.signal);
    try {
      const generation = await generator.generate(request, context);
      this.#reached.add(endpointOf(generator.model.id));
      pace.leave(turn, generation.finishReason === 'cancelled' ? 'other' : 'answered');
      return this.#measure(generator, generation);
    } catch (error) {
      const overload = isProviderError(error) && error.trouble === 'overload';
      pace.leave(turn, overload ? 'overload' : 'other', overload ? usablePause(error) : undefined);
      throw error;
    }
  }

  /** Milliseconds, or undefined where another try is of no use. */
  #waitBefore(error: unknown, attempt: number, { retries, generator }: Run): number | undefined {
    if (!isProviderError(error) || error.trouble === 'refused' || attempt >= retries) return undefined;
    if (error.trouble === 'unreachable' && !this.#reached.has(endpointOf(generator.model.id))) return undefined;
    if ((error.retryAfterMs ?? 0) > LongestPause) return undefined;
    const backOff = Math.min(LongestWait, FirstWait * 2 ** attempt);
    return Math.max(error.retryAfterMs ?? 0, backOff * (0.5 + this.#rng.next() / 2));
  }

  #measure(generator: TextGenerator, generation: Generation): Generation {
    this.#rates.add(generator.model.id, generation, this.#clock.now());
    return generation;
  }

  /** Only what a model ended by itself, or the request's own limit, is an answer to keep. */
  async #keep(key: string, generation: Generation): Promise<void> {
    if (generation.finishReason === 'cancelled') return;
    await this.#cache?.put(key, generation).catch((error: unknown) => this.#onCacheProblem?.(error));
  }
}

interface Run {
  readonly generator: TextGenerator;
  readonly gate: Pace | undefined;
  readonly retries: number;
  /** In a row. */
  failures: number;
  /** Why nothing more is sent. */
  stop?: unknown;
}

/** Everything that an answer depends on, as one text. Undefined where the model cannot say what it is. */
export async function cacheKey(generator: TextGenerator, request: GenerateRequest): Promise<string | undefined> {
  const identity = await generator.identity?.().catch(() => undefined);
  if (generator.identity && identity === undefined) return undefined;
  const { prompt, options, repeat, logProbs } = request;
  const { temperature, topP, topK, maxOutputTokens, seed, stopSequences } = options;
  return JSON.stringify([
    1,
    generator.model.id,
    identity ?? null,
    prompt.kind === 'text'
      ? prompt.text
      : [prompt.messages.map(({ role, content }) => [role, content]), prompt.continueLast ?? false],
    [temperature, topP, topK, maxOutputTokens, seed, stopSequences],
    repeat,
    logProbs?.alternatives ?? -1,
  ]);
}

/** The server, or the editor, that answers for a model: what shares one pace. */
const endpointOf = (id: string): string =>
  /^https?:\/\/[^/|]+/i.exec(id)?.[0].toLowerCase() ?? id.split(/[:/|]/, 1)[0]!;

/** A server that knows the person or the model not knows neither for the next request. */
const isFinal = (error: unknown): boolean =>
  isProviderError(error) && (error.trouble === 'unreachable' || [401, 403, 404].includes(error.status ?? 0));

const usablePause = ({ retryAfterMs }: ProviderError): number | undefined =>
  retryAfterMs !== undefined && retryAfterMs <= LongestPause ? retryAfterMs : undefined;

/** For another try after text was shown: the listener begins anew, or hears nothing more. */
function again({ signal, onDelta, onRestart }: AskContext): AskContext {
  if (!onRestart) return { signal };
  onRestart();
  return { signal, onDelta };
}
