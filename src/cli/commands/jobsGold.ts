/** `tunesmith jobs gold`: people judge the answers of a job at its evaluations; the best of them becomes a model. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { type GoldPoint, goldCurve, goldItems, goldPeak, goldSentence, goldSet } from '../../core/jobs/humanGold.ts';
import type { JobEvent } from '../../core/jobs/job.ts';
import type { JobSummary } from '../../jobs/backend.ts';
import { JobFolder } from '../../storage/jobFolder.ts';
import { restoreGold } from '../../storage/keptEvaluations.ts';
import type { Cli } from '../cli.ts';

export interface GoldFlags {
  readonly ask?: boolean;
  readonly prompts?: number;
  /** A step; true for the best. */
  readonly restore?: number | true;
  readonly json?: boolean;
}

type Events = readonly JobEvent[];

/** What people said of a job's answers; empty for jobs that have none to judge. */
export async function peopleOf(cli: Cli, job: JobSummary, events: Events): Promise<readonly GoldPoint[]> {
  return job.kind === 'rlhf' ? goldCurve(job.id, events, (await cli.journal()).state) : [];
}

export async function gold(cli: Cli, job: JobSummary, events: Events, flags: GoldFlags): Promise<void> {
  if (flags.ask) await ask(cli, job, events, flags);
  const curve = await peopleOf(cli, job, events);
  if (flags.restore !== undefined) return restore(cli, job, curve, flags);
  if (flags.json) return cli.out(`${JSON.stringify({ job: job.id, set: goldSet(job.id), curve })}\n`);
  if (curve.length > 0) cli.show(`${goldSentence(curve)}\n\n${goldTable(curve)}`);
  else if (!flags.ask) {
    throw new HumanError(
      l10n.t(
        'Nobody has judged the answers of {0} yet. “tunesmith jobs gold {1} --ask” puts them up.',
        job.name,
        job.name,
      ),
    );
  }
}

async function ask(cli: Cli, job: JobSummary, events: Events, { prompts }: GoldFlags): Promise<void> {
  const items = goldItems(job.id, events, prompts === undefined ? {} : { prompts });
  if (items.length === 0) {
    throw new HumanError(
      job.kind === 'rlhf'
        ? l10n.t(
            '{0} has no answers to judge yet: none to its fixed prompts differs from that before training.',
            job.name,
          )
        : l10n.t('Only jobs of reinforcement learning answer fixed prompts at evaluations; {0} is none.', job.name),
    );
  }
  const journal = await cli.journal();
  const made = await journal.addItems(items);
  cli.note(
    l10n.t(
      '{0} pairs of answers to judge, in the Ranking view or with: tunesmith rank --set {1}',
      made.length,
      goldSet(job.id),
    ),
  );
}

async function restore(cli: Cli, job: JobSummary, curve: readonly GoldPoint[], flags: GoldFlags): Promise<void> {
  const step = flags.restore === true ? goldPeak(curve)?.step : flags.restore;
  if (step === undefined) {
    throw new HumanError(
      curve.length === 0
        ? l10n.t('Nobody has judged the answers of {0} yet, so no step is the best.', job.name)
        : goldSentence(curve),
    );
  }
  const { name, path } = await restoreGold(cli.layout, await JobFolder.open(job.path), job.result, step);
  if (flags.json) return cli.out(`${JSON.stringify({ job: job.id, step, name, path })}\n`);
  cli.out(`${l10n.t('Step {0} is the model {1}: {2}', step, name, path)}\n`);
}

/** A line for each step: share of wins with its interval, √KL, and what is open. */
export function goldTable(curve: readonly GoldPoint[]): string {
  const percent = (share: number): string => (100 * share).toFixed(0);
  const rows = curve.map(({ step, wins, open, distance }) => [
    l10n.t('step {0}', step),
    l10n.t('{0} % wins', percent(wins.estimate)),
    l10n.t('(95 % {0}–{1}, {2} prompts)', percent(wins.low), percent(wins.high), wins.n),
    distance === undefined ? '' : l10n.t('√KL {0}', distance.toFixed(2)),
    open === 0 ? '' : l10n.t('{0} open', open),
  ]);
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  return rows
    .map(
      row =>
        `  ${row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
