/** How well people predict each other's preferences: what a reward model's accuracy is held against (Stiennon et al. 2020, fig. 6). */
import { type BootstrapOptions, bootstrapWeights } from '../statistics/bootstrap.ts';
import type { Interval } from '../statistics/intervals.ts';
import { annotatorOf } from './annotators.ts';
import { comparisonsOf } from './comparisons.ts';
import type { JournalState } from './journalState.ts';

export interface HumanAgreement {
  /** How often one person prefers what another one does; `n` counts the answers' pairs. Undefined where no pair was judged twice. */
  readonly one: Interval | undefined;
  /** How often one person prefers what most of the others do, where there are two others or more and they do not stand even. */
  readonly group: Interval | undefined;
}

/** Of pairs that were decided, ties aside. Model judges and adjudications do not count; items are drawn together. */
export function humanAgreement(state: JournalState, options: BootstrapOptions = {}): HumanAgreement {
  const units = new Map<string, { readonly item: string; readonly byPerson: Map<string, 0 | 1> }>();
  for (const judgement of state.eachJudgement()) {
    if (judgement.judge !== undefined || judgement.adjudicates) continue;
    for (const { item, first, second, outcome } of comparisonsOf([judgement], state.itemById)) {
      if (outcome === 0.5) continue;
      const key = `${item.id}\n${first.id}\n${second.id}`;
      const unit = units.get(key) ?? { item: item.id, byPerson: new Map<string, 0 | 1>() };
      units.set(key, unit);
      unit.byPerson.set(annotatorOf(judgement), outcome);
    }
  }
  const found = [...units.values()].map(({ item, byPerson }) => ({ item, ...agreeing([...byPerson.values()]) }));
  return { one: intervalOf(found, 'one', options), group: intervalOf(found, 'group', options) };
}

interface Counts {
  readonly same: number;
  readonly all: number;
}

/** Of one pair of answers: how often a value is that of another one, and that of most of the others. */
function agreeing(values: readonly (0 | 1)[]): { readonly one: Counts; readonly group: Counts } {
  const ones = values.filter(value => value === 1).length;
  let [same, all, sameAsGroup, groups] = [0, 0, 0, 0];
  for (const value of values) {
    const others = values.length - 1;
    const onesAmongOthers = ones - value;
    same += value === 1 ? onesAmongOthers : others - onesAmongOthers;
    all += others;
    if (others < 2 || 2 * onesAmongOthers === others) continue;
    groups++;
    if (Number(2 * onesAmongOthers > others) === value) sameAsGroup++;
  }
  return { one: { same, all }, group: { same: sameAsGroup, all: groups } };
}

function intervalOf(
  units: readonly { readonly item: string; readonly one: Counts; readonly group: Counts }[],
  which: 'one' | 'group',
  options: BootstrapOptions,
): Interval | undefined {
  const counted = units.filter(unit => unit[which].all > 0);
  if (counted.length === 0) return undefined;
  const items = [...Map.groupBy(counted, ({ item }) => item).values()].map(of => ({
    same: of.reduce((sum, unit) => sum + unit[which].same, 0),
    all: of.reduce((sum, unit) => sum + unit[which].all, 0),
  }));
  const [interval] = bootstrapWeights(
    items.length,
    weights => {
      const total = (of: keyof Counts) => items.reduce((sum, item, index) => sum + weights[index]! * item[of], 0);
      return [total('same') / total('all')];
    },
    options,
  );
  return { ...interval!, n: counted.length };
}
