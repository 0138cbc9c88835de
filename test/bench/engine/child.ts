/** A participant of the benchmark as a child process: asked and answering in JSON, one object a line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #next = 0;

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#process = spawn(command, args, {
      stdio: ['pipe', 'pipe', process.env.BENCH_VERBOSE ? 'inherit' : 'ignore'],
      env: { ...process.env, ...env },
    });
    this.#process.on('error', error => this.#fail(error));
    this.#process.on('close', (code, signal) => this.#fail(new Error(`the process ended (${signal ?? code})`)));
    this.#process.stdin!.on('error', () => {});
    // Libraries may print lines of their own; an answer is an object with an id.
    createInterface({ input: this.#process.stdout! }).on('line', line => {
      if (line.startsWith('{"id":')) this.#answer(JSON.parse(line) as Answer);
    });
  }

  /** Throws an Error with the child's message when it cannot do what is asked. */
  ask<T>(command: string, request: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      if (this.#process.exitCode !== null) return reject(new Error(`the process ended (${this.#process.exitCode})`));
      this.#waiting.set(id, { resolve: result => resolve(result as T), reject });
      this.#process.stdin!.write(`${JSON.stringify({ id, command, ...request })}\n`);
    });
  }

  /** Ends the process: a participant stops when nothing more can be asked of it, and is stopped if it does not. */
  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null || !this.#process.pid) return;
    const ended = new Promise(resolve => this.#process.once('close', resolve));
    this.#process.stdin!.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 3000);
    await ended;
    clearTimeout(timer);
  }

  #answer({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
