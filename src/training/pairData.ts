/** Preference pairs and rankings made ready for reward models and DPO: refused, dropped, encoded and split by prompt. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { Rng } from '../base/rng.ts';
import { splitHash } from '../core/datasets/splitHash.ts';
import type { Message } from '../core/generation.ts';
import type { PreferencePair, PreferenceRanking } from '../core/preferences/judgement.ts';
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
  readonly tie?: true;
}

/** A whole ranking. */
export interface EncodedRanking {
  readonly promptLength: number;
  /** Prompt, answer and end token of each answer, in groups, best first. */
  readonly groups: readonly (readonly (readonly number[])[])[];
}

export interface RankingData {
  readonly train: readonly EncodedRanking[];
  readonly heldOut: readonly EncodedRanking[];
  readonly warnings: readonly string[];
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
  /** Ties are learned from too; otherwise they are left out and counted. */
  readonly ties?: boolean;
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
  const compared = options.ties ? pairs : pairs.filter(({ tie }) => !tie);
  if (compared.length < pairs.length) {
    warnings.push(
      l10n.t('{0} of {1} pairs were left out: they are ties.', pairs.length - compared.length, pairs.length),
    );
  }
  const different = compared.filter(
    ({ chosen, rejected }) =>
      chosen.trim() !== rejected.trim() && tokenizer.encode(chosen).join() !== tokenizer.encode(rejected).join(),
  );
  if (different.length < compared.length) {
    warnings.push(
      l10n.t(
        '{0} of {1} pairs were left out: both answers are the same.',
        compared.length - different.length,
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
      ...(pair.tie ? { tie: pair.tie } : {}),
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
      compared.length === 0
        ? l10n.t('All {0} pairs are ties. Raise the tie threshold above 1 to learn from them.', pairs.length)
        : different.length === 0
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
  return splitByPrompt(fitting, options.heldOutShare, warnings);
}

/**
 * Rankings, and pairs as rankings of two. Answers that are too long or the same tokens as another one of their ranking are left
 * out, and rankings that say nothing then; both are counted in the warnings. Pairs with margins are refused, because Plackett–
 * Luce has none. Throws a HumanError when nothing is left to learn from.
 */
export function prepareRankings(
  rows: readonly (PreferencePair | PreferenceRanking)[],
  tokenizer: Tokenizer,
  options: PairOptions,
): RankingData {
  const warnings: string[] = [];
  let [answers, long, same] = [0, 0, 0];
  const rankings = rows.flatMap(row => {
    if ('margin' in row) {
      throw new HumanError(
        l10n.t('Some pairs ask for a margin, which Plackett–Luce does not have. Use the loss bradley-terry for them.'),
      );
    }
    if ('tie' in row) return [];
    const prompt = encodePrompt(tokenizer, { kind: 'messages', messages: row.messages });
    const seen = new Set<string>();
    const groups = ('groups' in row ? row.groups : [[row.chosen], [row.rejected]]).map(group =>
      group.flatMap(text => {
        const ids = [...prompt, ...encodeAnswer(tokenizer, text)];
        const key = tokenizer.encode(text.trim()).join();
        answers++;
        if (ids.length > options.maxLength) long++;
        else if (seen.has(key)) same++;
        else {
          seen.add(key);
          return [ids];
        }
        return [];
      }),
    );
    const left = groups.filter(group => group.length > 0);
    return left.length < 2 ? [] : [{ key: promptKey(row.messages), promptLength: prompt.length, groups: left }];
  });
  if (long > 0) {
    warnings.push(
      l10n.t('{0} of {1} answers were left out: they are longer than {2} tokens.', long, answers, options.maxLength),
    );
  }
  if (same > 0) {
    warnings.push(l10n.t('{0} of {1} answers were left out: their ranking has them already.', same, answers));
  }
  if (rankings.length < rows.length) {
    warnings.push(
      l10n.t(
        '{0} of {1} rankings were left out: none of their answers is better than another.',
        rows.length - rankings.length,
        rows.length,
      ),
    );
  }
  if (rankings.length === 0) {
    throw new HumanError(
      l10n.t(
        'There are no rankings to learn from: none says that one answer is better than another. Rank some answers first, or raise the longest length.',
      ),
    );
  }
  return splitByPrompt(rankings, options.heldOutShare, warnings);
}

function splitByPrompt<T extends { readonly key: string }>(rows: readonly T[], share: number, warnings: string[]) {
  const held = heldOutPrompts(
    rows.map(({ key }) => key),
    share,
  );
  const train = rows.filter(({ key }) => !held.has(key));
  const heldOut = rows.filter(({ key }) => held.has(key));
  if (share > 0 && heldOut.length === 0) {
    warnings.push(l10n.t('All pairs are of one prompt, so none could be held out to measure the accuracy.'));
  }
  return { train, heldOut, warnings };
}

/** `most` of them at random, 0 for all; with the same seed a smaller draw is part of a larger one. */
export const drawn = <T>(rows: readonly T[], most: number, seed: number): readonly T[] =>
  most === 0 || rows.length <= most ? rows : Rng.seeded(seed).stream('drawn').shuffled(rows).slice(0, most);

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
