/** Batches for local models: requests that wait together go out together, and each can be cancelled alone. */
import type { Generation } from '../generation.ts';
import { isProviderError } from '../providerError.ts';
import type { GenerateContext, GenerateRequest, TextGenerator } from '../textGenerator.ts';
import { stopped } from './ask.ts';

/** More gain little and take memory for their caches. */
const MostTogether = 32;

interface Waiting {
  readonly generator: TextGenerator;
  readonly request: GenerateRequest;
  readonly context: GenerateContext;
  readonly resolve: (generation: Generation) => void;
  readonly reject: (error: unknown) => void;
  /** What came of it so far. */
  text: string;
  settled: boolean;
}

/** One computer computes one batch at a time, whatever the model: what comes meanwhile joins the next. */
export class Batches {
  #queue: Waiting[] = [];
  #running = false;

  /** Resolves with finishReason `cancelled` as soon as the signal is aborted; the others of its batch go on. */
  generate(generator: TextGenerator, request: GenerateRequest, context: GenerateContext = {}): Promise<Generation> {
    return new Promise((resolve, reject) => {
      const { signal } = context;
      const waiting: Waiting = {
        generator,
        request,
        context,
        text: '',
        settled: false,
        resolve: generation => {
          waiting.settled = true;
          signal?.removeEventListener('abort', abort);
          resolve(generation);
        },
        reject: error => {
          waiting.settled = true;
          signal?.removeEventListener('abort', abort);
          reject(error);
        },
      };
      const abort = (): void => {
        this.#queue = this.#queue.filter(other => other !== waiting);
        waiting.resolve(stopped(request, generator.model.id, waiting.text));
      };
      if (signal?.aborted) {
        abort();
        return;
      }
      signal?.addEventListener('abort', abort, { once: true });
      this.#queue.push(waiting);
      // After whoever is asking now has asked for all that it wants.
      if (!this.#running) {
        this.#running = true;
        setTimeout(() => void this.#run(), 0);
      }
    });
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#batch(this.#next());
      // What follows from these answers joins the next batch.
      await new Promise<void>(resolve => setTimeout(resolve, 0));
    }
    this.#running = false;
  }

  /** The one that waits for the longest, and those that can go with it. */
  #next(): Waiting[] {
    const [first] = this.#queue;
    const most = first!.generator.generateAll ? MostTogether : 1;
    const batch = this.#queue
      .filter(
        ({ generator, request }) =>
          generator === first!.generator &&
          (request.logProbs === undefined) === (first!.request.logProbs === undefined),
      )
      .slice(0, most);
    const going = new Set(batch);
    this.#queue = this.#queue.filter(waiting => !going.has(waiting));
    return batch;
  }

  /** Settles every one of the batch; never rejects. */
  async #batch(batch: readonly Waiting[]): Promise<void> {
    const generator = batch[0]!.generator;
    const all = new AbortController();
    const check = (): void => {
      if (batch.every(({ settled }) => settled)) all.abort();
    };
    for (const { context } of batch) context.signal?.addEventListener('abort', check, { once: true });
    let begun = false;
    const onDelta = (index: number, text: string): void => {
      begun = true;
      const waiting = batch[index]!;
      if (waiting.settled) return;
      waiting.text += text;
      waiting.context.onDelta?.(text);
    };
    try {
      const requests = batch.map(({ request }) => request);
      const generations = generator.generateAll
        ? await generator.generateAll(requests, { signal: all.signal, onDelta })
        : [await generator.generate(requests[0]!, { signal: all.signal, onDelta: text => onDelta(0, text) })];
      batch.forEach((waiting, i) => {
        if (!waiting.settled) waiting.resolve(generations[i]!);
      });
    } catch (error) {
      const left = batch.filter(({ settled }) => !settled);
      // One that does not fit (a prompt that is too long) must not take the others with it; a crash takes all.
      if (!begun && batch.length > 1 && !isProviderError(error))
        for (const waiting of left) await this.#batch([waiting]);
      else for (const waiting of left) waiting.reject(error);
    } finally {
      for (const { context } of batch) context.signal?.removeEventListener('abort', check);
    }
  }
}
