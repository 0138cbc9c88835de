/** A judge's report in words: one sentence that says what it is worth, lines for a terminal, a page in Markdown. */
import { l10n } from '../../base/l10n.ts';
import { cell } from '../../base/markdown.ts';
import type { Interval } from '../statistics/intervals.ts';
import { fewestShared, type JudgeCaution, type JudgeReport } from './judgeReport.ts';

/** What the judge is worth, in one sentence. */
export function judgeVerdict({ standing, shared, ceiling }: JudgeReport): string {
  const agreement = percent(shared.agreement.estimate);
  switch (standing) {
    case 'too-few':
      return l10n.t(
        'Too little is known: people have judged {0} of the items that it gave a readable verdict on, and {1} are needed before its labels may be trained on.',
        shared.items,
        fewestShared,
      );
    case 'chance':
      return l10n.t(
        'No better than chance: on {0} items it agrees with people in {1} of the pairs, which chance alone may do (κ {2}). Do not train on its labels.',
        shared.items,
        agreement,
        inWords(shared.kappa),
      );
    case 'below-people':
      return l10n.t(
        'Better than chance, and less like people than people are like each other: it agrees with them in {0} of the pairs (κ {1}), they with each other in {2}.',
        agreement,
        inWords(shared.kappa),
        percent(ceiling.agreement.estimate),
      );
    case 'like-people':
      return l10n.t(
        'It agrees with people about as much as they agree with each other: in {0} of the pairs (κ {1}), they in {2}.',
        agreement,
        inWords(shared.kappa),
        percent(ceiling.agreement.estimate),
      );
    case 'above-chance':
      return l10n.t(
        'Better than chance: on {0} items it agrees with people in {1} of the pairs (κ {2}). How far people agree with each other is not known: fewer than {3} of these items were judged by two of them.',
        shared.items,
        agreement,
        inWords(shared.kappa),
        fewestShared,
      );
  }
}

export function cautionText(caution: JudgeCaution, report: JudgeReport): string {
  const { flips, firstWins, shared, unreadable, pairs } = report;
  switch (caution) {
    case 'flips':
      return l10n.t('Its verdict turned with the order in {0} of the pairs; these are ties.', percent(flips.estimate));
    case 'position':
      return firstWins.estimate > 0.5
        ? l10n.t('It leans to the answer that stands first ({0} of its verdicts).', percent(firstWins.estimate))
        : l10n.t('It leans to the answer that stands second ({0} of its verdicts).', percent(1 - firstWins.estimate));
    case 'longer':
      return l10n.t(
        'It prefers the longer answer more often than people do ({0} against {1}).',
        percent(shared.longerByJudge.estimate),
        percent(shared.longerByPeople.estimate),
      );
    case 'shorter':
      return l10n.t(
        'It prefers the longer answer less often than people do ({0} against {1}).',
        percent(shared.longerByJudge.estimate),
        percent(shared.longerByPeople.estimate),
      );
    case 'unreadable':
      return l10n.t(
        'In {0} of {1} pairs a verdict could not be read; these say nothing. A bigger model, or verdicts by likelihood, may help.',
        unreadable,
        pairs,
      );
    case 'rubrics':
      return l10n.t('The guidelines were edited between its judgements; the figures mix their versions.');
  }
}

interface Line {
  readonly name: string;
  readonly figure: Interval;
  /** A number between −1 and 1, not a share. */
  readonly plain?: boolean;
}

const agreementLines = ({ shared, ceiling }: JudgeReport): Line[] => [
  { name: l10n.t('agreement with people'), figure: shared.agreement },
  { name: l10n.t('Cohen’s κ with people'), figure: shared.kappa, plain: true },
  { name: l10n.t('agreement where neither tied'), figure: shared.decided },
  { name: l10n.t('agreement on answers of equal length (±10 %)'), figure: shared.matched },
  { name: l10n.t('people with each other'), figure: ceiling.agreement },
  { name: l10n.t('Cohen’s κ of people with each other'), figure: ceiling.kappa, plain: true },
  { name: l10n.t('agreement where people are of one mind'), figure: ceiling.unanimous },
];

const biasLines = ({ flips, firstWins, longerWins, shared }: JudgeReport): Line[] => [
  { name: l10n.t('flips with the order'), figure: flips },
  { name: l10n.t('first shown wins'), figure: firstWins },
  { name: l10n.t('longer wins'), figure: longerWins },
  { name: l10n.t('longer wins, of pairs that people judged'), figure: shared.longerByJudge },
  { name: l10n.t('longer wins by people, of the same pairs'), figure: shared.longerByPeople },
  { name: l10n.t('longer wins more often than by people'), figure: shared.longerDifference },
];

