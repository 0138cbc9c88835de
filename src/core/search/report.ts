/** What a search found, and what that is worth: winner against baseline on rows that took no part, with the odds of chance. */
import { l10n } from '../../base/l10n.ts';
import { cell as escaped } from '../../base/markdown.ts';
import { type Interval, wilson } from '../statistics/intervals.ts';
import { comparePaired, type PairedComparison } from '../statistics/mcnemar.ts';
import type { Metric, SearchOptions } from './options.ts';
import type { Candidate } from './proposals.ts';
import type { Schedule } from './schedule.ts';

export interface CandidateReport extends Candidate {
  /** Mean score over the first `rows` dev rows; those of a losing candidate are few. */
  readonly dev: { readonly mean: number; readonly rows: number };
}

/**
 * `better` and `worse`: the difference on the held-out rows is unlikely to be chance (exact McNemar, p < 0.05). `noise`: it may
 * well be. `baseline`: no candidate beat the template's own words on the dev rows.
 */
type Verdict = 'better' | 'worse' | 'noise' | 'baseline';

export interface SearchReport {
  readonly format: 1;
  readonly template: string;
  readonly target: 'instruction' | 'trigger';
  readonly model: string;
  readonly proposer?: string;
  readonly seed: number;
  readonly metric: Metric;
  readonly budget: { readonly calls: number; readonly spent: number };
  readonly rows: {
    readonly demonstrations: number;
    readonly dev: number;
    readonly heldOut: number;
    readonly duplicates: number;
  };
  readonly candidates: readonly CandidateReport[];
  /** Indices of candidates; 0 is the template's own. */
  readonly winner: number;
  readonly heldOut: { readonly baseline: Interval; readonly winner: Interval; readonly comparison: PairedComparison };
  readonly verdict: Verdict;
}

/** Level of the test. */
const alpha = 0.05;

export function reportOf(found: {
  readonly options: SearchOptions;
  readonly schedule: Schedule;
  readonly spent: number;
  readonly candidates: readonly CandidateReport[];
  readonly winner: number;
  readonly heldOut: { readonly baseline: readonly boolean[]; readonly winner: readonly boolean[] };
}): SearchReport {
  const { options, schedule, spent, candidates, winner, heldOut } = found;
  const { template, target, model, proposer, seed, metric, splits } = options;
  const comparison = comparePaired(heldOut.baseline, heldOut.winner);
  return {
    format: 1,
    template: template.name,
    target: target.kind,
    model,
    ...(proposer === undefined ? {} : { proposer }),
    seed,
    metric,
    budget: { calls: schedule.budget, spent },
    rows: {
      demonstrations: splits.demonstrations.length,
      dev: splits.dev.length,
      heldOut: schedule.heldOut,
      duplicates: splits.duplicates,
    },
    candidates,
    winner,
    heldOut: { baseline: shareOf(heldOut.baseline), winner: shareOf(heldOut.winner), comparison },
    verdict: verdictOf(winner, comparison),
  };
}

function verdictOf(winner: number, { exactP, gained, lost }: PairedComparison): Verdict {
  if (winner === 0) return 'baseline';
  if (exactP >= alpha) return 'noise';
  return gained > lost ? 'better' : 'worse';
}

const shareOf = (right: readonly boolean[]): Interval => wilson(right.filter(Boolean).length, right.length);

/** The outcome in one sentence, for a terminal or a notification. */
export function verdictSentence(report: SearchReport): string {
  const { gained, lost, exactP } = report.heldOut.comparison;
  const p = pText(exactP);
  switch (report.verdict) {
    case 'baseline':
      return l10n.t('Nothing beat the template’s own words. Keep them.');
    case 'noise':
      return l10n.t(
        'The gain is noise: of {0} held-out rows the winner mends {1} and breaks {2}, which chance alone does often ({3}).',
        report.rows.heldOut,
        gained,
        lost,
        p,
      );
    case 'better':
      return l10n.t(
        'The winner is better: of {0} held-out rows it mends {1} and breaks {2} ({3}).',
        report.rows.heldOut,
        gained,
        lost,
        p,
      );
    case 'worse':
      return l10n.t(
        'The winner is worse: of {0} held-out rows it mends {1} and breaks {2} ({3}). Keep the template’s own words.',
        report.rows.heldOut,
        gained,
        lost,
        p,
      );
  }
}

