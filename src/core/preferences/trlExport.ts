/** Preference pairs as TRL reads them: JSON Lines, conversational or standard. */
import { HumanError } from '../../base/errors.ts';
import { stringifyJsonLines } from '../../base/jsonLines.ts';
import { l10n } from '../../base/l10n.ts';
import type { Message } from '../generation.ts';
import type { PreferencePair } from './judgement.ts';

export type TrlFormat = 'conversational' | 'standard';

export type TrlPreference =
  | {
      readonly prompt: readonly Message[];
      readonly chosen: readonly [Message];
      readonly rejected: readonly [Message];
    }
  | { readonly prompt: string; readonly chosen: string; readonly rejected: string };

/**
 * One row of a TRL preference data set. `conversational` keeps the messages; `standard` has plain text, which only a prompt
 * of a single user message can become without a chat template.
 */
function toTrl(pair: PreferencePair, format: TrlFormat): TrlPreference {
  if (format === 'conversational') {
    return {
      prompt: pair.messages,
      chosen: [{ role: 'assistant', content: pair.chosen }],
      rejected: [{ role: 'assistant', content: pair.rejected }],
    };
  }
  const [only, ...more] = pair.messages;
  if (!only || more.length > 0 || only.role !== 'user') {
    throw new HumanError(
      l10n.t(
        'Some prompts have several messages, which the standard format cannot hold. Export in the conversational format.',
      ),
    );
  }
  return { prompt: only.content, chosen: pair.chosen, rejected: pair.rejected };
}

/** A whole file, one pair a line. Source of the format: https://huggingface.co/docs/trl/dataset_formats#preference */
export const exportTrl = (pairs: Iterable<PreferencePair>, format: TrlFormat): string =>
  stringifyJsonLines([...pairs].map(pair => toTrl(pair, format)));
