/** Measurements of an answer in words: the short line under a cell, and all of them. */
import { l10n } from '../../src/base/l10n.ts';
import type { Cell } from '../../src/protocol/playgroundCells.ts';

const rate = (cell: Cell): string | undefined =>
  cell.tokens !== null && cell.tokens > 1 && cell.latencyMs !== null && cell.latencyMs > 0
    ? l10n.t('{0} tok/s', ((1000 * cell.tokens) / cell.latencyMs).toFixed(0))
    : undefined;

export const costWords = (cost: number): string =>
  cost === 0 ? '$0' : `$${cost < 0.01 ? cost.toPrecision(2) : cost.toFixed(3)}`;

/** Milliseconds in seconds: bundled models answer in hundredths. */
const latencyWords = (ms: number): string => l10n.t('{0} s', (ms / 1000).toFixed(ms < 95 ? 2 : 1));

/** Seconds (or that it is cached), rate, tokens, how it ended. */
export function shortFigures(cell: Cell): string[] {
  const parts: (string | undefined)[] = [];
  if (cell.earlier) parts.push(l10n.t('earlier run'));
  if (cell.cached) parts.push(l10n.t('cached'));
  else if (cell.latencyMs !== null) parts.push(latencyWords(cell.latencyMs), rate(cell));
  if (cell.tokens !== null) parts.push(l10n.t('{0} tok', cell.tokens));
  if (cell.status === 'cancelled') parts.push(l10n.t('stopped'));
  else if (cell.finishReason && cell.finishReason !== 'stop') parts.push(finishWords(cell.finishReason));
  return parts.filter(part => part !== undefined);
}

/** Everything that was measured, each with its name. */
export function namedFigures(cell: Cell): [name: string, value: string][] {
  const seconds = (ms: number): string => l10n.t('{0} s', (ms / 1000).toFixed(2));
  const named: [string, string | undefined][] = [
    [
      cell.cached ? l10n.t('Latency (cached)') : l10n.t('Latency'),
      cell.latencyMs === null ? undefined : seconds(cell.latencyMs),
    ],
    [l10n.t('First token'), cell.firstTokenMs === null ? undefined : seconds(cell.firstTokenMs)],
    [l10n.t('Rate'), rate(cell)],
    [l10n.t('Tokens'), cell.tokens === null ? undefined : String(cell.tokens)],
    [l10n.t('Cost'), cell.cost === null ? undefined : costWords(cell.cost)],
    [l10n.t('Finish reason'), cell.finishReason === null ? undefined : finishWords(cell.finishReason)],
    [l10n.t('Seed'), cell.seed === null ? undefined : String(cell.seed)],
  ];
  return named.filter((pair): pair is [string, string] => pair[1] !== undefined);
}

export const allFigures = (cell: Cell): string[] => namedFigures(cell).map(([name, value]) => `${name}: ${value}`);

function finishWords(reason: string): string {
  switch (reason) {
    case 'stop':
      return l10n.t('stop');
    case 'length':
      return l10n.t('cut off');
    case 'stop-sequence':
      return l10n.t('stop string');
    default:
      return reason;
  }
}

export function stageWords(name: string): string {
  switch (name) {
    case 'reasoning':
      return l10n.t('Reasoning');
    case 'extraction':
    case 'answer':
      return l10n.t('Answer');
    case 'sample':
      return l10n.t('Sample');
    case 'critique':
      return l10n.t('Critique');
    case 'revision':
      return l10n.t('Revision');
    case 'questions':
      return l10n.t('Questions');
    default:
      return l10n.t('Step');
  }
}
