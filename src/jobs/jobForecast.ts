/** Asks a process of its own what a job would need, before it is started. */
import { spawn } from 'node:child_process';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import type { JobEstimate } from '../core/jobs/estimate.ts';
import { JobForecastSchema } from '../protocol/jobForecast.ts';
import type { WorkspaceLayout } from '../storage/workspaceLayout.ts';
import { childEnvironment, languageOf } from './childEnvironment.ts';
import { type WorkerEntry, type WorkerOptions, workerEntry } from './workerEntry.ts';

export interface ForecastOptions extends WorkerOptions {
  readonly bundleFile?: string;
  readonly layout: WorkspaceLayout;
  /** The program of the process; tests bring their own. */
  readonly entry?: () => WorkerEntry;
}

export interface ForecastOfJob {
  readonly estimate: JobEstimate;
  /** What the job would say of its data. */
  readonly warnings: readonly string[];
}

/** Rejects with a HumanError where the job would be refused; aborting ends the process. */
export async function forecastJob(
  folder: string,
  options: ForecastOptions,
  signal?: AbortSignal,
): Promise<ForecastOfJob> {
  const entry = options.entry?.() ?? workerEntry('jobMain', options);
  const child = spawn(entry.execPath, [...entry.args, folder, '--forecast'], {
    cwd: options.layout.root,
    windowsHide: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: childEnvironment({ ...languageOf(options.bundleFile), ...entry.env }),
    ...(signal ? { signal } : {}),
  });
  let said = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    said += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    complaints = (complaints + text).slice(-4000);
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  const line = said.split('\n').findLast(text => text.startsWith('{'));
  if (line === undefined) throw new Error(`The forecast of a job ended without a word. ${complaints}`.trim());
  const forecast = v.parse(JobForecastSchema, JSON.parse(line));
  if ('estimate' in forecast) return forecast;
  const { message, human, stack } = forecast.refusal;
  if (human) throw new HumanError(message);
  const bug = new Error(message);
  if (stack) bug.stack = stack;
  throw bug;
}
