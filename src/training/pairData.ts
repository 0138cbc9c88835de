/** Preference pairs made ready for reward models and DPO: refused, dropped, encoded and split by prompt. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { splitHash } from '../core/datasets/splitHash.ts';
import type { Message } from '../core/generation.ts';
import type { PreferencePair } from '../core/preferences/judgement.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { encodeAnswer, encodePrompt } from './promptTokens.ts';

export interface EncodedPair {
  /** Tokens of the prompt, with which both begin. */
  readonly promptLength: number;
  /** Prompt, answer and end token. */
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
  /** m of −log σ(r_c − r_r − m); absent where the data has none. */
  readonly margin?: number;
}

export interface PairData {
  readonly train: readonly EncodedPair[];
  readonly heldOut: readonly EncodedPair[];
  readonly warnings: readonly string[];
}

export interface PairOptions {
  readonly heldOutShare: number;
  /** Tokens of prompt and answer together. */
  readonly maxLength: number;
}

/**
 * Drops pairs of equal answers and pairs that are too long (counted in the warnings), and keeps all pairs of one prompt on
 * one side of the split, chosen by a fixed hash of the prompt. Throws a HumanError when nothing is left to learn from.
 */
export function preparePairs(pairs: readonly PreferencePair[], tokenizer: Tokenizer, options: PairOptions): PairData {
  if (pairs.length === 0) {
    throw new HumanError(
      l10n.t(
        'There are no preference pairs to learn from. Rank some answers first; ties and skipped items give no pairs.',
      ),
    );
  }
  const warnings: string[] = [];
  const different = pairs.filter(
    ({ chosen, rejected }) =>
      chosen.trim() !== rejected.trim() && tokenizer.encode(chosen).join() !== tokenizer.encode(rejected).join(),
  );
  if (different.length < pairs.length) {
    warnings.push(
      l10n.t(
        '{0} of {1} pairs were left out: both answers are the same.',
        pairs.length - different.length,
        pairs.length,
      ),
    );
  }
  const encoded = different.map(pair => {
    const prompt = encodePrompt(tokenizer, { kind: 'messages', messages: pair.messages });
    return {
      key: promptKey(pair.messages),
      promptLength: prompt.length,
      chosen: [...prompt, ...encodeAnswer(tokenizer, pair.chosen)],
      rejected: [...prompt, ...encodeAnswer(tokenizer, pair.rejected)],
      ...(pair.margin === undefined ? {} : { margin: pair.margin }),
    };
  });
  const fitting = encoded.filter(
    ({ chosen, rejected }) => Math.max(chosen.length, rejected.length) <= options.maxLength,
  );
  if (fitting.length < encoded.length) {
    warnings.push(
      l10n.t(
        '{0} of {1} pairs were left out: they are longer than {2} tokens.',
        encoded.length - fitting.length,
        pairs.length,
        options.maxLength,
      ),
    );
  }
  if (fitting.length === 0) {
    throw new HumanError(
      different.length === 0
        ? l10n.t(
            'All {0} pairs have the same answer twice, so there is nothing to learn. Rank answers that differ.',
            pairs.length,
          )
        : l10n.t(
            'All {0} pairs are longer than {1} tokens. Raise the longest length, or use shorter prompts.',
            different.length,
            options.maxLength,
          ),
    );
  }
  const held = heldOutPrompts(
    fitting.map(({ key }) => key),
    options.heldOutShare,
  );
  const train = fitting.filter(({ key }) => !held.has(key));
  const heldOut = fitting.filter(({ key }) => held.has(key));
  if (options.heldOutShare > 0 && heldOut.length === 0) {
    warnings.push(l10n.t('All pairs are of one prompt, so none could be held out to measure the accuracy.'));
  }
  return { train, heldOut, warnings };
}

/** Names a prompt for the split. */
export const promptKey = (messages: readonly Message[]): string =>
  JSON.stringify(messages.map(({ role, content }) => [role, content]));

/** The prompts whose hash is below `share`; at least one on each side where there are two. */
export function heldOutPrompts(keys: readonly string[], share: number): ReadonlySet<string> {
  const prompts = [...new Set(keys)].sort((a, b) => splitHash(a) - splitHash(b) || (a < b ? -1 : 1));
  if (share <= 0 || prompts.length < 2) return new Set();
  const below = prompts.filter(prompt => splitHash(prompt) < share).length;
  return new Set(prompts.slice(0, Math.min(Math.max(1, below), prompts.length - 1)));
}
