/** What every command shares: options of all commands, the services behind them, output and cancellation. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Disposable } from '../base/disposable.ts';
import { DisposableStore } from '../base/disposable.ts';
import { errorMessage, HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { Logger } from '../base/logger.ts';
import { Dispatcher } from '../core/evaluation/dispatch.ts';
import { Evaluator } from '../jobs/evaluatorProcess.ts';
import { InferenceProcess, type PrecisionChoice } from '../jobs/inferenceProcess.ts';
import { RewardScores } from '../jobs/rewardScores.ts';
import { Supervisor } from '../jobs/supervisor.ts';
import { packageRoot } from '../jobs/workerEntry.ts';
import { environmentKeys, type KeyStore, originOf } from '../providers/keys.ts';
import { ModelRegistry } from '../providers/registry.ts';
import { modelStore } from '../storage/modelStore.ts';
import { PreferenceJournal } from '../storage/preferenceJournal.ts';
import { ResponseFiles } from '../storage/responseCache.ts';
import { RewardFiles } from '../storage/rewardFiles.ts';
import { cacheFolder, userFolder, type WorkspaceLayout, workspaceLayout } from '../storage/workspaceLayout.ts';
import { endpointModels } from './endpoints.ts';

/** Options that stand before or after any command. */
export interface GlobalOptions {
  readonly workspace?: string;
  readonly allowCode?: boolean;
  readonly allowEnv?: readonly string[];
  readonly allowFile?: readonly string[];
  readonly nodePath?: string;
  readonly precision?: PrecisionChoice;
  readonly quiet?: boolean;
  readonly debug?: boolean;
}

/** Where a command's words go and come from; the process's own streams unless a test brings others. */
export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** The services are made at their first use and disposed at the end. */
export class Cli implements Disposable {
  /** The package's folder: `models/`, `dist/`. */
  readonly root: string;
  /** Aborted by Ctrl+C. */
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
  /** For a command that ends in order with something to say to scripts. */
  exitCode = 0;
  #options: GlobalOptions = {};
  readonly #store = new DisposableStore();
  readonly #abort = new AbortController();
  readonly #made = new Map<string, unknown>();
  readonly #origins = new Set<string>();

  constructor(moduleUrl: string, terminal: Terminal = ownTerminal()) {
    this.root = packageRoot(moduleUrl);
    this.terminal = terminal;
    this.signal = this.#abort.signal;
  }

  /** Called once, before a command runs. */
  configure(options: GlobalOptions): void {
    this.#options = options;
  }

  get options(): GlobalOptions {
    return this.#options;
  }

  /** Of Tunesmith. */
  get version(): string {
    return (JSON.parse(readFileSync(join(this.root, 'package.json'), 'utf8')) as { version: string }).version;
  }

  get allowCode(): boolean {
    return this.#options.allowCode ?? false;
  }

  /** Where judgements, runs, jobs and tuned models lie: `--workspace`, else the nearest folder above that has `.tunesmith` or `.git`, else here. */
  get layout(): WorkspaceLayout {
    return this.#once('layout', () =>
      workspaceLayout(
        this.#options.workspace
          ? resolve(this.terminal.cwd, this.#options.workspace)
          : workspaceAbove(this.terminal.cwd),
      ),
    );
  }

  /** Of what the command says, as HTML names it. */
  get language(): string {
    return isChinese(this.terminal.env) ? 'zh-CN' : 'en';
  }

  get evaluator(): Evaluator {
    return this.#once('evaluator', () => this.#store.add(new Evaluator({ ...this.worker, logger: this.logger })));
  }

