/** Quiet hints that a person may be judging by habit: one side over and over, much faster or much slower than before. */
import { l10n } from '../../base/l10n.ts';
import type { JudgementRecord } from './judgement.ts';

export type Hint =
  /** `odds`: by chance it comes once in so many runs of this length. */
  | { readonly kind: 'side'; readonly position: number; readonly streak: number; readonly odds: number }
  /** Median milliseconds of the last judgements, and of those before. */
  | { readonly kind: 'fast' | 'slow'; readonly now: number; readonly before: number };

/** A streak that chance brings more often than once in so many is not worth a word. */
const rare = 500;
const lately = 5;
const enoughBefore = 15;
const muchFaster = 0.4;
const muchSlower = 2.5;

/** What there is to say after the author's own judgements, newest first; the side first, since it biases the data. */
export function hintOf(newestFirst: readonly JudgementRecord[]): Hint | undefined {
  return sideHint(newestFirst) ?? paceHint(newestFirst);
}

export function hintText(hint: Hint): string {
  if (hint.kind === 'side')
    return l10n.t(
      'Answer {0} won the last {1} times. Places are shuffled: chance does this once in {2}.',
      String.fromCharCode(65 + hint.position),
      hint.streak,
      hint.odds,
    );
  const [now, before] = [inSeconds(hint.now), inSeconds(hint.before)];
  return hint.kind === 'fast'
    ? l10n.t('Your last judgements took {0} s, those before {1} s.', now, before)
    : l10n.t('Your last judgements took {0} s, those before {1} s. Time for a break?', now, before);
}

/** The sole winner's place on the screen, again and again. Skipped items do not count, ties end a streak. */
function sideHint(newestFirst: readonly JudgementRecord[]): Hint | undefined {
  let position: number | undefined;
  let streak = 0;
  let odds = 1;
  for (const { verdict, ranking, shown } of newestFirst) {
    if (verdict === 'skipped') continue;
    const [best] = ranking;
    if (verdict !== 'ranked' || best?.length !== 1 || shown.length < 2) break;
    const place = shown.indexOf(best[0]!);
    if (position !== undefined && place !== position) break;
    // The first of a streak may be anywhere.
    if (position !== undefined) odds *= shown.length;
    position = place;
    streak++;
  }
  return position === undefined || position < 0 || odds < rare ? undefined : { kind: 'side', position, streak, odds };
}

function paceHint(newestFirst: readonly JudgementRecord[]): Hint | undefined {
  const times = newestFirst.filter(({ verdict }) => verdict !== 'skipped').map(({ milliseconds }) => milliseconds);
  if (times.length < lately + enoughBefore) return undefined;
  const [now, before] = [median(times.slice(0, lately)), median(times.slice(lately))];
  if (now < muchFaster * before) return { kind: 'fast', now, before };
  return now > muchSlower * before ? { kind: 'slow', now, before } : undefined;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const inSeconds = (milliseconds: number): string =>
  milliseconds < 10_000 ? String(Math.round(milliseconds / 100) / 10) : String(Math.round(milliseconds / 1000));
