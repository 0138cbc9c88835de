/** Answers the requests of `protocol/inference.ts` with loaded models, one reply or failure each. */
import * as v from 'valibot';
import { isAbort, isHumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { Provider } from '../engine/index.ts';
import { type InferenceEvent, type InferenceRequest, InferenceRequestSchema } from '../protocol/inference.ts';
import { ModelInMemory } from './loadedModel.ts';
import { exportModel } from './modelExport.ts';
import { RewardRequests } from './rewardRequests.ts';
import type { SelfTest } from './selfTest.ts';

type Failure = Extract<InferenceEvent, { type: 'failure' }>;
export type Send = (event: InferenceEvent) => void;

/** What this process can do, and where its models run. */
export interface Abilities extends SelfTest {
  readonly provider: Provider;
}

/** `send` takes the events; `onShutdown` is called after the last reply; `cacheFolder` keeps converted weights. */
export class InferenceServer {
  readonly #send: Send;
  readonly #abilities: Abilities;
  readonly #cacheFolder: string | undefined;
  readonly #onShutdown: () => void;
  readonly #models = new Map<string, Promise<ModelInMemory>>();
  readonly #handles = new Map<string, string>();
  readonly #running = new Map<number, AbortController>();
  readonly #rewards = new RewardRequests();
  #nextHandle = 1;

  constructor(send: Send, abilities: Abilities, onShutdown: () => void, cacheFolder?: string) {
    this.#send = send;
    this.#abilities = abilities;
    this.#cacheFolder = cacheFolder;
    this.#onShutdown = onShutdown;
  }

  /** Takes a message as it came over the pipe. Never throws. */
  async receive(message: unknown): Promise<void> {
    const parsed = v.safeParse(InferenceRequestSchema, message);
    if (!parsed.success) {
      const id = typeof message === 'object' && message !== null ? (message as { id?: unknown }).id : undefined;
      if (typeof id === 'number') this.#send(failure(id, new v.ValiError(parsed.issues)));
      return;
    }
    const request = parsed.output;
    const controller = new AbortController();
    this.#running.set(request.id, controller);
    try {
      const result = await this.#answer(request, controller.signal);
      this.#running.delete(request.id);
      this.#send({ type: 'reply', id: request.id, result });
      if (request.method === 'shutdown') this.#onShutdown();
    } catch (error) {
      this.#running.delete(request.id);
      this.#send(failure(request.id, error));
    }
  }

  async #answer(request: InferenceRequest, signal: AbortSignal): Promise<unknown> {
    const { id } = request;
    switch (request.method) {
      case 'load':
        return (await this.#load(request, signal)).description;
      case 'unload':
        return this.#unload(request.model);
      case 'generate': {
        const model = await this.#model(request.model);
        return model.generate(request, {
          signal,
          onDelta: (item, text) => this.#send({ type: 'delta', id, item, text }),
        });
      }
      case 'count':
        return { counts: (await this.#model(request.model)).count(request.texts) };
      case 'render': {
        const { text, ids } = (await this.#model(request.model)).render(request.prompt);
        return { text, tokens: ids.length };
      }
      case 'score':
        return (await this.#model(request.model)).score(request, signal);
      case 'export':
        return exportModel(request, { signal, onProgress: this.#progress(id) });
      case 'reward':
        return this.#rewards.answer(request, { signal, onProgress: this.#progress(id) });
      case 'embed':
        return (await this.#model(request.model)).embed(request.texts, signal);
      case 'cancel':
        this.#running.get(request.target)?.abort();
        return {};
      case 'shutdown':
        for (const controller of this.#running.values()) controller.abort();
        return {};
    }
  }

  /** The same location and precision give the same model, also while it is still loading. */
  #load(
    { id, location, precision }: Extract<InferenceRequest, { method: 'load' }>,
    signal: AbortSignal,
  ): Promise<ModelInMemory> {
    const key = JSON.stringify([location.base, location.adapter ?? null, precision]);
    const known = this.#handles.get(key);
    const loaded = known === undefined ? undefined : this.#models.get(known);
    if (loaded) return loaded;
    const handle = `model-${this.#nextHandle++}`;
    const loading = ModelInMemory.load(handle, location, {
      signal,
      precision,
      ...(this.#cacheFolder === undefined ? {} : { cacheFolder: this.#cacheFolder }),
      inPlace: this.#abilities.bufferAliasing,
      provider: this.#abilities.provider,
      onProgress: this.#progress(id),
    });
    this.#handles.set(key, handle);
    this.#models.set(handle, loading);
    loading.catch(() => {
      this.#models.delete(handle);
      if (this.#handles.get(key) === handle) this.#handles.delete(key);
    });
    return loading;
  }

  #progress(id: number): (message: string, fraction?: number) => void {
    return (message, fraction) =>
      this.#send({ type: 'progress', id, message, ...(fraction === undefined ? {} : { fraction }) });
  }

  #model(handle: string): Promise<ModelInMemory> {
    const model = this.#models.get(handle);
    // The other side only knows handles that it was given: this is a bug, not a person's mistake.
    if (!model) return Promise.reject(new Error(`no model ${handle} is loaded`));
    return model;
  }

  async #unload(handle: string): Promise<Record<string, never>> {
    const unloading = this.#model(handle);
    // At once: a load of the same location that is asked for next must not find what is going.
    this.#models.delete(handle);
    for (const [key, known] of this.#handles) if (known === handle) this.#handles.delete(key);
    await (await unloading).dispose();
    return {};
  }
}

function failure(id: number, error: unknown): Failure {
  if (isAbort(error)) return { type: 'failure', id, human: true, message: l10n.t('Cancelled.') };
  if (isHumanError(error)) {
    const { file, line } = error.place;
    return {
      type: 'failure',
      id,
      human: true,
      message: error.message,
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
    };
  }
  const bug = error instanceof Error ? error : new Error(String(error));
  return { type: 'failure', id, human: false, message: bug.message, ...(bug.stack ? { stack: bug.stack } : {}) };
}
