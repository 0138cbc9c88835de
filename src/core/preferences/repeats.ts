/** Items that come once more without saying so, to measure how consistent a person is with themselves. */
import { Rng } from '../../base/rng.ts';
import { comparisonsOf } from './comparisons.ts';
import type { ItemsById, JudgementKind, JudgementRecord } from './judgement.ts';

/** Judgements that are looked at, and how many must lie between an item and its repeat. */
const looked = 200;
const gap = 10;

/**
 * The judgement whose item comes once more now, if one is due: while repeats are fewer than `share` of the author's last
 * judgements, never two in a row, never an item twice, and no item of the last ten. `newestFirst` are the author's own
 * standing judgements of a set. The choice hangs on the newest judgement alone, so that it is the same after a reload.
 */
export function dueRepeat(
  newestFirst: Iterable<JudgementRecord>,
  share: number,
  kind: JudgementKind,
): JudgementRecord | undefined {
  if (share <= 0) return undefined;
  const recent: JudgementRecord[] = [];
  for (const judgement of newestFirst) {
    recent.push(judgement);
    if (recent.length === looked) break;
  }
  const [newest] = recent;
  const done = recent.filter(({ repeatOf }) => repeatOf !== undefined).length;
  if (!newest || newest.repeatOf !== undefined || done >= Math.floor(share * recent.length)) return undefined;
  const candidates = recent
    .slice(gap)
    .filter(one => one.repeatOf === undefined && one.verdict !== 'skipped' && (one.kind ?? 'ranking') === kind);
  if (candidates.length === 0) return undefined;
  return candidates[Rng.seeded(0).stream('repeat', newest.id).int(candidates.length)];
}

/** Of the pairs of answers that one author compared twice: how many both times alike. */
export function consistency(
  repeats: Iterable<readonly [before: JudgementRecord, after: JudgementRecord]>,
  itemById: ItemsById,
  author: string,
): { readonly same: number; readonly of: number } {
  let same = 0;
  let of = 0;
  for (const [before, after] of repeats) {
    if (after.author !== author || after.judge !== undefined) continue;
    const earlier = new Map<string, number>();
    for (const { first, second, outcome } of comparisonsOf([before], itemById))
      earlier.set(`${first.id}\n${second.id}`, outcome);
    for (const { first, second, outcome } of comparisonsOf([after], itemById)) {
      const then = earlier.get(`${first.id}\n${second.id}`);
      if (then === undefined) continue;
      of++;
      if (then === outcome) same++;
    }
  }
  return { same, of };
}
