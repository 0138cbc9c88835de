/**
 * The child process that runs local models, seen from this side: started when it is first needed, asked through
 * `protocol/inference.ts`, started anew after a crash, ended when nobody has asked for a while.
 */
import { type ChildProcess, fork } from 'node:child_process';
import * as v from 'valibot';
import { unlessAborted } from '../base/cancellation.ts';
import type { Disposable } from '../base/disposable.ts';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { type Logger, silentLogger } from '../base/logger.ts';
import { ProviderError } from '../core/providerError.ts';
import {
  type InferenceEvent,
  InferenceEventSchema,
  type InferenceMethod,
  type InferenceRequest,
  InferenceRequestSchema,
  type InferenceResult,
  InferenceResultSchemas,
  type LoadedModel,
  type ModelLocation,
  type PrecisionChoice,
  type RuntimeReport,
} from '../protocol/inference.ts';
import { modelRevision } from '../storage/modelFolder.ts';
import { childEnvironment, languageOf } from './childEnvironment.ts';
import { type WorkerEntry, type WorkerOptions, workerEntry } from './workerEntry.ts';

export type {
  ExportFormat,
  ExportType,
  InferenceResult,
  LoadedModel,
  ModelLocation,
  PrecisionChoice,
  RuntimeReport,
} from '../protocol/inference.ts';
export { ExportFormats, ExportTypes, precisionOf } from '../protocol/inference.ts';

type Parameters<M extends InferenceMethod> = Omit<Extract<InferenceRequest, { method: M }>, 'id' | 'method'>;

export interface RequestContext {
  /** Aborting ends the request within a token; it then resolves with what there is. */
  readonly signal?: AbortSignal;
  readonly onDelta?: (item: number, text: string) => void;
  readonly onProgress?: (message: string, fraction?: number) => void;
}

export interface InferenceOptions extends WorkerOptions {
  /** Translations for what the process says to people: `l10n/bundle.l10n.<locale>.json`. */
  readonly bundleFile?: string;
  readonly logger?: Logger;
  /** `tunesmith.accelerator`: where models run. Default: what the environment says, else `auto`. */
  readonly accelerator?: string;
  /** Seconds without a request after which the process ends. */
  readonly idleSeconds?: number;
  /** Seconds that the process has for its start and self-test. */
  readonly startSeconds?: number;
  /** Seconds between cancelling a request and ending the process that does not obey. */
  readonly obeySeconds?: number;
  /** What weights are held in, asked at each load. Default `auto`. */
  readonly precision?: () => PrecisionChoice;
  /** Models held in memory at once. */
  readonly maximumModels?: number;
  /** The program; tests bring their own. */
  readonly entry?: () => WorkerEntry;
}

