/** How `tunesmith score` shows rows, tokens and the summary: for people, and as JSON Lines. */
import { l10n } from '../base/l10n.ts';
import type { ScoredCandidate, ScoredRow } from '../core/evaluation/score.ts';
import type { ScoreSummary } from '../core/evaluation/scoreSummary.ts';
import type { ScoredPart, ScoreOptions } from '../core/evaluation/scoreTexts.ts';
import type { ScoreMeasure, ScoreTask } from '../core/prompts/template.ts';
import { percent, range } from '../core/statistics/figureText.ts';
import { table } from './experiments.ts';

interface Shown {
  /** With each token. */
  readonly tokens: boolean;
  readonly options: ScoreOptions;
}

/** Everything that was found out about a row; tokens only where they are asked for. */
export function rowAsJson(row: ScoredRow, { tokens }: Shown): unknown {
  const figures = ({ text, total, perToken, perCharacter, ...likelihood }: ScoredCandidate['likelihood']) => ({
    text,
    total,
    perToken,
    perCharacter,
    tokenCount: likelihood.tokens.length,
    ...(tokens ? { tokens: likelihood.tokens } : {}),
  });
  return {
    row: row.number,
    part: row.part,
    context: row.context,
    best: row.candidates[row.best]?.candidate,
    ...(row.expected === undefined ? {} : { expected: row.candidates[row.expected]?.candidate }),
    correct: row.correct,
    candidates: row.candidates.map(({ likelihood, other, ...candidate }) => ({
      ...candidate,
      ...figures(likelihood),
      ...(other ? { other: figures(other) } : {}),
    })),
  };
}

export function rowAsText(row: ScoredRow, task: ScoreTask, shown: Shown): string {
  return task === 'last-word' ? wordAsText(row, shown) : candidatesAsText(row, shown);
}

function candidatesAsText({ number, context, candidates, best, expected, correct }: ScoredRow, shown: Shown): string {
  const lines = candidates.map(({ candidate, score, probability }, i) => [
    `  ${i === best ? '▸' : ' '} ${oneLine(candidate, 40)}`,
    score.toFixed(3).replace('-', '−'),
    bar(probability),
    percent(probability),
    i !== expected ? '' : correct ? '✓' : `✗ ${l10n.t('expected')}`,
  ]);
  const tokens = shown.tokens ? candidates.map(tokenLines).join('') : '';
  return `#${number}  ${oneLine(context, 110, true)}\n${table(lines)}${tokens}\n`;
}

function wordAsText({ number, context, candidates, correct }: ScoredRow, shown: Shown): string {
  const [word] = candidates;
  if (!word) return '';
  const { candidate, likelihood, rank } = word;
  const figures = [
    l10n.t('{0} nats', likelihood.total.toFixed(3).replace('-', '−')),
    percent(Math.exp(likelihood.total)),
    ...(rank === undefined ? [] : [l10n.t('rank {0}', rank)]),
  ];
  const mark = correct === undefined ? ' ' : correct ? '✓' : '✗';
  const tokens = shown.tokens ? tokenLines(word) : '';
  return `#${number} ${mark} ${oneLine(context, 60, true)} → ${candidate}  ${figures.join('  ')}\n${tokens}`;
}

/** Each token with its log-probability and, where the model tells it, its rank. */
function tokenLines({ candidate, likelihood }: ScoredCandidate): string {
  const rows = likelihood.tokens.map(({ text, logProb, rank }) => [
    `      ${JSON.stringify(text)}`,
    logProb.toFixed(3).replace('-', '−'),
    rank === undefined ? '' : l10n.t('rank {0}', rank),
  ]);
  return `    ${oneLine(candidate, 60)}\n${table(rows)}`;
}

export function summaryAsText(
  { accuracy, ways, perplexity, medianRank, rows }: ScoreSummary,
  options: ScoreOptions,
): string {
  const lines: string[] = [];
  if (accuracy) {
    lines.push(
      l10n.t(
        '{0} right: {1} of {2}, {3} (Wilson, 95 %)',
        percent(accuracy.estimate),
        accuracy.right,
        accuracy.n,
        range(accuracy),
      ),
    );
  } else lines.push(l10n.t('{0} rows; no column says what is expected', rows));
  if (perplexity !== undefined) lines.push(l10n.t('perplexity of a word: {0}', perplexity.toPrecision(4)));
  if (medianRank !== undefined) lines.push(l10n.t('median rank: {0}', medianRank));
  if (!ways) return `${lines.join('\n')}\n`;
  const head = [l10n.t('scored'), l10n.t('by'), l10n.t('right'), ''];
  const decides = (part: ScoredPart, by: ScoreMeasure): boolean =>
    by === options.by && (part === 'continuation' || part === options.method);
  const body = ways.map(({ part, by, right, n }) => [
    partName(part),
    by,
    `${right}/${n}`,
    decides(part, by) ? l10n.t('decides') : '',
  ]);
  return `${lines.join('\n')}\n\n${table([head, ...body])}`;
}

function partName(part: ScoredPart): string {
  switch (part) {
    case 'continuation':
      return l10n.t('what follows the prompt');
    case 'partial':
      return l10n.t('what follows the candidate (partial)');
    case 'full':
      return l10n.t('the whole text (full)');
  }
}

/** Without line breaks; the end of what is too long, or with `last` its beginning, is cut off. */
function oneLine(text: string, most: number, last = false): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line.length <= most) return line;
  return last ? `…${line.slice(1 - most)}` : `${line.slice(0, most - 1)}…`;
}

const bar = (share: number): string => '█'.repeat(Math.round(share * 20)).padEnd(20, '·');
