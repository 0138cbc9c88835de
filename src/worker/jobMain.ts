/**
 * The training process: `node jobMain.mjs <job folder> [--allow-code] [--pause-on-battery]`. It works on one job, reports through the job's
 * folder alone, and ends. Started again on the same folder it goes on from the last checkpoint. With `--forecast` it only
 * prints what the job would need (`protocol/jobForecast.ts`) and leaves the folder as it is.
 */
import { isHumanError } from '../base/errors.ts';
import { nodeDisk, replaceJsonFile } from '../storage/fileSystem.ts';
import { acquireJobLock, JobFolder } from '../storage/jobFolder.ts';
import { ModelAway } from '../training/rollout.ts';
import { latestCheckpoint } from './jobCheckpoints.ts';
import { forecastJob } from './jobForecast.ts';
import { JobReporter } from './jobReporter.ts';
import { runJob } from './jobRunner.ts';
import { useLanguageOfStarter } from './language.ts';
import { powerSource } from './powerSource.ts';

async function main(args: readonly string[]): Promise<number> {
  useLanguageOfStarter();
  const path = args.find(arg => !arg.startsWith('--'));
  if (path === undefined) {
    process.stderr.write('usage: jobMain <job folder> [--allow-code] [--pause-on-battery] [--forecast]\n');
    return 2;
  }
  const folder = await JobFolder.open(path);
  if (args.includes('--forecast')) {
    await printed(JSON.stringify(await forecastJob(folder)));
    return 0;
  }
  const release = await acquireJobLock(path);
  try {
    return await work(folder, args.includes('--allow-code'), args.includes('--pause-on-battery'));
  } finally {
    await release();
  }
}

async function work(folder: JobFolder, allowCode: boolean, pauseOnBattery: boolean): Promise<number> {
  const before = await folder.state().catch(() => undefined);
  if (before?.status === 'succeeded') return 0;
  const checkpoints = folder.file('checkpoints');
  const resume = await latestCheckpoint(checkpoints);
  const start = performance.now();
  const seconds = () => (resume?.seconds ?? 0) + (performance.now() - start) / 1000;
  const reporter = new JobReporter(folder, before, seconds, {
    step: resume?.step ?? 0,
    ...(pauseOnBattery ? { power: () => powerSource() } : {}),
  });
  let told = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      told = true;
      reporter.stop();
    });
  }
  try {
    const result = await runJob({ folder, host: reporter, resume, allowCode, seconds });
    if (!result) {
      await reporter.end('cancelled');
      return 0;
    }
    await replaceJsonFile(folder.file('result'), result);
    await reporter.end('succeeded');
    await nodeDisk.remove(checkpoints);
    return 0;
  } catch (error) {
    if (error instanceof ModelAway) {
      // Told to stop while it asked, or left alone.
      const control = await folder.control().catch(() => undefined);
      await reporter.end(told || control?.request === 'cancel' ? 'cancelled' : 'waiting');
      return 0;
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    await reporter.end('failed', error);
    return isHumanError(error) ? 1 : 70;
  }
}

/** A pipe takes a text in its own time, and `exit` would not wait for it. */
const printed = (text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(`${text}\n`, error => (error ? reject(error) : resolve()));
  });

main(process.argv.slice(2)).then(
  code => process.exit(code),
  error => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