interface Pending {
  readonly method: InferenceMethod;
  readonly context: RequestContext;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class InferenceProcess implements Disposable {
  readonly #options: InferenceOptions;
  readonly #logger: Logger;
  #running: Promise<Running> | undefined;
  #disposed = false;

  constructor(options: InferenceOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  /** What the process's self-test found out about this computer; starts the process. */
  async report(): Promise<RuntimeReport> {
    return (await this.#start()).report;
  }

  /** The running process's number, for diagnostics and tests; undefined when none runs. */
  async pid(): Promise<number | undefined> {
    return this.#running?.then(
      running => running.pid,
      () => undefined,
    );
  }

  /** Loads a model, or finds it loaded. Rejects with a HumanError that names what is wrong with its files. */
  async load(location: ModelLocation, context: RequestContext = {}): Promise<LoadedModel> {
    return (await this.#start()).load(location, context);
  }

  /** What a model's answers depend on here, read from its files and the settings without loading it. */
  async identity(location: ModelLocation): Promise<string> {
    const accelerator = this.#options.accelerator ?? process.env.TUNESMITH_ACCELERATOR ?? 'auto';
    return `${await modelRevision(location)} ${this.#options.precision?.() ?? 'auto'} ${accelerator}`;
  }

  /** One request of a loaded model, loading it first where this process does not have it yet. */
  async ask<M extends 'generate' | 'count' | 'render' | 'score' | 'embed'>(
    location: ModelLocation,
    method: M,
    parameters: Omit<Parameters<M>, 'model'>,
    context: RequestContext = {},
  ): Promise<InferenceResult<M> & { readonly loaded: LoadedModel }> {
    const running = await this.#start();
    const done = running.hold(location);
    try {
      // A big model goes on loading for the next request.
      const loaded = await unlessAborted(running.load(location, context), context.signal);
      const result = await running.request(
        method,
        { ...parameters, model: loaded.model } as unknown as Parameters<M>,
        context,
      );
      return { ...result, loaded };
    } finally {
      done();
    }
  }

  /** Writes a model into a new folder. Aborting ends it at the next weight and leaves nothing behind. */
  async export(parameters: Parameters<'export'>, context: RequestContext = {}): Promise<InferenceResult<'export'>> {
    return (await this.#start()).request('export', parameters, context);
  }

  /** Rewards of answers by a trained reward model. Aborting rejects after the answers that are being read. */
  async reward(parameters: Parameters<'reward'>, context: RequestContext = {}): Promise<InferenceResult<'reward'>> {
    return (await this.#start()).request('reward', parameters, context);
  }

  /** Ends the process; requests under way fail. The next request starts another. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.then(
      process => process.stop(),
      () => {},
    );
  }

  dispose(): void {
    this.#disposed = true;
    void this.stop();
  }

  #start(): Promise<Running> {
    if (this.#disposed) return Promise.reject(new Error('the inference process is disposed'));
    if (this.#running) return this.#running;
    const starting = Running.start(this.#options, this.#logger, () => {
      if (this.#running === starting) this.#running = undefined;
    });
    this.#running = starting;
    starting.catch(() => {
      if (this.#running === starting) this.#running = undefined;
    });
    return starting;
  }
}

/** One life of the child process. */
class Running {
  readonly #child: ChildProcess;
  readonly #options: InferenceOptions;
  readonly #logger: Logger;
  readonly #pending = new Map<number, Pending>();
  readonly #loaded = new Map<string, Promise<LoadedModel>>();
  readonly #held = new Map<string, number>();
  #report: RuntimeReport | undefined;
  #nextId = 1;
  #ended: HumanError | undefined;
  #lastWords = '';
  #idle: NodeJS.Timeout | undefined;
  /** Makes the next request start another process. */
  #retire: () => void = () => {};

  private constructor(child: ChildProcess, options: InferenceOptions, logger: Logger) {
    this.#child = child;
    this.#options = options;
    this.#logger = logger;
  }

  static async start(options: InferenceOptions, logger: Logger, onEnd: () => void): Promise<Running> {
    const entry = options.entry?.() ?? workerEntry('inferenceMain', options);
    const child = fork(entry.file, [], {
      execPath: entry.execPath,
      // Not this process's own: a test runner's or the editor's options are not meant for the child.
      execArgv: entry.args.slice(0, -1) as string[],
      env: childEnvironment({
        ...languageOf(options.bundleFile),
        ...(options.accelerator ? { TUNESMITH_ACCELERATOR: options.accelerator } : {}),
        ...entry.env,
      }),
      serialization: 'json',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const running = new Running(child, options, logger);
    await running.#hello(onEnd);
    running.#retire = onEnd;
    running.#rest();
    return running;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get report(): RuntimeReport {
    return this.#report!;
  }

  #hello(onEnd: () => void): Promise<void> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const cannot = (why: string) =>
        reject(
          new ProviderError(
            l10n.t(
              'The process that runs local models did not start: {0}. If the editor’s own Node cannot run it, install Node 22 or newer and set tunesmith.nodePath to it.',
              why,
            ),
            { trouble: 'refused' },
          ),
        );
      const seconds = this.#options.startSeconds ?? 60;
      const late = setTimeout(() => {
        cannot(l10n.t('no answer within {0} seconds', seconds));
        child.kill('SIGKILL');
      }, seconds * 1000);
      child.on('error', error => {
        clearTimeout(late);
        cannot(error.message);
        this.#end(onEnd, error.message);
      });
      child.on('exit', (code, signal) => {
        clearTimeout(late);
        const how = signal ? l10n.t('ended by {0}', signal) : l10n.t('ended with code {0}', code ?? 0);
        cannot(this.#lastWords ? `${how} (${this.#lastWords})` : how);
        this.#end(onEnd, how);
      });
      const keep = (chunk: Buffer) => {
        const text = chunk.toString('utf8').trim();
        if (text === '') return;
        this.#logger.debug(`inference: ${text}`);
        this.#lastWords = (text.split('\n').find(line => /error/i.test(line)) ?? text.split('\n').at(-1)!).slice(
          0,
          300,
        );
      };
      child.stdout?.on('data', keep);
      child.stderr?.on('data', keep);
      child.on('message', message => {
        const parsed = v.safeParse(InferenceEventSchema, message);
        if (!parsed.success) {
          this.#logger.error('inference: a message that is none', new v.ValiError(parsed.issues));
          return;
        }
        if (parsed.output.type !== 'hello') {
          this.#receive(parsed.output);
          return;
        }
        clearTimeout(late);
        this.#report = parsed.output.report;
        this.#logger.info(`inference: process ${child.pid} ready, ${JSON.stringify(this.#report)}`);
        resolve();
      });
    });
  }

  get #precision(): PrecisionChoice {
    return this.#options.precision?.() ?? 'auto';
  }

  /** Keeps a model from being unloaded until the returned function is called. */
  hold(location: ModelLocation): () => void {
    const key = keyOf(location, this.#precision);
    this.#held.set(key, (this.#held.get(key) ?? 0) + 1);
    return () => this.#held.set(key, this.#held.get(key)! - 1);
  }

  load(location: ModelLocation, context: RequestContext): Promise<LoadedModel> {
    const precision = this.#precision;
    const key = keyOf(location, precision);
    const known = this.#loaded.get(key);
    if (known) {
      // Last in the map is last used.
      this.#loaded.delete(key);
      this.#loaded.set(key, known);
      return known;
    }
    // Not cancelled with the first request that wants it: others may wait for the same model.
    const loading = this.request('load', { location, precision }, { onProgress: context.onProgress });
    this.#loaded.set(key, loading);
    loading.catch(() => this.#loaded.delete(key));
    this.#makeRoom();
    return loading;
  }

  #makeRoom(): void {
    const excess = this.#loaded.size - (this.#options.maximumModels ?? 3);
    const idle = [...this.#loaded].filter(([key]) => !this.#held.get(key)).slice(0, Math.max(0, excess));
    for (const [key, loading] of idle) {
      this.#loaded.delete(key);
      void loading
        .then(({ model }) => {
          // Wanted again meanwhile: the process gave out the same model.
          if (!this.#loaded.has(key)) return this.request('unload', { model }, {});
        })
        .catch(error => this.#logger.warn(`inference: unloading failed: ${String(error)}`));
    }
  }

  request<M extends InferenceMethod>(
    method: M,
    parameters: Parameters<M>,
    context: RequestContext,
  ): Promise<InferenceResult<M>> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    const request = v.parse(InferenceRequestSchema, { ...parameters, id, method });
    return new Promise<InferenceResult<M>>((resolve, reject) => {
      const abort = () => this.#cancel(id);
      const release = () => {
        context.signal?.removeEventListener('abort', abort);
        this.#pending.delete(id);
        this.#rest();
      };
      this.#pending.set(id, {
        method,
        context,
        resolve: result => {
          release();
          resolve(result as InferenceResult<M>);
        },
        reject: error => {
          release();
          reject(error);
        },
      });
      this.#rest();
      context.signal?.addEventListener('abort', abort, { once: true });
      this.#send(request);
      if (context.signal?.aborted) abort();
    });
  }

  #send(request: InferenceRequest): void {
    this.#child.send(request, error => {
      if (error) this.#pending.get(request.id)?.reject(error);
    });
  }

  #cancel(target: number): void {
    if (!this.#pending.has(target) || this.#ended) return;
    void this.request('cancel', { target }, {}).catch(() => {});
    // A hostile chat template may hold the process for good.
    setTimeout(
      () => {
        if (!this.#pending.has(target)) return;
        this.#logger.warn('inference: the process does not obey and is ended');
        this.#child.kill('SIGKILL');
      },
      (this.#options.obeySeconds ?? 10) * 1000,
    ).unref();
  }

  #receive(event: Exclude<InferenceEvent, { type: 'hello' }>): void {
    const pending = this.#pending.get(event.id);
    if (!pending) return;
    switch (event.type) {
      case 'delta':
        pending.context.onDelta?.(event.item, event.text);
        break;
      case 'progress':
        pending.context.onProgress?.(event.message, event.fraction);
        break;
      case 'failure': {
        const { message, file, line, stack } = event;
        if (!event.human) this.#logger.error(`inference: ${pending.method} failed: ${stack ?? message}`);
        pending.reject(event.human ? new HumanError(message, { place: { file, line } }) : new Error(message));
        break;
      }
      case 'reply': {
        const result = v.safeParse(InferenceResultSchemas[pending.method], event.result);
        if (result.success) pending.resolve(result.output);
        else {
          this.#logger.error(`inference: a reply to ${pending.method} that is none`);
          pending.reject(new v.ValiError(result.issues));
        }
      }
    }
  }

  /** The process is gone: everything under way fails with one sentence. */
  #end(onEnd: () => void, how: string): void {
    if (this.#ended) return;
    this.#ended = new ProviderError(
      l10n.t(
        'The process that runs local models ended unexpectedly ({0}), perhaps for lack of memory. It starts again with the next request; try that with a smaller model or fewer samples at once.',
        how,
      ),
      // Asked again at once, the same requests would most likely end the next process too.
      { trouble: 'refused' },
    );
    clearTimeout(this.#idle);
    onEnd();
    for (const pending of [...this.#pending.values()]) pending.reject(this.#ended);
  }

  /** While nothing is under way, the child keeps nobody waiting, and after a while ends. */
  #rest(): void {
    clearTimeout(this.#idle);
    const busy = this.#pending.size > 0 && !this.#ended;
    const child = this.#child;
    const pipes = [child.stdout, child.stderr] as unknown as ({ ref(): void; unref(): void } | null)[];
    for (const part of [child, child.channel, ...pipes]) {
      if (busy) part?.ref();
      else part?.unref();
    }
    if (busy || this.#ended) return;
    this.#idle = setTimeout(
      () => {
        // First, so that no request comes to a process that is on its way out.
        this.#retire();
        void this.stop();
      },
      (this.#options.idleSeconds ?? 900) * 1000,
    );
    this.#idle.unref();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    if (this.#ended) return;
    const gone = new Promise<void>(resolve => this.#child.once('exit', () => resolve()));
    const forced = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    void this.request('shutdown', {}, {}).catch(() => {});
    await gone;
    clearTimeout(forced);
  }
}

const keyOf = ({ base, adapter }: ModelLocation, precision: PrecisionChoice): string =>
  JSON.stringify([base, adapter ?? null, precision]);
