/** `tunesmith jobs`: the workspace's training jobs, whoever started them: list, show, stop, resume, report. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { figure } from '../../base/figure.ts';
import { l10n } from '../../base/l10n.ts';
import { type Dashboard, dashboard, kindLabel } from '../../core/jobs/dashboard.ts';
import type { JobEvent } from '../../core/jobs/job.ts';
import { jobReport } from '../../core/jobs/jobReport.ts';
import { MetricColumns } from '../../core/jobs/metricColumns.ts';
import { isOver, statusWord } from '../../core/jobs/status.ts';
import type { JobSummary } from '../../jobs/backend.ts';
import { duration, jobProgress } from '../../jobs/progress.ts';
import { diskError } from '../../storage/fileSystem.ts';
import { JobFolder, startOfEvents } from '../../storage/jobFolder.ts';
import { type Cli, numberOption } from '../cli.ts';
import { type GoldFlags, gold, goldTable, peopleOf } from './jobsGold.ts';
import { reportResult, runJob } from './trainJobs.ts';

interface Flags {
  readonly json?: boolean;
}

interface ResumeFlags extends Flags {
  readonly detach?: boolean;
  readonly onBattery?: boolean;
}

export function registerJobs(program: Command, cli: Cli): void {
  const jobs = program
    .command('jobs')
    .description(l10n.t('training jobs of the workspace: list, show, stop, resume, report'));
  const command = (name: string, description: string): Command =>
    jobs.command(name).description(description).option('--json', l10n.t('as JSON'));
  jobs
    .command('list', { isDefault: true })
    .description(l10n.t('every job, newest first, whoever started it'))
    .option('--json', l10n.t('as JSON'))
    .action((flags: Flags) => list(cli, flags));
  command('show <job>', l10n.t('settings, last metrics and health of a job, by its name or id')).action(
    (wanted: string, flags: Flags) => show(cli, wanted, flags),
  );
  command('stop <job>', l10n.t('stop a running job at a checkpoint, from any terminal or editor')).action(
    (wanted: string, flags: Flags) => stop(cli, wanted, flags),
  );
  command('resume <job>', l10n.t('go on with a stopped, failed or interrupted job from its last checkpoint'))
    .option('--detach', l10n.t('do not wait for its end'))
    .option('--on-battery', l10n.t('go on when the computer is unplugged, instead of waiting'))
    .action((wanted: string, flags: ResumeFlags) => resume(cli, wanted, flags));
  command('gold <job>', l10n.t('what people say of a job’s answers at each evaluation, against those before training'))
    .option('--ask', l10n.t('put the answers up for judging, blind; the judgements are never learned from'))
    .option('--prompts <n>', l10n.t('with --ask: the first prompts alone'), numberOption('--prompts', { min: 1 }))
    .addOption(
      new Option(
        '--restore [step]',
        l10n.t('make a model of the adapter of the step that people like best, or of this one'),
      ).argParser(numberOption('--restore', { min: 1 })),
    )
    .action(async (wanted: string, flags: GoldFlags) => {
      const job = await find(cli, wanted);
      await gold(cli, job, await eventsOf(job), flags);
    });
  command('report <job>', l10n.t('one HTML page with curves, answers and settings; with --json the figures behind it'))
    .option('-o, --out <file>', l10n.t('write it to this file instead of stdout'))
    .action((wanted: string, flags: Flags & { readonly out?: string }) => report(cli, wanted, flags));
}

/** What scripts get of a job. */
const plain = ({ id, name, kind, status, specification, state, path }: JobSummary) => ({
  id,
  name,
  kind,
  ...(specification.kind === 'rlhf' ? { algorithm: specification.settings.algorithm } : {}),
  status,
  step: state?.step ?? 0,
  totalSteps: state?.totalSteps ?? 0,
  createdAt: specification.createdAt,
  path,
  ...(state?.error ? { error: state.error.message } : {}),
});

