/** Which words of each answer another lacks: of two, each against the other; of more, all against the one in focus. */

import { type Range, wordDiff } from '../../src/base/wordDiff.ts';
import type { RankingItem } from '../../src/protocol/ranking.ts';

let kept:
  | { readonly item: RankingItem; readonly focus: number; readonly found: readonly (readonly Range[])[] | undefined }
  | undefined;

/** By position; undefined where two answers have too little in common for marks to help. */
export function differences(item: RankingItem, focus: number): readonly (readonly Range[])[] | undefined {
  const base = item.answers.length === 2 ? 0 : focus;
  if (kept?.item !== item || kept.focus !== base) kept = { item, focus: base, found: found(item, base) };
  return kept.found;
}

function found({ answers }: RankingItem, base: number): readonly (readonly Range[])[] | undefined {
  const own: (readonly Range[])[] = answers.map(() => []);
  let any = false;
  for (const [position, { text }] of answers.entries()) {
    if (position === base) continue;
    const difference = wordDiff(text, answers[base]!.text);
    if (!difference) continue;
    any = true;
    own[position] = difference.own;
    if (answers.length === 2) own[base] = difference.others;
  }
  return any ? own : undefined;
}
