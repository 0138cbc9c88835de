/** Prepares a job as its start would, up to the estimate of memory and time, and says what came of it. No weight is read. */
import { isHumanError } from '../base/errors.ts';
import type { JobEstimate } from '../core/jobs/estimate.ts';
import type { JobForecast } from '../protocol/jobForecast.ts';
import type { JobFolder } from '../storage/jobFolder.ts';
import type { RunContext } from './jobRun.ts';
import { runJob } from './jobRunner.ts';

/** Ends the run where its estimate is known. */
class Forecast extends Error {
  readonly estimate: JobEstimate;
  constructor(estimate: JobEstimate) {
    super('the estimate is known');
    this.estimate = estimate;
  }
}

export async function forecastJob(folder: JobFolder): Promise<JobForecast> {
  const warnings: string[] = [];
  const tooFar = (): never => {
    throw new Error('A forecast came past its estimate.');
  };
  const host: RunContext['host'] = {
    phase() {},
    log(level, message) {
      if (level !== 'info') warnings.push(message);
    },
    estimate(estimate) {
      throw new Forecast(estimate);
    },
    progress: tooFar,
    metrics: tooFar,
    samples: tooFar,
    checkpoint: tooFar,
    discardCheckpoint: tooFar,
    breathe: async () => false,
  };
  try {
    await runJob({ folder, host, resume: undefined, allowCode: false, seconds: () => 0 });
    return tooFar();
  } catch (error) {
    if (error instanceof Forecast) {
      const { memory, available, steps, seconds } = error.estimate;
      return { estimate: { memory, available, steps, seconds: [...seconds] }, warnings };
    }
    if (isHumanError(error)) {
      // The folder is a draft: its files mean nothing to a person.
      const own = error.place.file?.startsWith(folder.path) ?? false;
      return { refusal: { message: own ? error.message : error.describe(), human: true } };
    }
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    return { refusal: { message, human: false, ...(stack ? { stack } : {}) } };
  }
}