  get inference(): InferenceProcess {
    return this.#once('inference', () =>
      this.#store.add(
        new InferenceProcess({
          ...this.worker,
          precision: () => this.#options.precision ?? 'auto',
          logger: this.logger,
        }),
      ),
    );
  }

  get models(): ModelRegistry {
    return this.#once('models', () => {
      const store = modelStore({ layout: this.layout, user: userFolder(this.terminal.env) });
      const providers = [endpointModels(this.keys, () => this.#origins)];
      return this.#store.add(new ModelRegistry({ root: this.root, store, inference: this.inference, providers }));
    });
  }

  /** Answers of earlier runs, of all workspaces. */
  get responses(): ResponseFiles {
    return this.#once('responses', () => new ResponseFiles(join(cacheFolder(this.terminal.env), 'responses')));
  }

  /** Rewards of answers, those of earlier commands too. */
  get rewardScores(): RewardScores {
    return this.#once('rewards', () => {
      return new RewardScores(this.inference, new RewardFiles(join(cacheFolder(this.terminal.env), 'rewards')));
    });
  }

  /** What commands ask models through. */
  get dispatcher(): Dispatcher {
    return this.#once('dispatcher', () => {
      const onCacheProblem = (error: unknown) => this.#log(`not cached: ${errorMessage(error)}`);
      return new Dispatcher({ cache: this.responses, onCacheProblem });
    });
  }

  /** Keys of the environment, each bound to its origin. */
  get keys(): KeyStore {
    return this.#once('keys', () => environmentKeys(this.terminal.env));
  }

  get supervisor(): Supervisor {
    return this.#once('supervisor', () =>
      this.#store.add(new Supervisor({ ...this.worker, layout: this.layout, logger: this.logger })),
    );
  }

  /** Servers that the person named on the command line: prompts may go to them. */
  allowOrigins(addresses: readonly string[]): void {
    for (const address of addresses) if (/^https?:/i.test(address)) this.#origins.add(originOf(address));
  }

  /** The workspace's judgements; `author` is who judges here, else git's name, else the user's. */
  journal(author?: string): Promise<PreferenceJournal> {
    return this.#once(`journal ${author}`, async () => {
      const options = { author: author ?? (await this.#author()) };
      return this.#store.add(await PreferenceJournal.open(this.layout, options));
    });
  }

  /** The same name as in the editor, so that one person is one annotator. */
  async #author(): Promise<string> {
    const { USER, USERNAME } = this.terminal.env;
    const git = promisify(execFile)('git', ['config', '--get', 'user.name'], { cwd: this.layout.root, timeout: 5000 });
    const name = await git.then(
      ({ stdout }) => stdout.trim(),
      () => '',
    );
    return name || USER || USERNAME || '';
  }

  /** Data: to stdout. */
  out(text: string): void {
    this.terminal.stdout.write(text);
  }

  /** Text of models for a person: to stdout, made harmless where that is a terminal. */
  show(text: string): void {
    this.out(this.terminal.stdout.isTTY ? printable(text) : text);
  }

  /** Progress and remarks: to stderr, unless `--quiet`. */
  note(text: string): void {
    if (!this.#options.quiet) this.terminal.stderr.write(`${text}\n`);
  }

  /** A line of progress that the next one overwrites; only on a terminal. */
  progress(text: string): void {
    if (!this.#options.quiet && this.terminal.stderr.isTTY) this.terminal.stderr.write(`\r\x1b[2K${text}`);
  }

  /** Ctrl+C: the first ends the work in good order, the second at once. */
  interrupt(): void {
    if (this.signal.aborted) process.exit(130);
    this.#abort.abort();
  }

  dispose(): void {
    this.#store.dispose();
  }

  readonly logger: Logger = {
    debug: message => this.#log(message),
    info: message => this.#log(message),
    warn: message => this.#log(message),
    error: (message, error) => this.#log(error instanceof Error ? `${message}\n${error.stack}` : message),
  };

  #log(message: string): void {
    if (this.#options.debug) this.terminal.stderr.write(`[debug] ${message}\n`);
  }

  /** What starting a child process takes. */
  get worker(): { root: string; nodePath?: string } {
    const nodePath = this.#options.nodePath ?? this.terminal.env.TUNESMITH_NODE;
    return { root: this.root, ...(nodePath ? { nodePath } : {}) };
  }

  #once<T>(name: string, make: () => T): T {
    if (!this.#made.has(name)) this.#made.set(name, make());
    return this.#made.get(name) as T;
  }
}

const ownTerminal = (): Terminal => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
});

/** The workspace that a folder belongs to. */
export function workspaceAbove(folder: string): string {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, '.tunesmith')) || existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return resolve(folder);
  }
}

/** Whether the terminal's language is Simplified Chinese, the one that there are translations for. */
const isChinese = (env: Terminal['env']): boolean =>
  /^zh([_.-]|$)(?!(tw|hk))/i.test(env.LC_ALL || env.LC_MESSAGES || env.LANG || '');

/** Takes the translations that match the terminal's language, where there are any. */
export function useTerminalLanguage({ root, terminal: { env } }: Cli): void {
  if (!isChinese(env)) return;
  try {
    l10n.config(JSON.parse(readFileSync(join(root, 'l10n', 'bundle.l10n.zh-cn.json'), 'utf8')));
  } catch {
    // Without translations English stands.
  }
}

/** A text that a terminal may show: escape sequences and other control characters in answers must not act on it. */
export const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  text.replace(/\r\n/g, '\n').replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

/** For options: a number within limits, or a sentence that names the option. */
export function numberOption(
  name: string,
  { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, whole = true } = {},
) {
  return (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= min && value <= max && (!whole || Number.isSafeInteger(value))) return value;
    const kind = whole ? l10n.t('a whole number') : l10n.t('a number');
    const wanted =
      max !== Number.POSITIVE_INFINITY
        ? l10n.t('{0} from {1} to {2}', kind, min, max)
        : min !== Number.NEGATIVE_INFINITY
          ? l10n.t('{0} of at least {1}', kind, min)
          : kind;
    throw new HumanError(l10n.t('{0} must be {1}, not “{2}”.', name, wanted, text));
  };
}
