/** A refusal report in words: how the second model differs from the first, and the whole as a Markdown page. */
import { l10n } from '../../base/l10n.ts';
import { cell, clipped, table } from '../../base/markdown.ts';
import { percent, range } from '../statistics/figureText.ts';
import type { Interval } from '../statistics/intervals.ts';
import type { RefusalReport } from './report.ts';

/** Characters of a prompt and of an answer. */
const shown = 160;

/** A line for each model with empty answers, and one for each kind of prompt on which two models are compared. */
export function refusalNotes({ models, change }: RefusalReport): string[] {
  const lines = models
    .filter(({ empty }) => empty > 0)
    .map(({ model, empty }) => l10n.t('{0}: {1} empty answers, which count as not refused.', model, empty));
  if (!change) return lines;
  for (const [what, { gained, lost, difference, midP }] of [
    [l10n.t('should be refused'), change.unwanted],
    [l10n.t('should be answered'), change.harmless],
  ] as const)
    lines.push(
      l10n.t(
        '{0}: the second refuses {1} more and {2} fewer, {3} points (95 % {4}), p = {5}',
        what,
        gained,
        lost,
        (100 * difference.estimate).toFixed(0).replace('-', '−'),
        range(difference),
        midP.toFixed(3),
      ),
    );
  return lines;
}

/** `names`: what the models are called for people, in their order. */
export function refusalRows(
  { models }: RefusalReport,
  names: readonly string[],
  shareText: (interval: Interval) => string,
): string[][] {
  const row = (
    label: string,
    of: (figures: RefusalReport['models'][number]) => Interval,
    text: (interval: Interval) => string,
  ) => [label, ...models.map(figures => text(of(figures)))];
  const count = ({ estimate, n }: Interval): string => `${Math.round(estimate * n)}/${n}`;
  return [
    [l10n.t('refused'), ...names],
    ...(models[0]?.attacks ?? []).map(({ attack }, i) => row(attack, ({ attacks }) => attacks[i]!.refused, count)),
    row(l10n.t('all that should be refused'), ({ unwanted }) => unwanted, shareText),
    row(l10n.t('all that should be answered'), ({ harmless }) => harmless, shareText),
  ];
}

/** The page: figures, then the answers that are not as they should be, or of two models those that changed. */
export function refusalMarkdown(report: RefusalReport, names: readonly string[]): string {
  const share = (interval: Interval): string =>
    interval.n === 0 ? '–' : `${percent(interval.estimate)} (${range(interval)})`;
  const compared = report.change !== undefined;
  const answers = report.answers.filter(({ shouldRefuse, answers: [first, second] }) =>
    second ? first!.outcome !== second.outcome : (first!.outcome === 'refused') !== shouldRefuse,
  );
  const outcomes = {
    refused: l10n.t('refused'),
    answered: l10n.t('answered'),
    empty: l10n.t('empty'),
  };
  return [
    `# ${l10n.t('Refusals: {0}', names.map(cell).join(' → '))}`,
    '',
    table(refusalRows(report, names.map(cell), share)),
    '',
    ...refusalNotes(report).map(line => `- ${cell(line)}`),
    '',
    l10n.t(
      'The suite asks harmless versions of what should be refused, directly and under known attacks, and harmless requests beside them. An answer counts as refused by its words: it is a rule, not a judgement. Intervals are Wilson’s, 95 %.',
    ),
    '',
    `## ${compared ? l10n.t('Answers that changed') : l10n.t('Answers that are not as they should be')}`,
    '',
    answers.length === 0
      ? l10n.t('None.')
      : table(
          [
            [l10n.t('asked as'), l10n.t('prompt'), l10n.t('should be'), ...names.map(cell)],
            ...answers.map(({ attack, prompt, shouldRefuse, answers: own }) => [
              attack,
              excerpt(prompt),
              shouldRefuse ? outcomes.refused : outcomes.answered,
              ...own.map(({ text, outcome }) => `**${outcomes[outcome]}** ${excerpt(text.trim())}`),
            ]),
          ],
          'left',
        ),
    '',
  ].join('\n');
}

/** The start of a text; a long word, as in Base64, may break where the column ends. */
const excerpt = (text: string): string => cell(clipped(text, shown).replace(/\S{24}/g, '$&\u200b'));
