/** Which key does what, by kind of judgement: one table for the keyboard, the key list and the buttons' labels. */
import { l10n } from '../../src/base/l10n.ts';
import type { Kind } from './draft.ts';

export type Command =
  | { readonly do: 'move'; readonly by: number }
  /** A rank, or of a pair the better one. */
  | { readonly do: 'rank' | 'choose' | 'rate' | 'accept' | 'extreme'; readonly value: number }
  | {
      readonly do:
        | 'tie'
        | 'save'
        | 'all-bad'
        | 'skip'
        | 'undo'
        | 'flag'
        | 'note'
        | 'mark'
        | 'diff'
        | 'unfold'
        | 'scroll'
        | 'guidelines'
        | 'models'
        | 'help'
        | 'back';
    };

export interface KeyContext {
  readonly kind: Kind;
  readonly answers: number;
  readonly scale: { readonly min: number; readonly max: number };
  readonly wide: boolean;
  /** Disagreements are reviewed. */
  readonly review: boolean;
}

const letters: Readonly<Record<string, Exclude<Command, { value: number } | { by: number }>['do']>> = {
  t: 'tie',
  b: 'all-bad',
  s: 'skip',
  u: 'undo',
  f: 'flag',
  n: 'note',
  h: 'mark',
  d: 'diff',
  e: 'unfold',
  l: 'scroll',
  g: 'guidelines',
  m: 'models',
  '?': 'help',
  Enter: 'save',
  Escape: 'back',
};

/** The command of a key, or undefined where it has none. */
export function commandOf(key: string, context: KeyContext): Command | undefined {
  const { kind, answers, scale, wide } = context;
  if (key === 'ArrowDown' || (wide && key === 'ArrowRight')) return { do: 'move', by: 1 };
  if (key === 'ArrowUp' || (wide && key === 'ArrowLeft')) return { do: 'move', by: -1 };
  if (/^\d$/.test(key)) return digit(Number(key), kind, answers, scale);
  if (key === 'y' || key === 'x') {
    if (kind === 'accept-reject') return { do: 'accept', value: key === 'y' ? 1 : 0 };
    if (kind === 'best-worst') return { do: 'extreme', value: key === 'y' ? 1 : -1 };
    return undefined;
  }
  const name = Object.hasOwn(letters, key) ? letters[key] : undefined;
  if (name === 'tie' && kind !== 'ranking' && kind !== 'pairwise') return undefined;
  return name && { do: name };
}

function digit(value: number, kind: Kind, answers: number, scale: KeyContext['scale']): Command | undefined {
  if (kind === 'rating') {
    // On a scale up to 10, 0 is the key of 10.
    const rating = value < scale.min && value + 10 <= scale.max ? value + 10 : value;
    return rating >= scale.min && rating <= scale.max ? { do: 'rate', value: rating } : undefined;
  }
  if ((kind !== 'ranking' && kind !== 'pairwise') || value < 1 || value > answers) return undefined;
  return answers === 2 ? { do: 'choose', value } : { do: 'rank', value };
}

/** The key that gives a rating; empty where no digit does. */
export const keyOfRating = (value: number, scale: KeyContext['scale']): string =>
  value >= 0 && value <= 9 ? String(value) : value === 10 && scale.min > 0 ? '0' : '';

export interface KeyLine {
  readonly keys: readonly string[];
  /** Between two keys. */
  readonly to?: boolean;
  readonly does: string;
}

/** The key list: what decides first, then the rest when all are wanted. */
export function keyList({ kind, answers, scale, review }: KeyContext, all: boolean): readonly KeyLine[] {
  const bad = answers === 2 ? l10n.t('both bad') : l10n.t('all bad');
  return [
    { keys: ['↑', '↓'], does: l10n.t('choose') },
    ...deciding(kind, answers, scale),
    ...(all
      ? [
          { keys: ['b'], does: bad },
          { keys: ['s'], does: review ? l10n.t('leave for later') : l10n.t('skip') },
          { keys: ['f'], does: l10n.t('flag') },
          { keys: ['n'], does: l10n.t('note') },
          { keys: ['h'], does: l10n.t('highlight words') },
          { keys: ['d'], does: l10n.t('differences') },
          { keys: ['e'], does: l10n.t('long answers') },
          { keys: ['l'], does: l10n.t('scroll together') },
          { keys: ['g'], does: l10n.t('guidelines') },
          { keys: ['m'], does: l10n.t('last models') },
          { keys: ['u'], does: l10n.t('undo') },
          { keys: ['Enter'], does: l10n.t('save, next') },
        ]
      : [{ keys: ['?'], does: l10n.t('all keys') }]),
  ];
}

function deciding(kind: Kind, answers: number, scale: KeyContext['scale']): KeyLine[] {
  switch (kind) {
    case 'rating': {
      const [low, high] = [keyOfRating(scale.min, scale), keyOfRating(scale.max, scale)];
      return low === '' && high === '' ? [] : [{ keys: [low, high], to: true, does: l10n.t('rate') }];
    }
    case 'accept-reject':
      return [
        { keys: ['y'], does: l10n.t('accept') },
        { keys: ['x'], does: l10n.t('reject') },
      ];
    case 'best-worst':
      return [
        { keys: ['y'], does: l10n.t('best') },
        { keys: ['x'], does: l10n.t('worst') },
      ];
    default:
      return answers === 2
        ? [
            { keys: ['1', '2'], does: l10n.t('the better one') },
            { keys: ['t'], does: l10n.t('tie') },
          ]
        : [
            { keys: ['1', String(Math.min(9, answers))], to: true, does: l10n.t('rank') },
            { keys: ['t'], does: l10n.t('tie with the one before') },
          ];
  }
}
