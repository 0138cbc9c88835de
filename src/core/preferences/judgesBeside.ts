/** How often judges say the same as one person, told so that no single verdict of theirs can be read from it. */
import { type Comparison, comparisonsOf } from './comparisons.ts';
import type { JournalState } from './journalState.ts';
import type { JudgementRecord } from './judgement.ts';

export interface JudgeBeside {
  /** The name that it signs with. */
  readonly judge: string;
  /** Items that both judged. */
  readonly items: number;
  /** Of the pairs of answers that both compared: how many alike. */
  readonly same: number;
  readonly of: number;
}

/** Items that come into the figures together. */
const step = 5;
/** So many of `items` fill whole steps. */
export const stepsOf = (items: number): number => items - (items % step);
/** Own judgements that are looked at. */
const looked = 200;

/**
 * Of the author's own judgements of a set, so many as fill whole steps, and of the items that a judge shares with them the same:
 * within a step nothing changes, whatever is judged or taken back. Judges that share no whole step are left out.
 */
export function judgesBeside(state: JournalState, author: string, set: string, judged: number): JudgeBeside[] {
  const { judges } = state;
  const whole = stepsOf(judged);
  if (judges.length === 0 || whole === 0) return [];
  const own = newestAfter(state.ownJudgements(author, set), judged - whole);
  const found: JudgeBeside[] = [];
  for (const judge of new Set(judges.map(one => one.judge))) {
    const authors = judges.filter(one => one.judge === judge).map(one => one.author);
    /** Of each item that both judged: which pairs alike. */
    const shared: boolean[][] = [];
    for (const judgement of own) {
      const other = authors
        .map(name => state.judgement({ item: judgement.item, author: name, judge }))
        .find(one => one);
      const said = new Map(
        [...comparisonsOf(other ? [other] : [], state.itemById)].map(one => [keyOf(one), one.outcome]),
      );
      const alike = [...comparisonsOf([judgement], state.itemById)].flatMap(one => {
        const outcome = said.get(keyOf(one));
        return outcome === undefined ? [] : [outcome === one.outcome];
      });
      if (alike.length > 0) shared.push(alike);
    }
    // The oldest first, so that what is new waits for its step.
    const counted = shared.reverse().slice(0, stepsOf(shared.length));
    if (counted.length === 0) continue;
    const pairs = counted.flat();
    found.push({ judge, items: counted.length, same: pairs.filter(Boolean).length, of: pairs.length });
  }
  return found.sort((a, b) => b.items - a.items || (a.judge < b.judge ? -1 : 1));
}

const keyOf = ({ first, second }: Comparison): string => `${first.id}\n${second.id}`;

function newestAfter(judgements: Iterable<JudgementRecord>, skipped: number): JudgementRecord[] {
  const found: JudgementRecord[] = [];
  let at = 0;
  for (const judgement of judgements) {
    if (at++ < skipped) continue;
    if (found.push(judgement) === looked) break;
  }
  return found;
}
