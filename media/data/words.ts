/** The data view's words for what judgements say, and its figures. */
import { l10n } from '../../src/base/l10n.ts';
import type { DataFilter, Said } from '../../src/protocol/preferenceData.ts';

/** A, B … Z, then AA: answers by their number in the item. */
export function letterOf(number: number): string {
  const last = String.fromCharCode(65 + (number % 26));
  return number < 26 ? last : letterOf(Math.floor(number / 26) - 1) + last;
}

const letters = (numbers: readonly number[], between: string): string => numbers.map(letterOf).join(between);

/** What a judgement says in a few letters: `B > A = C`. */
export function saidWords({ verdict, kind, groups, accepted }: Said, answers: number): string {
  if (verdict === 'skipped') return l10n.t('skipped');
  if (verdict === 'all-bad') return answers === 2 ? l10n.t('both bad') : l10n.t('all bad');
  if (kind === 'accept-reject') {
    const yes = accepted ?? [];
    const no = groups.flat().filter(number => !yes.includes(number));
    const parts = [
      ...(yes.length > 0 ? [l10n.t('accepted {0}', letters(yes, ', '))] : []),
      ...(no.length > 0 ? [l10n.t('rejected {0}', letters(no, ', '))] : []),
    ];
    return parts.join(', ');
  }
  if (kind === 'best-worst' && groups.length > 2)
    return l10n.t('best {0}, worst {1}', letters(groups[0]!, ', '), letters(groups.at(-1)!, ', '));
  return groups.map(group => letters(group, ' = ')).join(' > ');
}

export const outcomeWords = (): Readonly<Record<DataFilter['outcomes'][number], string>> => ({
  decided: l10n.t('Decided'),
  tie: l10n.t('With a tie'),
  'all-bad': l10n.t('All bad'),
  skipped: l10n.t('Skipped'),
  unjudged: l10n.t('Not judged'),
});

export const kindWords = (): Readonly<Record<Said['kind'], string>> => ({
  ranking: l10n.t('Ranking'),
  pairwise: l10n.t('Pair'),
  'best-worst': l10n.t('Best and worst'),
  rating: l10n.t('Rating'),
  'accept-reject': l10n.t('Accept or reject'),
});

/** With thin spaces between thousands, as all figures of the view. */
export const figure = (value: number): string => Math.round(value).toLocaleString('en-US').replaceAll(',', '\u202f');

const two = (value: number): string => String(value).padStart(2, '0');

/** 2026-11-26 14:05, of the person's own clock. */
export function dateTime(time: number): string {
  const date = new Date(time);
  return `${day(time)} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function day(time: number): string {
  const date = new Date(time);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function seconds(milliseconds: number): string {
  const value = milliseconds / 1000;
  if (value >= 100) return l10n.t('{0} min', Math.round(value / 60));
  return l10n.t('{0} s', value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
}
