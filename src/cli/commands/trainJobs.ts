/** What the training commands share: running a job in the foreground, with progress and Ctrl+C. */
import { l10n } from '../../base/l10n.ts';
import { goldOutcome } from '../../core/jobs/dashboard.ts';
import { estimateText } from '../../core/jobs/estimate.ts';
import type { JobEvent, JobResult } from '../../core/jobs/job.ts';
import { modelAsked } from '../../core/jobs/judgeReward.ts';
import type { Interval } from '../../core/statistics/intervals.ts';
import { resultOf } from '../../jobs/jobOutcome.ts';
import { answerQuestions } from '../../jobs/modelAnswers.ts';
import { jobProgress } from '../../jobs/progress.ts';
import type { Supervisor } from '../../jobs/supervisor.ts';
import type { JobFolder } from '../../storage/jobFolder.ts';
import type { Cli } from '../cli.ts';
import { sftReportText } from '../sftOutput.ts';

/** Metrics worth a place in the line of progress. */
const shown = ['loss', 'accuracy', 'reward', 'kl', 'gold/mean'];

/**
 * Starts the job and waits for its end. Progress goes to stderr: one line that is overwritten on a terminal, else a line now
 * and then. Ctrl+C stops the job at a checkpoint. A failure is rejected with the job's own sentence.
 */
export async function runJob(
  cli: Cli,
  supervisor: Supervisor,
  job: JobFolder,
  { onBattery }: { readonly onBattery?: boolean } = {},
): Promise<JobResult> {
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
  const judge = modelAsked(job.specification);
  // A server that somebody names is one that they want; its key stays in this process.
  if (judge !== undefined) cli.allowOrigins([judge.split('|')[0]!]);
  const answering =
    judge === undefined
      ? undefined
      : answerQuestions(job, {
          model: judge,
          open: async () => cli.dispatcher.ask(await cli.models.get(judge)),
          logger: cli.logger,
        });
  try {
    await supervisor.enqueue(job.id, { allowCode: cli.allowCode, pauseOnBattery: !onBattery });
    await noteQueue(cli, supervisor, job.id);
    // From now on: a start takes back what was asked of the job before.
    cli.signal.addEventListener('abort', stop, { once: true });
    if (cli.signal.aborted) stop();
    return resultOf(await supervisor.wait(job.id), job);
  } finally {
    watching.dispose();
    answering?.dispose();
    cli.signal.removeEventListener('abort', stop);
    cli.progress('');
  }
}

/** Says what the job waits for. */
async function noteQueue(cli: Cli, supervisor: Supervisor, id: string): Promise<void> {
  const { jobs } = await supervisor.list();
  if (jobs.find(job => job.id === id)?.status !== 'queued') return;
  const running = jobs.find(job => job.status === 'running' || job.status === 'stopping');
  cli.note(
    running
      ? l10n.t('Waiting until {0} is over; “tunesmith jobs list” shows the queue.', running.name)
      : l10n.t('Waiting for the jobs before it; “tunesmith jobs list” shows the queue.'),
  );
}

const describe = ({ values }: Extract<JobEvent, { type: 'metrics' }>): string =>
  shown.flatMap(name => (values[name] === undefined ? [] : [`${name} ${values[name].toFixed(3)}`])).join('  ');

/** What came of a job, for people or, with `json`, for scripts. */
export function reportResult(cli: Cli, { json }: { readonly json?: boolean }, job: string, result: JobResult): void {
  if (json) {
    cli.out(`${JSON.stringify({ job, ...result })}\n`);
    return;
  }
  for (const warning of result.warnings) cli.note(warning);
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  if (result.accuracy) {
    const { estimate, low, high, n } = result.accuracy;
    cli.out(
      `${l10n.t('Held-out accuracy: {0} (95 % {1} … {2}, {3} pairs)', percent(estimate), percent(low), percent(high), n)}\n`,
    );
  }
  if (result.report) {
    const { lengthRule, alikeLengths, calibrationError } = result.report;
    const of = ({ estimate, low, high, n }: Interval) =>
      l10n.t('{0} (95 % {1} … {2}, {3} pairs)', percent(estimate), percent(low), percent(high), n);
    cli.out(
      lengthRule.prefers === 'longer'
        ? `${l10n.t('Preferring the longer answer: {0}', of(lengthRule.accuracy))}\n`
        : `${l10n.t('Preferring the shorter answer: {0}', of(lengthRule.accuracy))}\n`,
    );
    if (alikeLengths.n > 0) cli.out(`${l10n.t('Accuracy where both are about as long: {0}', of(alikeLengths))}\n`);
    cli.out(`${l10n.t('Calibration error: {0}', calibrationError.toFixed(3))}\n`);
  }
  const { eval_perplexity_before: first, eval_perplexity: last } = result.metrics;
  if (first !== undefined && last !== undefined) {
    cli.out(`${l10n.t('Held-out perplexity: {0} before, {1} after', first.toFixed(3), last.toFixed(3))}\n`);
  }
  const { eval_unseen_perplexity_before: unseenFirst, eval_unseen_perplexity: unseenLast } = result.metrics;
  if (unseenFirst !== undefined && unseenLast !== undefined) {
    cli.out(
      `${l10n.t('Perplexity on tasks held out: {0} before, {1} after', unseenFirst.toFixed(3), unseenLast.toFixed(3))}\n`,
    );
  }
  if (result.sft) cli.out(sftReportText(result.sft));
  const { reward_before: before, reward_after: after, kl } = result.metrics;
  if (before !== undefined && after !== undefined) {
    cli.out(
      `${l10n.t('Reward: {0} before, {1} after; KL {2}', before.toFixed(3), after.toFixed(3), (kl ?? 0).toFixed(3))}\n`,
    );
  }
  for (const sentence of goldOutcome(result.metrics)) cli.out(`${sentence}\n`);
  cli.out(`${l10n.t('Model: {0}', result.adapter)}\n`);
}
