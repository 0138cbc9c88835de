/** Starts and watches the process that runs templates, regular expressions and reward code: it can be stopped at any time. */
import { type ChildProcess, fork } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import type { Disposable } from '../base/disposable.ts';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { type Logger, silentLogger } from '../base/logger.ts';
import type { Piece, RenderRequest } from '../core/prompts/pieces.ts';
import { EvaluatorReplySchema, type EvaluatorRequest, EvaluatorResultSchemas } from '../protocol/evaluator.ts';
import { unpacked } from '../protocol/renderedPieces.ts';
import { workerEntry } from './workerEntry.ts';

export interface EvaluatorOptions {
  /** The package's folder. */
  readonly root: string;
  readonly nodePath?: string;
  /** Milliseconds that one call may take once the process is up. */
  readonly timeLimit?: number;
  /** Megabytes of JavaScript heap. */
  readonly memoryLimit?: number;
  /** Characters that one rendered template may have. */
  readonly maxOutput?: number;
  /** Translations for the child (base/l10n.ts). */
  readonly bundle?: Readonly<Record<string, string>>;
  readonly logger?: Logger;
}

export interface PatternMatch {
  readonly index: number;
  readonly text: string;
  readonly groups: readonly (string | null)[];
}

interface WaitingRender {
  readonly request: RenderRequest;
  readonly succeed: (pieces: readonly Piece[]) => void;
  readonly reject: (error: unknown) => void;
}

/** So many templates are well below the time limit of one call. */
const largestBatch = 128;
/** One batch is rendered there while the results of the one before are used here. */
const mostBatches = 2;
/** Calls that the process has at once: it begins one while the reply to the one before is read here. */
const mostSent = 2;
const startLimit = 20_000;

/** One warm process, restarted after a call that had to be stopped. Calls run one at a time, in order. */
export class Evaluator implements Disposable {
  readonly #options: EvaluatorOptions;
  readonly #child: StoppableChild;
  #rewards: StoppableChild | undefined;

  constructor(options: EvaluatorOptions) {
    this.#options = options;
    this.#child = new StoppableChild(options, {});
  }

  /** Starts the process ahead of its first call. */
  async warm(): Promise<void> {
    await this.#child.ready();
  }

  /**
   * Renders a template; rejects with a HumanError, its line counted in the template. A `RenderTemplate`. What is asked for
   * while the process is at work goes to it together.
   */
  readonly render = (request: RenderRequest): Promise<readonly Piece[]> => {
    const { promise, resolve: succeed, reject } = Promise.withResolvers<readonly Piece[]>();
    this.#waiting.push({ request, succeed, reject });
    if (this.#waiting.length >= largestBatch && this.#batches < mostBatches) void this.#renderWaiting();
    else this.#renderSoon();
    return promise;
  };

  readonly #waiting: WaitingRender[] = [];
  #scheduled = false;
  #batches = 0;

  /** Whoever asks in this turn of the event loop comes along. */
  #renderSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#batches < mostBatches && this.#waiting.length > 0) void this.#renderWaiting();
    });
  }

  /** Takes a batch, then again from the queue; never rejects. */
  async #renderWaiting(): Promise<void> {
    const batch = this.#waiting.splice(0, largestBatch);
    this.#batches++;
    try {
      await this.#renderBatch(batch);
    } catch (error) {
      // A batch that was stopped is asked for one by one, so that only the template that does not end is refused.
      if (batch.length === 1) batch[0]!.reject(error);
      else for (const one of batch) await this.#renderBatch([one]).catch(one.reject);
    } finally {
      this.#batches--;
      if (this.#waiting.length > 0) this.#renderSoon();
    }
  }

  async #renderBatch(batch: readonly WaitingRender[]): Promise<void> {
    const templates: { format: RenderRequest['format']; template: string }[] = [];
    const items = batch.map(({ request: { format, template, variables } }) => {
      let index = templates.findIndex(known => known.template === template && known.format === format);
      if (index === -1) index = templates.push({ format, template }) - 1;
      return { template: index, variables: { ...variables } };
    });
    const maxOutput = this.#options.maxOutput ?? 1 << 20;
    const result = await this.#child.call({ method: 'render', templates, items, maxOutput }, seconds =>
      l10n.t('The template took longer than {0} s and was stopped. Look for loops over large ranges.', seconds),
    );
    const { packs, results } = v.parse(EvaluatorResultSchemas.render, result);
    if (results.length !== batch.length || packs.length !== templates.length)
      throw new Error('the evaluator gave too few results');
    results.forEach((one, index) => {
      if ('layout' in one) batch[index]!.succeed(unpacked(packs[items[index]!.template]!, one));
      else batch[index]!.reject(new HumanError(one.message, { place: { line: one.line } }));
    });
  }

  /** The first (or last) match of a user's regular expression in each text. */
  async match(
    pattern: string,
    flags: string,
    texts: readonly string[],
    which: 'first' | 'last' = 'first',
  ): Promise<(PatternMatch | null)[]> {
    const result = await this.#child.call(
      { method: 'match', pattern, flags, texts: [...texts], last: which === 'last' },
      seconds =>
        l10n.t('The regular expression “{0}” took longer than {1} s and was stopped. Simplify it.', pattern, seconds),
    );
    return v.parse(EvaluatorResultSchemas.match, result).matches;
  }

  /** Which of the texts are JSON that a JSON Schema allows. Rejects with a HumanError for a schema that is none. */
  async validate(schema: unknown, texts: readonly string[]): Promise<boolean[]> {
    const result = await this.#child.call({ method: 'validate', schema, texts: [...texts] }, seconds =>
      l10n.t('The JSON Schema took longer than {0} s and was stopped. Simplify its patterns.', seconds),
    );
    return v.parse(EvaluatorResultSchemas.validate, result).valid;
  }

  /**
   * Calls a workspace's reward function for each row, in a process of its own. Only where the user lets code run: a trusted
   * workspace, or `--allow-code`.
   */
  async reward(
    file: string,
    rows: readonly { readonly prompt: string; readonly answer: string }[],
    permission: { readonly allowCode: boolean; readonly timeLimit?: number },
  ): Promise<number[]> {
    if (!permission.allowCode) {
      const message = l10n.t('A reward function is code. Trust the workspace, or pass --allow-code, to run it.');
      throw new HumanError(message, { place: { file } });
    }
    const path = resolve(file);
    if (this.#rewards?.codeFile !== path) {
      this.#rewards?.dispose();
      const timeLimit = permission.timeLimit ?? 10_000;
      this.#rewards = new StoppableChild({ ...this.#options, timeLimit }, { codeFile: path });
    }
    try {
      const result = await this.#rewards.call(
        { method: 'reward', file: path, rows: rows.map(row => ({ ...row })) },
        seconds => l10n.t('The reward function took longer than {0} s and was stopped.', seconds),
      );
      const { rewards } = v.parse(EvaluatorResultSchemas.reward, result);
      if (rewards.length !== rows.length) throw new HumanError(l10n.t('The reward function gave too few rewards.'));
      return rewards;
    } catch (error) {
      if (error instanceof HumanError) throw new HumanError(error.message, { cause: error, place: { file } });
      throw error;
    }
  }

  dispose(): void {
    this.#child.dispose();
    this.#rewards?.dispose();
  }
}

