/** Words for why an item comes next, that name no model. */
import { l10n } from '../../base/l10n.ts';
import type { NextMode, NextReason } from './nextItems.ts';

export const modeWords = (): Readonly<Record<NextMode, string>> => ({
  mixed: l10n.t('Teaches Most'),
  uncertainty: l10n.t('Uncertain First'),
  margin: l10n.t('Reward Model Unsure First'),
  coverage: l10n.t('New Prompts First'),
  random: l10n.t('Random Order'),
  order: l10n.t('As Put Up'),
});

/** `shown` are the ids of the answers in the order on the screen: A, B, C … */
export function reasonText(reason: NextReason, shown: readonly string[]): string {
  switch (reason.kind) {
    case 'open': {
      const { answers, chance } = reason;
      const [winner, other] = chance >= 0.5 ? answers : [answers[1], answers[0]];
      const [a, b] = [letterOf(shown.indexOf(winner)), letterOf(shown.indexOf(other))];
      if (a === undefined || b === undefined) return l10n.t('Little is known of answers like these');
      const percent = Math.round(100 * Math.max(chance, 1 - chance));
      return shown.length === 2
        ? l10n.t('Uncertain: {0} % for {1}', percent, a)
        : l10n.t('Uncertain: {0} % for {1} over {2}', percent, a, b);
    }
    case 'unsure':
      return l10n.t('Little is known of answers like these');
    case 'new-prompt':
      return l10n.t('No judgement of this prompt yet');
    case 'few-judgements':
      return reason.judgements === 1
        ? l10n.t('1 judgement of this prompt so far')
        : l10n.t('{0} judgements of this prompt so far', reason.judgements);
    case 'margin': {
      const apart = apartText(reason.margin);
      const [a, b] = reason.answers.map(id => letterOf(shown.indexOf(id))).sort();
      if (shown.length > 2 && a !== undefined && b !== undefined)
        return l10n.t('The reward model puts {0} and {1} {2} apart', a, b, apart);
      return reason.margin < 1
        ? l10n.t('The reward model is unsure: {0} apart', apart)
        : l10n.t('The reward model puts them {0} apart', apart);
    }
    case 'unscored':
      return l10n.t('The reward model has not read this one yet');
    case 'random':
      return l10n.t('In random order');
    case 'order':
      return l10n.t('In the order in which they were put up');
  }
}

/** A margin with as many digits as say something. */
export const apartText = (margin: number): string => (margin >= 0.1 ? margin.toFixed(1) : margin.toPrecision(1));

const letterOf = (position: number): string | undefined =>
  position < 0 ? undefined : String.fromCharCode(65 + position);
