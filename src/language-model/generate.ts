/** Generation: many prompts at once over one key–value cache, each sample independent of who else is in the batch. */
import { Rng } from '../base/rng.ts';
import { Decoder, type DecoderOptions } from './decoder.ts';
import { cachedHeadDim, KeyValueCache } from './keyValueCache.ts';
import { type Choice, type Draw, type SamplingRule, TokenSampler } from './sampling.ts';

export interface GenerateOptions extends SamplingRule {
  readonly maxNewTokens: number;
  readonly seed: number;
  /** Tokens that end a sequence. The one that does so is part of the result. */
  readonly endIds?: readonly number[];
  /** Each token's likeliest alternatives, this many; −1 or absent: none. */
  readonly alternatives?: number;
}

export interface GenerateRequest {
  /** At least one token. */
  readonly prompt: ArrayLike<number>;
  readonly options: GenerateOptions;
  /** Names this sample's random numbers together with the seed: two samples of one prompt differ by it. */
  readonly stream: number;
}

export interface SampledToken extends Choice {
  readonly alternatives?: readonly Choice[];
}

export interface GeneratedSequence {
  readonly tokens: readonly number[];
  readonly logProbs: readonly number[];
  readonly alternatives?: readonly NonNullable<SampledToken['alternatives']>[];
  /** `end`: an end token. `stopped`: `onToken` said so. `length`: the limit or the model's longest sequence. */
  readonly finishReason: 'end' | 'length' | 'stopped' | 'cancelled';
}

export interface GenerateContext {
  /** Ends all sequences before the next token; they come back with what they have. */
  readonly signal?: AbortSignal;
  /** Called for each token at once; `stop` ends that sequence with it. */
  readonly onToken?: (request: number, token: SampledToken) => 'stop' | undefined;
  /** False samples from the base model even though there is an adapter. Default true. */
  readonly useAdapter?: boolean;
}

export interface Generator {
  readonly decoder: Decoder;
  readonly sampler: TokenSampler;
  /** Results in the order of the requests. Calls wait for one another. */
  generate(requests: readonly GenerateRequest[], context?: GenerateContext): Promise<GeneratedSequence[]>;
  /** Other work on the decoder, such as scoring: after all that came before it, since runs share the session's buffers. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  dispose(): Promise<void>;
}

export interface GeneratorOptions extends DecoderOptions {
  /** Sequences under way at once. Default 64, and no more than 1 GiB of cache. */
  readonly maxBatch?: number;
}

export async function createGenerator(options: GeneratorOptions): Promise<Generator> {
  const decoder = await Decoder.create(options);
  const { threads, inPlace } = options;
  const sampler = new TokenSampler({ vocabSize: options.config.vocabSize, threads, inPlace });
  return new OrderedGenerator(decoder, sampler, options.maxBatch ?? 64);
}

/** One call after the other: they share the session. */
class OrderedGenerator implements Generator {
  readonly decoder: Decoder;
  readonly sampler: TokenSampler;
  readonly #maxBatch: number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(decoder: Decoder, sampler: TokenSampler, maxBatch: number) {
    this.decoder = decoder;
    this.sampler = sampler;
    this.#maxBatch = maxBatch;
  }

  generate(requests: readonly GenerateRequest[], context: GenerateContext = {}): Promise<GeneratedSequence[]> {
    const { signal } = context;
    let batch: Batch;
    try {
      batch = new Batch(this, this.#maxBatch, requests, context);
    } catch (error) {
      return Promise.reject(error);
    }
    let begun = false;
    const result = this.inTurn(() => {
      begun = true;
      return batch.run();
    });
    if (!signal) return result;
    // One that still waits for its turn does not have to wait in order to be cancelled.
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        if (!begun) resolve(batch.cancelled());
      };
      if (signal.aborted) cancel();
      signal.addEventListener('abort', cancel, { once: true });
      result.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel));
    });
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  async dispose(): Promise<void> {
    await this.#last;
    await this.decoder.dispose();
    await this.sampler.dispose();
  }
}

/** A sequence under way; its place in the list of active ones is its row in the cache. */
interface Active {
  readonly request: number;
  readonly tokens: number[];
  readonly logProbs: number[];
  readonly alternatives: NonNullable<SampledToken['alternatives']>[];
  /** Tokens in the cache. */
  length: number;
  /** The sampled token that is not in the cache yet. */
  next: number;
  readonly rng: Rng;
}

const CACHE_BYTES = 1 << 30;
/** Prompts are run together up to this many tokens; a longer one alone, in pieces of this size. */
const PREFILL_TOKENS = 512;

class Batch {
  readonly #decoder: Decoder;
  readonly #sampler: TokenSampler;
  readonly #requests: readonly GenerateRequest[];
  readonly #context: GenerateContext;
  readonly #cache: KeyValueCache;
  readonly #maxBatch: number;
  readonly #active: Active[] = [];
  readonly #results: (GeneratedSequence | undefined)[];
  readonly #limit: number;

