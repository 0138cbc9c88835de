/** Splits by prompt with a fixed hash: a prompt is always in the same split, whatever else is in the data. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Message } from '../generation.ts';
import { hash64 } from './hashTables.ts';

export interface Split {
  readonly name: string;
  /** Of all prompts; all shares sum to 1. */
  readonly share: number;
}

/** `train=0.9,test=0.1`; shares need not sum to 1, they are taken as parts of their sum. */
export function parseSplits(text: string): Split[] {
  const parts = text.split(',').map(part => {
    const [, name, share] = /^\s*([\p{L}\p{N}_-]+)\s*=\s*(\d*\.?\d+)\s*$/u.exec(part) ?? [];
    if (name === undefined || Number(share) === 0)
      throw new HumanError(l10n.t('“{0}” is no split. Write splits as train=0.9,test=0.1.', part.trim()));
    return { name, share: Number(share) };
  });
  if (new Set(parts.map(({ name }) => name)).size < parts.length)
    throw new HumanError(l10n.t('Two splits have the same name.'));
  const sum = parts.reduce((total, { share }) => total + share, 0);
  return parts.map(({ name, share }) => ({ name, share: share / sum }));
}

/**
 * What makes two prompts one for splits: their words, whatever their case, spaces and marks, so that a prompt that was typed
 * twice does not stand on both sides.
 */
export const promptKey = (messages: readonly Message[]): string =>
  messages
    .map(
      ({ role, content }) =>
        `${role}:${(
          content
            .normalize('NFKC')
            .toLowerCase()
            .match(/[\p{L}\p{N}]+/gu) ?? [content]
        ).join(' ')}`,
    )
    .join('\n');

/** What decides a prompt's split: the upper word of a 64-bit hash of `promptKey`. */
export const promptHash = (messages: readonly Message[]): number => hash64(promptKey(messages))[0];

/** The split of a prompt, by its hash. */
export const splitOf = (messages: readonly Message[], splits: readonly Split[]): Split =>
  splitAt(promptHash(messages), splits);

export function splitAt(hash: number, splits: readonly Split[]): Split {
  const at = hash / 2 ** 32;
  let end = 0;
  for (const split of splits) {
    end += split.share;
    if (at < end) return split;
  }
  return splits.at(-1)!;
}