async function list(cli: Cli, { json }: Flags): Promise<void> {
  const { jobs, problems } = await cli.supervisor.list();
  for (const { file, message } of problems) cli.note(`${file}: ${message}`);
  if (json) return cli.out(`${JSON.stringify(jobs.map(plain), null, 2)}\n`);
  if (jobs.length === 0)
    return cli.note(l10n.t('There are no jobs in this workspace yet. “tunesmith train” makes one.'));
  const now = Date.now();
  const rows = jobs.map(job => [
    job.name,
    kindLabel(job.specification),
    statusWord(job.status),
    stepsOf(job),
    l10n.t('{0} ago', duration((now - Date.parse(job.specification.createdAt)) / 1000)),
    job.id,
  ]);
  const widths = [0, 1, 2, 3, 4].map(column => Math.max(...rows.map(row => row[column]!.length)));
  for (const row of rows)
    cli.show(
      `${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    );
}

const stepsOf = ({ state }: JobSummary): string =>
  state && state.totalSteps > 0 ? l10n.t('{0} of {1}', state.step, state.totalSteps) : '';

/** By id, by name, or by the beginning of an id. Of several with one name the newest is not guessed. */
async function find(cli: Cli, wanted: string): Promise<JobSummary> {
  const { jobs } = await cli.supervisor.list();
  for (const fits of [
    (job: JobSummary) => job.id === wanted,
    (job: JobSummary) => job.name === wanted,
    (job: JobSummary) => job.id.startsWith(wanted),
  ]) {
    const found = jobs.filter(fits);
    if (found.length === 1) return found[0]!;
    if (found.length > 1)
      throw new HumanError(
        l10n.t('“{0}” are several jobs. Name one by its id: {1}.', wanted, found.map(({ id }) => id).join(', ')),
      );
  }
  throw new HumanError(
    jobs.length === 0
      ? l10n.t('There are no jobs in this workspace yet. “tunesmith train” makes one.')
      : l10n.t('There is no job “{0}”. “tunesmith jobs list” shows those that there are.', wanted),
  );
}

const eventsOf = async (job: JobSummary): Promise<readonly JobEvent[]> =>
  (await (await JobFolder.open(job.path)).eventsSince(startOfEvents)).events;

async function show(cli: Cli, wanted: string, { json }: Flags): Promise<void> {
  const job = await find(cli, wanted);
  const events = await eventsOf(job);
  const people = await peopleOf(cli, job, events);
  const { health, settings, lineage } = dashboard({ ...job, events, people });
  const metrics = MetricColumns.of(events).last();
  if (json) {
    const { specification, result } = job;
    const shown = { ...plain(job), health, metrics, ...(people.length > 0 ? { people } : {}) };
    cli.out(`${JSON.stringify({ ...shown, specification, result: result ?? null }, null, 2)}\n`);
    return;
  }
  cli.show(`${job.name}  ${kindLabel(job.specification)}\n`);
  cli.show(`${statusText(job)}\n`);
  if (health) cli.show(`${health.text}\n`);
  const rows = [
    ...settings.flat(),
    ...lineage.filter(({ here }) => !here).map(({ role, name }) => ({ label: role, value: name })),
  ];
  cli.show(`\n${table(rows.map(({ label, value }) => [label, value]))}`);
  if (metrics) {
    cli.show(`\n${l10n.t('Metrics of step {0}', metrics.step)}\n`);
    cli.show(table(Object.entries(metrics.values).map(([name, value]) => [name, figureOf(value)])));
  }
  if (people.length > 0) cli.show(`\n${goldTable(people)}`);
  cli.show(`\n${job.path}\n`);
}

function statusText(job: JobSummary): string {
  const word = statusWord(job.status);
  const { label } = jobProgress(job);
  return label === word ? word : `${word}: ${label}`;
}

/** Small numbers (a learning rate) keep their digits. */
const figureOf = (value: number): string =>
  value !== 0 && Math.abs(value) < 0.1 ? Number(value.toPrecision(3)).toString().replace('-', '−') : figure(value);

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}\n`).join('');
}

async function stop(cli: Cli, wanted: string, { json }: Flags): Promise<void> {
  const job = await find(cli, wanted);
  if (isOver(job.status))
    throw new HumanError(l10n.t('{0} does not run: {1}.', job.name, statusWord(job.status)), {
      place: { file: job.path },
    });
  cli.note(l10n.t('Stopping {0} at its next checkpoint …', job.name));
  const stopped = await cli.supervisor.cancel(job.id);
  cli.out(json ? `${JSON.stringify(plain(stopped), null, 2)}\n` : `${stopped.name}: ${jobProgress(stopped).label}\n`);
}

async function resume(cli: Cli, wanted: string, flags: ResumeFlags): Promise<void> {
  const job = await find(cli, wanted);
  if (flags.detach) {
    await cli.supervisor.enqueue(job.id, { allowCode: cli.allowCode, pauseOnBattery: !flags.onBattery });
    const started = await cli.supervisor.get(job.id);
    cli.out(
      flags.json ? `${JSON.stringify(plain(started), null, 2)}\n` : `${job.name}: ${jobProgress(started).label}\n`,
    );
    return;
  }
  reportResult(cli, flags, job.id, await runJob(cli, cli.supervisor, await JobFolder.open(job.path), flags));
}

async function report(cli: Cli, wanted: string, { json, out }: Flags & { readonly out?: string }): Promise<void> {
  const job = await find(cli, wanted);
  const events = await eventsOf(job);
  const input = { ...job, events, people: await peopleOf(cli, job, events), ...(await makers(cli)) };
  const text = json ? `${JSON.stringify(figures(dashboard(input)), null, 2)}\n` : jobReport(input, cli.language);
  if (out === undefined) return cli.out(text);
  const file = resolve(cli.terminal.cwd, out);
  try {
    await writeFile(file, text);
  } catch (error) {
    throw diskError(error, file);
  }
  cli.note(l10n.t('The report is in {0}.', out));
}

/** Without what only buttons need. */
const figures = ({ can: _, ...rest }: Dashboard) => rest;

/** Which job made a model, for the lineage. */
async function makers(cli: Cli) {
  const { jobs } = await cli.supervisor.list();
  const made = new Map(jobs.map(job => [resolve(cli.layout.root, job.specification.output), job.id]));
  return { madeBy: (folder: string) => made.get(resolve(cli.layout.root, folder)) };
}