  constructor(
    { decoder, sampler }: Pick<Generator, 'decoder' | 'sampler'>,
    maxBatch: number,
    requests: readonly GenerateRequest[],
    context: GenerateContext,
  ) {
    this.#decoder = decoder;
    this.#sampler = sampler;
    this.#requests = requests;
    this.#context = context;
    this.#limit = decoder.config.maxPositions;
    this.#results = requests.map(() => undefined);
    this.#cache = new KeyValueCache(decoder.config);
    const { layers, kvHeads } = decoder.config;
    let longest = 0;
    for (const { prompt, options } of requests) {
      if (prompt.length === 0) throw new RangeError('a prompt needs at least one token');
      for (let t = 0; t < prompt.length; t++) {
        const id = prompt[t]!;
        if (!(id >= 0 && id < decoder.config.vocabSize))
          throw new RangeError(`the token ${id} is not in the vocabulary`);
      }
      if (prompt.length >= this.#limit)
        throw new RangeError(`a prompt of ${prompt.length} tokens leaves no room in ${this.#limit}`);
      longest = Math.max(longest, Math.min(this.#limit, prompt.length + options.maxNewTokens));
    }
    const rowBytes = layers * kvHeads * cachedHeadDim(decoder.config) * longest * 2 * 4;
    this.#maxBatch = Math.max(1, Math.min(maxBatch, Math.floor(CACHE_BYTES / Math.max(1, rowBytes))));
  }

  async run(): Promise<GeneratedSequence[]> {
    let pending = this.#requests.map((_, i) => i);
    while (pending.length > 0 || this.#active.length > 0) {
      if (this.#context.signal?.aborted) break;
      if (pending.length > 0 && this.#active.length < this.#maxBatch) pending = await this.#admit(pending);
      else await this.#step();
      await turn();
    }
    return this.cancelled();
  }

  /** What there is, the unfinished marked as cancelled. */
  cancelled(): GeneratedSequence[] {
    for (const sequence of this.#active) this.#finish(sequence, 'cancelled');
    return this.#results.map(result => result ?? { tokens: [], logProbs: [], finishReason: 'cancelled' });
  }

  /** Takes in as many prompts as there is room for, runs them, and samples their first tokens. Returns the others. */
  async #admit(pending: readonly number[]): Promise<number[]> {
    const room = this.#maxBatch - this.#active.length;
    // Samples of one prompt share its run: the cache row is copied.
    const groups = new Map<string, number[]>();
    let taken = 0;
    let longest = 0;
    for (const index of pending) {
      if (taken === room) break;
      const { prompt } = this.#requests[index]!;
      const key = Array.prototype.join.call(prompt, ',');
      const group = groups.get(key);
      if (!group) {
        const width = Math.max(longest, prompt.length);
        if (groups.size > 0 && width * (groups.size + 1) > PREFILL_TOKENS) break;
        longest = width;
        groups.set(key, [index]);
      } else group.push(index);
      taken++;
    }
    const firsts = [...groups.values()].map(group => group[0]!);
    const start = this.#active.length;
    this.#reserve(start + taken, [...groups.values()].flat());
    const outputs = await this.#prefill(start, firsts, longest);
    // Rows of the prompts as run, then the copies, so that no row is overwritten before it is copied.
    const order = [...groups.values()].map((group, row) => ({ group, row }));
    const copies = order.flatMap(({ group, row }) => group.slice(1).map(index => ({ index, row })));
    const admitted = [...order.map(({ group, row }) => ({ index: group[0]!, row })), ...copies];
    admitted.forEach(({ index, row }, place) => {
      const length = this.#requests[index]!.prompt.length;
      if (place >= firsts.length) this.#cache.copyRow(start + row, start + place, length);
    });
    const started = admitted.map(({ index, row }) => {
      const { prompt, options, stream } = this.#requests[index]!;
      const rng = Rng.seeded(options.seed).stream('token', stream);
      return {
        row,
        sequence: { request: index, tokens: [], logProbs: [], alternatives: [], length: prompt.length, next: 0, rng },
      };
    });
    if (this.#context.signal?.aborted) return [...pending];
    this.#active.push(...started.map(({ sequence }) => sequence));
    await this.#sample(started, outputs.logits);
    const admittedSet = new Set(admitted.map(({ index }) => index));
    return pending.filter(index => !admittedSet.has(index));
  }

  #reserve(rows: number, admitted: readonly number[]): void {
    let tokens = this.#cache.capacity;
    for (const index of admitted) {
      const { prompt, options } = this.#requests[index]!;
      // A generous limit is rarely used up: begin with room for 256 and grow when they are full.
      tokens = Math.max(tokens, Math.min(this.#limit, prompt.length + Math.min(options.maxNewTokens, 256)));
    }
    this.#cache.reserve(
      Math.min(this.#maxBatch, Math.max(rows, Math.min(this.#requests.length, this.#maxBatch))),
      tokens,
    );
  }

  /** Runs prompts into the cache rows from `start` on. The result has one row for each. */
  async #prefill(start: number, indices: readonly number[], longest: number) {
    const rows = indices.length;
    const prompts = indices.map(index => this.#requests[index]!.prompt);
    const useAdapter = this.#context.useAdapter ?? true;
    if (rows === 1) {
      const prompt = prompts[0]!;
      for (let from = 0; ; from += PREFILL_TOKENS) {
        const to = Math.min(prompt.length, from + PREFILL_TOKENS);
        const outputs = await this.#decoder.run({
          ids: Int32Array.from({ length: to - from }, (_, i) => prompt[from + i]!),
          batch: 1,
          time: to - from,
          lengths: Int32Array.of(to),
          rows: Int32Array.of(to - from - 1),
          cache: this.#cache.view(start, 1),
          useAdapter,
        });
        if (to === prompt.length || this.#context.signal?.aborted) return outputs;
        await turn();
      }
    }
    const ids = new Int32Array(rows * longest);
    prompts.forEach((prompt, row) => {
      for (let t = 0; t < prompt.length; t++) ids[row * longest + t] = prompt[t]!;
    });
    return this.#decoder.run({
      ids,
      batch: rows,
      time: longest,
      lengths: Int32Array.from(prompts, prompt => prompt.length),
      rows: Int32Array.from(prompts, (prompt, row) => row * longest + prompt.length - 1),
      cache: this.#cache.view(start, rows),
      useAdapter,
    });
  }

  /** One token more for every active sequence. */
  async #step(): Promise<void> {
    const active = [...this.#active];
    const needed = active.reduce((n, sequence) => Math.max(n, sequence.length + 1), 0);
    if (needed > this.#cache.capacity) this.#cache.reserve(0, Math.min(this.#limit, 2 * this.#cache.capacity));
    for (const sequence of active) sequence.length++;
    const outputs = await this.#decoder.run({
      ids: Int32Array.from(active, sequence => sequence.next),
      batch: active.length,
      time: 1,
      lengths: Int32Array.from(active, sequence => sequence.length),
      rows: Int32Array.from(active, (_, i) => i),
      cache: this.#cache.view(0, active.length),
      useAdapter: this.#context.useAdapter ?? true,
    });
    await this.#sample(
      active.map((sequence, row) => ({ sequence, row })),
      outputs.logits,
    );
  }

  /** Draws a token for each sequence from its row of the logits, and takes out those that end with it. */
  async #sample(
    drawn: readonly { readonly sequence: Active; readonly row: number }[],
    logits: Float32Array,
  ): Promise<void> {
    const draws = drawn.map(({ sequence, row }): Draw => {
      const { options, prompt } = this.#requests[sequence.request]!;
      const { rng, tokens } = sequence;
      const uniform = options.temperature === 0 ? 0 : rng.stream(tokens.length).next();
      if ((options.repetitionPenalty ?? 1) === 1) return { row, rule: options, uniform };
      return { row, rule: options, uniform, seen: new Set([...Array.from(prompt), ...tokens]) };
    });
    const choices = await this.#sampler.draw(logits, draws);
    const ended: [Active, GeneratedSequence['finishReason']][] = [];
    for (const [i, { sequence, row }] of drawn.entries()) {
      const wanted = this.#requests[sequence.request]!.options.alternatives ?? -1;
      const alternatives = wanted < 0 ? undefined : await this.#sampler.likeliest(logits, row, wanted);
      const reason = this.#take(sequence, { ...choices[i]!, ...(alternatives ? { alternatives } : {}) });
      if (reason) ended.push([sequence, reason]);
    }
    for (const [sequence, reason] of ended) this.#remove(sequence, reason);
  }

  /** Adds a token; returns why the sequence ends with it, if it does. */
  #take(sequence: Active, token: SampledToken): GeneratedSequence['finishReason'] | undefined {
    const { options, prompt } = this.#requests[sequence.request]!;
    sequence.tokens.push(token.id);
    sequence.logProbs.push(token.logProb);
    sequence.next = token.id;
    if (token.alternatives) sequence.alternatives.push(token.alternatives);
    if (this.#context.onToken?.(sequence.request, token) === 'stop') return 'stopped';
    if (options.endIds?.includes(token.id)) return 'end';
    if (sequence.tokens.length >= options.maxNewTokens) return 'length';
    return prompt.length + sequence.tokens.length >= this.#limit ? 'length' : undefined;
  }

  /** Takes a sequence out; the last active one moves into its row. */
  #remove(sequence: Active, reason: GeneratedSequence['finishReason']): void {
    const row = this.#active.indexOf(sequence);
    const last = this.#active.pop()!;
    if (last !== sequence) {
      this.#cache.copyRow(this.#active.length, row, last.length);
      this.#active[row] = last;
    }
    this.#finish(sequence, reason);
  }

  #finish(sequence: Active, finishReason: GeneratedSequence['finishReason']): void {
    const { tokens, logProbs, alternatives } = sequence;
    const wanted = (this.#requests[sequence.request]!.options.alternatives ?? -1) >= 0;
    this.#results[sequence.request] = { tokens, logProbs, finishReason, ...(wanted ? { alternatives } : {}) };
  }
}

/** Lets the event loop take a turn, so that a cancellation can arrive. */
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
