/** What the training commands share: running a job in the foreground, with progress and Ctrl+C. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { estimateText } from '../../core/jobs/estimate.ts';
import type { JobEvent, JobResult } from '../../core/jobs/job.ts';
import { jobProgress } from '../../jobs/progress.ts';
import type { Supervisor } from '../../jobs/supervisor.ts';
import type { JobFolder } from '../../storage/jobFolder.ts';
import type { Cli } from '../cli.ts';

/** Metrics worth a place in the line of progress. */
const shown = ['loss', 'accuracy', 'reward', 'kl'];

/**
 * Starts the job and waits for its end. Progress goes to stderr: one line that is overwritten on a terminal, else a line now
 * and then. Ctrl+C stops the job at a checkpoint. A failure is rejected with the job's own sentence.
 */
export async function runJob(cli: Cli, supervisor: Supervisor, job: JobFolder): Promise<JobResult> {
  cli.signal.throwIfAborted();
  let metrics = '';
  let noted = performance.now();
  const watching = supervisor.watch(job.id, {
    onEvents: events => {
      for (const event of events) {
        if (event.type === 'log' && event.level !== 'info') cli.note(event.message);
        if (event.type === 'estimate') cli.note(estimateText(event));
        if (event.type === 'metrics') metrics = describe(event);
      }
    },
    onChange: summary => {
      const line = `${summary.name}: ${jobProgress(summary).label}${metrics === '' ? '' : `  ${metrics}`}`;
      if (cli.terminal.stderr.isTTY) cli.progress(line);
      else if (performance.now() - noted > 15_000) {
        noted = performance.now();
        cli.note(line);
      }
    },
  });
  const stop = () => void supervisor.cancel(job.id).catch(error => cli.logger.error('The job was not stopped', error));
  try {
    await supervisor.start(job.id, { allowCode: cli.allowCode });
    // From now on: a start takes back what was asked of the job before.
    cli.signal.addEventListener('abort', stop, { once: true });
    if (cli.signal.aborted) stop();
    const { status, state, result } = await supervisor.wait(job.id);
    if (status === 'succeeded' && result) return result;
    if (status === 'cancelled') {
      throw new HumanError(l10n.t('The job was stopped. It can go on from its last checkpoint: {0}.', job.path));
    }
    const { error } = state ?? {};
    if (error && !error.human) {
      const bug = new Error(error.message);
      if (error.stack) bug.stack = error.stack;
      throw bug;
    }
    throw new HumanError(
      error?.message ?? l10n.t('The job’s process ended without a word. Its log may say why: {0}.', job.file('log')),
    );
  } finally {
    watching.dispose();
    cli.signal.removeEventListener('abort', stop);
    cli.progress('');
  }
}

const describe = ({ values }: Extract<JobEvent, { type: 'metrics' }>): string =>
  shown.flatMap(name => (values[name] === undefined ? [] : [`${name} ${values[name].toFixed(3)}`])).join('  ');
