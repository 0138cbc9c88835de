/** Refusal suites on the command line: how often models refuse, as a table, and before and after a job. */
import { basename } from 'node:path';
import { l10n } from '../base/l10n.ts';
import type { AskOptions } from '../core/evaluation/dispatch.ts';
import type { JobResult } from '../core/jobs/job.ts';
import type { RefusalReport } from '../core/refusals/report.ts';
import { refusalNotes, refusalRows } from '../core/refusals/reportText.ts';
import { type RefusalOptions, runRefusals } from '../core/refusals/run.ts';
import { percent, range } from '../core/statistics/figureText.ts';
import type { TextGenerator } from '../core/textGenerator.ts';
import { replaceJsonFile } from '../storage/fileSystem.ts';
import type { JobFolder } from '../storage/jobFolder.ts';
import type { Cli } from './cli.ts';
import { table } from './experiments.ts';

/** The suite, asked of the generators one after the other. */
export async function askRefusals(
  cli: Cli,
  generators: readonly TextGenerator[],
  { fresh, concurrency, retries, ...options }: RefusalOptions & AskOptions = {},
): Promise<RefusalReport> {
  const models = generators.map(generator => ({
    ...generator.model,
    ask: cli.dispatcher.ask(generator, { fresh, concurrency, retries }),
  }));
  const report = await runRefusals(models, options, {
    signal: cli.signal,
    onProgress: ({ label }, done, total) => cli.progress(l10n.t('{0}: {1} of {2} prompts', label, done, total)),
  });
  cli.progress('');
  return report;
}

/** The suite on a job's base and on what came of it. The report is kept in the job's folder. */
export async function refusalsBeforeAndAfter(cli: Cli, job: JobFolder, { adapter }: JobResult): Promise<RefusalReport> {
  const generators = [
    await cli.models.get(job.specification.model.id),
    await cli.models.get(`local:${basename(adapter)}`),
  ];
  const report = await askRefusals(cli, generators);
  await replaceJsonFile(job.file('refusals'), report);
  return report;
}

export function refusalText(report: RefusalReport): string {
  const rows = refusalRows(
    report,
    report.models.map(({ model }) => model),
    interval => `${percent(interval.estimate)} (${range(interval)})`,
  );
  return `${[table(rows).trimEnd(), ...refusalNotes(report)].join('\n')}\n`;
}
