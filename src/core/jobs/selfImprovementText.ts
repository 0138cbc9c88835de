/** What self-improvement found, in words: a line for each round, the result, and both as a Markdown page. */
import { l10n } from '../../base/l10n.ts';
import { cell, table } from '../../base/markdown.ts';
import { percent, range } from '../statistics/figureText.ts';
import type { Interval } from '../statistics/intervals.ts';
import type { SelfImprovementMode, SelfImprovementResult, SelfImprovementRound } from './selfImprovement.ts';

const figures = (interval: Interval): string =>
  `${percent(interval.estimate)} (95 % ${range(interval)}, n = ${interval.n})`;

export function roundText(
  { round, questions, examples, labelAccuracy, accuracy, versusBest, ...made }: SelfImprovementRound,
  mode: SelfImprovementMode,
): string {
  const { gained, lost, midP } = versusBest;
  return [
    l10n.t('Round {0}: {1} examples of {2} questions', round, examples, questions),
    ...(mode === 'majority' ? [l10n.t('the majority was right in {0}', figures(labelAccuracy))] : []),
    l10n.t('right on held-out questions: {0}', figures(accuracy)),
    l10n.t(
      '{0} gained, {1} lost, p = {2}: {3}',
      gained,
      lost,
      midP.toFixed(3),
      made.helped ? l10n.t('it helped') : l10n.t('it did not help'),
    ),
  ].join('; ');
}

/** Why it stopped, a sentence. */
export const stopText = ({ stopped, rounds }: SelfImprovementResult): string =>
  ({
    'no-gain': l10n.t('Stopped: the last round did not help.'),
    rounds: l10n.t('Stopped after {0} rounds.', rounds.length),
    'nothing-to-learn': l10n.t('Stopped: no reasoning agreed, so that there was nothing to learn.'),
  })[stopped];

/** Lines: where it started, why it stopped, and what that is worth on questions that decided nothing. */
export function resultLines(result: SelfImprovementResult): string[] {
  const { start, best, adapter, report } = result;
  const lines = [l10n.t('Base, on the deciding questions: {0}', figures(start)), stopText(result)];
  if (!report) return [...lines, l10n.t('The base stays the best model.')];
  const { difference, midP } = report.versus;
  return [
    ...lines,
    l10n.t('On questions that decided nothing: {0} before, {1} after', figures(report.before), figures(report.after)),
    l10n.t(
      'Difference: {0} points (95 % {1}), p = {2}',
      (100 * difference.estimate).toFixed(1),
      range(difference),
      midP.toFixed(3),
    ),
    l10n.t('Best: round {0}, model {1}', best, adapter ?? ''),
  ];
}

export interface SelfImprovementPage {
  readonly template: string;
  /** What the base is called for people. */
  readonly model: string;
  readonly mode: SelfImprovementMode;
}

export function selfImprovementMarkdown(
  result: SelfImprovementResult,
  { template, model, mode }: SelfImprovementPage,
): string {
  const { start, rounds } = result;
  const head = [
    l10n.t('round'),
    l10n.t('examples'),
    ...(mode === 'majority' ? [l10n.t('majority right')] : []),
    l10n.t('right on deciding questions'),
    l10n.t('gained'),
    l10n.t('lost'),
    'p',
    l10n.t('it helped'),
  ];
  const base = ['0', '', ...(mode === 'majority' ? [''] : []), figures(start), '', '', '', ''];
  return [
    `# ${l10n.t('Self-improvement of {0} on {1}', cell(model), cell(template))}`,
    '',
    ...resultLines(result).map(line => `- ${cell(line)}`),
    '',
    table([
      head,
      base,
      ...rounds.map(({ round, examples, questions, labelAccuracy, accuracy, versusBest, helped }) => [
        String(round),
        l10n.t('{0} of {1} questions', examples, questions),
        ...(mode === 'majority' ? [figures(labelAccuracy)] : []),
        figures(accuracy),
        String(versusBest.gained),
        String(versusBest.lost),
        versusBest.midP.toFixed(3),
        helped ? l10n.t('yes') : l10n.t('no'),
      ]),
    ]),
    '',
    l10n.t(
      'Round 0 is the base. A round helped when it gained more questions than it lost against the best model before, and McNemar’s mid-p is below 5 %. Intervals are Wilson’s, 95 %.',
    ),
    '',
  ].join('\n');
}
