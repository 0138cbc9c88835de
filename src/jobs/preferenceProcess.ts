/** Asks a process of its own about all preference data, so that the editor stays quick while a million judgements are read. */
import { fork } from 'node:child_process';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import {
  PreferenceReplySchema,
  type PreferenceRequest,
  type PreferenceResult,
  PreferenceResults,
} from '../protocol/preferenceFigures.ts';
import { type WorkerOptions, workerEntry } from './workerEntry.ts';

type Method = keyof typeof PreferenceResults;

/** The answer to one request. An aborted one ends the process; what it was writing is left out. */
export async function askPreferences<M extends Method>(
  request: Extract<PreferenceRequest, { method: M }>,
  { signal, ...options }: WorkerOptions & { readonly signal?: AbortSignal | undefined },
): Promise<PreferenceResult<M>> {
  signal?.throwIfAborted();
  const entry = workerEntry('preferenceMain', options);
  const child = fork(entry.file, [], {
    execPath: entry.execPath,
    execArgv: [],
    env: { ...entry.env, ...(process.platform === 'win32' ? { SystemRoot: process.env.SystemRoot } : {}) },
    cwd: options.root,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // What is no number becomes null, as the schemas have it.
    serialization: 'json',
  });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const ended = (cause?: unknown): void =>
    reject(
      new HumanError(
        l10n.t('The process that reads the preference data has ended before its answer. Try again with a filter.'),
        { cause },
      ),
    );
  const abort = (): void => reject(signal?.reason);
  child.once('error', ended);
  child.once('exit', () => ended());
  child.on('message', message => {
    const reply = v.parse(PreferenceReplySchema, message);
    if (reply.type === 'result') resolve(reply.result);
    else reject(reply.human ? new HumanError(reply.message) : new Error(reply.message));
  });
  signal?.addEventListener('abort', abort, { once: true });
  child.send(request, error => {
    if (error) ended(error);
  });
  try {
    return v.parse(PreferenceResults[request.method], await promise) as PreferenceResult<M>;
  } finally {
    signal?.removeEventListener('abort', abort);
    child.kill('SIGKILL');
  }
}