const pText = (p: number): string => (p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`);

/** The report as Markdown, to be read and kept. */
export function reportMarkdown(report: SearchReport): string {
  const { candidates, winner, heldOut, rows, budget } = report;
  const best = candidates[winner]!;
  const share = ({ estimate, low, high }: Interval): string =>
    l10n.t('{0} % ({1}–{2})', percent(estimate), percent(low), percent(high));
  const { difference, gained, lost, exactP } = heldOut.comparison;
  const lines = [
    `# ${l10n.t('Prompt search: {0}', report.template)}`,
    '',
    `**${verdictSentence(report)}**`,
    '',
    `| | ${l10n.t('text')} | ${l10n.t('held-out accuracy (Wilson, 95 %)')} |`,
    '|---|---|---|',
    `| ${l10n.t('baseline')} | ${cell(candidates[0]!.text)} | ${share(heldOut.baseline)} |`,
    ...(winner === 0 ? [] : [`| ${l10n.t('winner')} | ${cell(best.text)} | ${share(heldOut.winner)} |`]),
    '',
  ];
  if (winner !== 0) {
    lines.push(
      l10n.t(
        'Difference, row by row: {0} points (95 %: {1} to {2}); {3} mended, {4} broken; McNemar’s exact test {5}.',
        signed(difference.estimate),
        signed(difference.low),
        signed(difference.high),
        gained,
        lost,
        pText(exactP),
      ),
      '',
      l10n.t(
        'The winner’s dev score below is optimistic: it is the highest of {0}, and the highest of many is partly luck. Only the held-out rows, which took no part in the choice, say what to expect.',
        candidates.length,
      ),
      '',
    );
  }
  lines.push(
    l10n.t(
      'With {0} held-out rows, a difference of fewer than 6 rows ({1} points) can never be told from chance.',
      rows.heldOut,
      percent(Math.min(1, 6 / rows.heldOut)),
    ),
    '',
    `## ${l10n.t('Candidates')}`,
    '',
    report.metric === 'likelihood'
      ? l10n.t('Scored by the log-likelihood of the expected answer, in nats.')
      : l10n.t('Scored by the share of right answers.'),
    '',
    `| # | ${l10n.t('text')} | ${l10n.t('from')} | ${l10n.t('dev score')} | ${l10n.t('dev rows')} |`,
    '|---:|---|---|---:|---:|',
    ...ranked(report).map(({ index, candidate }) => {
      const score = report.metric === 'likelihood' ? candidate.dev.mean.toFixed(2) : `${percent(candidate.dev.mean)} %`;
      const mark = index === winner ? '**' : '';
      return `| ${index} | ${mark}${cell(candidate.text)}${mark} | ${originText(candidate)} | ${score} | ${candidate.dev.rows} |`;
    }),
    '',
    `## ${l10n.t('How it was found')}`,
    '',
    `- ${l10n.t('model: {0}', report.model)}`,
    `- ${report.proposer === undefined ? l10n.t('no proposing model') : l10n.t('proposing model: {0}', report.proposer)}`,
    `- ${l10n.t('{0} of {1} calls, seed {2}', budget.spent, budget.calls, report.seed)}`,
    `- ${l10n.t('rows: {0} shown to the proposing model, {1} to score on, {2} held out; {3} duplicates left out', rows.demonstrations, rows.dev, rows.heldOut, rows.duplicates)}`,
    '',
  );
  return lines.join('\n');
}

/** Those that stood longest first, then by score. */
function ranked({ candidates, winner }: SearchReport): { index: number; candidate: CandidateReport }[] {
  return candidates
    .map((candidate, index) => ({ index, candidate }))
    .sort(
      (a, b) =>
        Number(b.index === winner) - Number(a.index === winner) ||
        b.candidate.dev.rows - a.candidate.dev.rows ||
        b.candidate.dev.mean - a.candidate.dev.mean ||
        a.index - b.index,
    );
}

function originText({ origin, parent }: Candidate): string {
  switch (origin) {
    case 'template':
      return l10n.t('the template');
    case 'given':
      return l10n.t('you');
    case 'proposed':
      return l10n.t('proposed');
    case 'paraphrased':
      return l10n.t('rewords {0}', parent ?? 0);
  }
}

const percent = (share: number): string => (share * 100).toFixed(0);
const signed = (share: number): string => `${share > 0 ? '+' : ''}${(share * 100).toFixed(0)}`;
const cell = (text: string): string => (text === '' ? `*${l10n.t('(empty)')}*` : escaped(text));
