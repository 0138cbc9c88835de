/** Labelled answers made ready for KTO: refused, dropped, encoded and split by prompt. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { LabelledAnswer } from '../core/preferences/labelled.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { heldOutPrompts, type PairOptions, promptKey } from './pairData.ts';
import { encodeAnswer, encodePrompt } from './promptTokens.ts';

export interface EncodedAnswer {
  /** Prompt, answer and end token. */
  readonly ids: readonly number[];
  readonly promptLength: number;
  readonly desirable: boolean;
}

export interface LabelledData {
  readonly train: readonly EncodedAnswer[];
  readonly heldOut: readonly EncodedAnswer[];
  readonly warnings: readonly string[];
}

/**
 * Drops answers that are labelled both good and bad and answers that are too long (counted in the warnings), keeps all of a
 * prompt on one side of the split, and throws a HumanError when nothing is left or all labels are the same.
 */
export function prepareLabelled(
  rows: readonly LabelledAnswer[],
  tokenizer: Tokenizer,
  options: PairOptions,
): LabelledData {
  if (rows.length === 0) {
    throw new HumanError(l10n.t('There are no labelled answers to learn from. Add rows, or rank some answers first.'));
  }
  const warnings: string[] = [];
  const drop = (left: number, text: (count: number) => string): void => {
    if (left > 0) warnings.push(text(left));
  };
  const encoded = rows.map(({ messages, completion, label }) => {
    const prompt = encodePrompt(tokenizer, { kind: 'messages', messages });
    const ids = [...prompt, ...encodeAnswer(tokenizer, completion)];
    return { key: promptKey(messages), ids, promptLength: prompt.length, desirable: label };
  });
  const labels = new Map<string, Set<boolean>>();
  for (const { ids, desirable } of encoded) {
    labels.set(ids.join(), (labels.get(ids.join()) ?? new Set()).add(desirable));
  }
  const clear = encoded.filter(({ ids }) => labels.get(ids.join())!.size === 1);
  drop(encoded.length - clear.length, count =>
    l10n.t('{0} of {1} answers were left out: they are labelled both good and bad.', count, rows.length),
  );
  const fitting = clear.filter(({ ids }) => ids.length <= options.maxLength);
  drop(clear.length - fitting.length, count =>
    l10n.t('{0} of {1} answers were left out: they are longer than {2} tokens.', count, rows.length, options.maxLength),
  );
  if (fitting.length === 0) {
    throw new HumanError(
      clear.length === 0
        ? l10n.t('All {0} answers are labelled both good and bad, so there is nothing to learn.', rows.length)
        : l10n.t(
            'All {0} answers are longer than {1} tokens. Raise the longest length, or use shorter prompts.',
            clear.length,
            options.maxLength,
          ),
    );
  }
  const held = heldOutPrompts(
    fitting.map(({ key }) => key),
    options.heldOutShare,
  );
  const train = fitting.filter(({ key }) => !held.has(key));
  const good = train.filter(({ desirable }) => desirable).length;
  if (good === 0 || good === train.length) {
    throw new HumanError(
      good === 0
        ? l10n.t('All {0} answers to learn from are labelled bad. KTO needs good answers too.', train.length)
        : l10n.t('All {0} answers to learn from are labelled good. KTO needs bad answers too.', train.length),
    );
  }
  return { train, heldOut: fitting.filter(({ key }) => held.has(key)), warnings };
}