type Request = EvaluatorRequest extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never;

interface Call {
  readonly id: number;
  readonly request: Request;
  /** The sentence for a call that was stopped after so many seconds. */
  readonly tooLong: (seconds: number) => string;
  readonly succeed: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** The process that has it. */
  sentTo?: ChildProcess;
}

/** Owns one child process at a time: starts it when needed and kills it when a call outlives its limit. */
class StoppableChild implements Disposable {
  readonly codeFile: string | undefined;
  readonly #options: EvaluatorOptions;
  readonly #logger: Logger;
  #process: ChildProcess | undefined;
  #starting: Promise<ChildProcess> | undefined;
  /** Not answered yet, in order. The process works at the first. */
  readonly #calls: Call[] = [];
  /** Runs for the first call. */
  #clock: NodeJS.Timeout | undefined;
  #nextId = 1;
  #disposed = false;
  /** Which of `flagSets` works on this Node. */
  #flags = 0;

  constructor(options: EvaluatorOptions, { codeFile }: { codeFile?: string }) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.codeFile = codeFile;
  }

  async ready(): Promise<ChildProcess> {
    if (this.#disposed) throw disposedError();
    if (this.#process) return this.#process;
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  call(request: Request, tooLong: (seconds: number) => string): Promise<unknown> {
    const { promise, resolve: succeed, reject } = Promise.withResolvers<unknown>();
    this.#calls.push({ id: this.#nextId++, request, tooLong, succeed, reject });
    this.#sendCalls();
    return promise;
  }

  /** Sends the first calls, once the process is up. */
  #sendCalls(): void {
    const [first] = this.#calls;
    if (!first) return;
    const child = this.#process;
    if (!child) {
      this.ready().then(
        () => this.#sendCalls(),
        error => {
          if (this.#calls[0] !== first) return;
          this.#calls.shift();
          first.reject(error);
          this.#sendCalls();
        },
      );
      return;
    }
    for (const call of this.#calls.slice(0, mostSent)) {
      if (call.sentTo === child) continue;
      call.sentTo = child;
      child.send({ ...call.request, id: call.id }, error => {
        if (error)
          this.#lost(child, new HumanError(l10n.t('The evaluation process has ended; try again.'), { cause: error }));
      });
    }
    this.#clock ??= setTimeout(() => {
      // A reply that came while this process was busy is read first.
      setImmediate(() => {
        if (this.#calls[0] === first) this.#lost(child, new HumanError(first.tooLong(this.#limit / 1000)));
      });
    }, this.#limit);
  }

  #received(child: ChildProcess, message: unknown): void {
    const reply = v.safeParse(EvaluatorReplySchema, message);
    const [first] = this.#calls;
    if (!reply.success || reply.output.type === 'hello' || first?.sentTo !== child || reply.output.id !== first.id)
      return;
    this.#stopClock();
    this.#calls.shift();
    this.#sendCalls();
    if (reply.output.type === 'reply') first.succeed(reply.output.result);
    else first.reject(new HumanError(reply.output.message, { place: { line: reply.output.line } }));
  }

  /** The process is gone or goes, for a fault of the first call; those behind it are asked again. */
  #lost(child: ChildProcess, error: HumanError): void {
    if (this.#process !== child) return;
    this.#kill(child);
    this.#stopClock();
    if (this.#calls[0]?.sentTo === child) this.#calls.shift()!.reject(error);
    this.#sendCalls();
  }

  #stopClock(): void {
    clearTimeout(this.#clock);
    this.#clock = undefined;
  }

  get #limit(): number {
    return this.#options.timeLimit ?? 2000;
  }

  get #memory(): number {
    return this.#options.memoryLimit ?? 128;
  }

  async #start(): Promise<ChildProcess> {
    for (;;) {
      const flags = flagSets[this.#flags]!;
      try {
        return await this.#spawn(flags);
      } catch (error) {
        if (this.#disposed) throw disposedError();
        if (this.#flags + 1 >= flagSets.length) throw error;
        this.#flags++;
        this.#logger.warn(`evaluator does not start with ${flags || 'its flags'}; trying without the permission model`);
      }
    }
  }

  async #spawn(permission: string): Promise<ChildProcess> {
    const entry = workerEntry('evaluatorMain', this.#options);
    const child = fork(entry.file, this.codeFile === undefined ? [] : ['--allow-code'], {
      execPath: entry.execPath,
      execArgv: [
        ...permissionFlags(permission, entry.file, this.#options.root, this.codeFile),
        `--max-old-space-size=${this.#memory}`,
      ],
      env: { ...entry.env, ...(process.platform === 'win32' ? { SystemRoot: process.env.SystemRoot } : {}) },
      cwd: this.#options.root,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'json',
    });
    const { promise, resolve: started, reject } = Promise.withResolvers<void>();
    const failed = (cause?: unknown): void =>
      reject(
        new HumanError(
          l10n.t(
            'The process that renders templates does not start. Set tunesmith.nodePath to a Node of version 22 or newer.',
          ),
          { cause },
        ),
      );
    const timer = setTimeout(() => {
      this.#kill(child);
      failed();
    }, startLimit);
    child.once('message', () => started());
    child.once('exit', failed);
    child.once('error', failed);
    try {
      await promise;
      if (this.#disposed) {
        this.#kill(child);
        throw disposedError();
      }
      this.#process = child;
      if (this.#options.bundle) child.send({ id: 0, method: 'configure', bundle: this.#options.bundle });
      child.on('message', message => this.#received(child, message));
      child.once('exit', () =>
        this.#lost(
          child,
          new HumanError(l10n.t('It used more memory than is allowed ({0} MB) and was stopped.', this.#memory)),
        ),
      );
      // A waiting process must not keep its parent alive.
      child.unref();
      child.channel?.unref();
      return child;
    } finally {
      clearTimeout(timer);
      child.off('exit', failed);
    }
  }

  #kill(child: ChildProcess): void {
    if (this.#process === child) this.#process = undefined;
    child.kill('SIGKILL');
  }

  dispose(): void {
    this.#disposed = true;
    this.#stopClock();
    if (this.#process) this.#kill(this.#process);
    for (const call of this.#calls.splice(0)) call.reject(disposedError());
  }
}

/** Names of the permission model's flag, newest first; the last entry does without. */
const flagSets = ['--permission', '--experimental-permission', ''] as const;

/** Reading its own program (and a reward function's folder) is all that the child may do with files. */
function permissionFlags(name: string, file: string, root: string, codeFile: string | undefined): string[] {
  if (name === '') return [];
  const readable = file.endsWith('.ts') ? [resolve(root, 'src', '*'), resolve(root, 'node_modules', '*')] : [file];
  readable.push(resolve(root, 'package.json'));
  if (codeFile !== undefined) readable.push(resolve(dirname(codeFile), '*'));
  return [name, ...readable.map(path => `--allow-fs-read=${path}`)];
}

const disposedError = (): HumanError => new HumanError(l10n.t('Tunesmith is closing; nothing was evaluated.'));