const known = (lines: readonly Line[]): Line[] => lines.filter(({ figure }) => figure.n > 0);

const rangeOf = ({ figure: { estimate, low, high }, plain }: Line): string => {
  const say = (value: number): string => (Number.isNaN(value) ? '–' : plain ? value.toFixed(3) : percent(value));
  return `${say(estimate)} (${say(low)} … ${say(high)})`;
};

/** The report for a terminal. */
export function judgeReportLines(report: JudgeReport): string {
  const lines = [
    `${report.judge}: ${judgeVerdict(report)}`,
    `  ${countsOf(report)}`,
    ...report.cautions.map(caution => `  ! ${cautionText(caution, report)}`),
    ...known([...agreementLines(report), ...biasLines(report)]).map(
      line => `  ${line.name}: ${rangeOf(line)} (n = ${line.figure.n})`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

const countsOf = ({ items, pairs, ties, unreadable, shared, ceiling }: JudgeReport): string =>
  [
    l10n.t('{0} items judged', items),
    ...(pairs > 0
      ? [
          l10n.t('{0} pairs in both orders', pairs),
          l10n.t('{0} ties', ties),
          l10n.t('{0} without a readable verdict', unreadable),
        ]
      : []),
    l10n.t('{0} judged by people too, {1} of them by several', shared.items, ceiling.items),
  ].join(', ');

/** All reports as one page. */
export function judgeReportMarkdown(reports: readonly JudgeReport[]): string {
  const parts = [`# ${l10n.t('Judges beside people')}`];
  if (reports.length === 0) parts.push(l10n.t('No judge has judged anything here yet.'));
  for (const report of reports) parts.push(...judgePage(report));
  if (reports.length > 0) parts.push(howComputed());
  return `${parts.join('\n\n')}\n`;
}

function judgePage(report: JudgeReport): string[] {
  const { judge, judgedBy, authors, rubrics, cautions } = report;
  const facts = [
    ...(judgedBy
      ? [
          l10n.t('model: {0}', code(judgedBy.model)),
          l10n.t('template: {0}, version {1}', code(judgedBy.template), code(judgedBy.templateHash)),
          judgedBy.verdictsFrom === 'likelihood'
            ? l10n.t('verdicts from the probabilities of “A” and “B”')
            : l10n.t('verdicts from its words'),
        ]
      : []),
    ...rubrics.map(({ version, items }) =>
      version === ''
        ? l10n.t('without guidelines: {0} items', items)
        : l10n.t('guidelines version {0}: {1} items', code(version), items),
    ),
    l10n.t('run by {0}', authors.map(cell).join(', ')),
    countsOf(report),
  ];
  return [
    `## ${cell(judge)}`,
    `**${judgeVerdict(report)}**`,
    cautions.map(caution => `⚠ ${cautionText(caution, report)}`).join('  \n'),
    table(l10n.t('Agreement'), agreementLines(report)),
    table(l10n.t('Biases'), biasLines(report)),
    facts.map(fact => `- ${fact}`).join('\n'),
  ].filter(part => part !== '');
}

function table(title: string, lines: readonly Line[]): string {
  const rows = known(lines);
  if (rows.length === 0) return '';
  return [
    `| ${title} | ${l10n.t('estimate')} | ${l10n.t('95 % interval')} | n |`,
    '|:--|--:|:-:|--:|',
    ...rows.map(({ name, figure, plain }) => {
      const say = (value: number): string => (Number.isNaN(value) ? '–' : plain ? value.toFixed(2) : percent(value));
      return `| ${name} | ${say(figure.estimate)} | ${say(figure.low)} … ${say(figure.high)} | ${figure.n} |`;
    }),
  ].join('\n');
}

const howComputed = (): string =>
  l10n.t(
    'n counts pairs of answers, once for each person. Intervals are bootstrap intervals over items. Each pair was asked in both orders; where the orders disagree, it is a tie. A judge at the ceiling agrees with people as people agree with each other.',
  );

const percent = (share: number): string =>
  Number.isNaN(share) ? '–' : `${(100 * share).toFixed(0).replace(/^-/, '−')} %`;
const inWords = ({ estimate, low, high }: Interval): string => {
  const say = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(2).replace(/^-/, '−'));
  return `${say(estimate)}, ${say(low)} … ${say(high)}`;
};
const code = (text: string): string => `\`${text.replace(/[`\n\r]/g, ' ')}\``;
