/** What goes when a finding is mended, as records, so that undo can put all of it back. */
import { HumanError } from '../../../base/errors.ts';
import { l10n } from '../../../base/l10n.ts';
import { doomedItems, type Finding } from '../findings.ts';
import type { JournalState } from '../journalState.ts';
import type { ItemRecord, JudgementRecord } from '../judgement.ts';
import { judgementsOf } from './dataRows.ts';

export interface TakenBack {
  readonly items: readonly ItemRecord[];
  readonly judgements: readonly JudgementRecord[];
}

export const idsOf = ({ judgements }: TakenBack): string[] => judgements.map(({ id }) => id);

/** The items that the findings' mending takes down, with all judgements that fall with them, those before a repeat too. */
export function withItems(state: JournalState, findings: readonly Finding[]): TakenBack {
  const ids = new Set(findings.flatMap(doomedItems));
  const items = [...ids].flatMap(id => state.itemById.get(id) ?? []);
  if (items.length === 0) throw new HumanError(l10n.t('These items were taken down already. Check again.'));
  const before = state.repeats.flatMap(([earlier]) => (ids.has(earlier.item) ? [earlier] : []));
  return { items, judgements: [...before, ...items.flatMap(({ id }) => judgementsOf(state, id))] };
}

/** Of each contradiction the author's own judgements but the latest. */
export function olderOwn(
  { state, author }: { readonly state: JournalState; readonly author: string },
  findings: readonly Finding[],
): TakenBack {
  const older = new Map<string, JudgementRecord>();
  for (const { items } of findings) {
    const own = items
      .flatMap(id => judgementsOf(state, id))
      .filter(judgement => judgement.author === author && judgement.judge === undefined)
      .sort((a, b) => (a.at < b.at ? -1 : 1));
    for (const judgement of own.slice(0, -1)) older.set(judgement.id, judgement);
  }
  if (older.size === 0)
    throw new HumanError(l10n.t('None of these judgements is yours: who made them can judge again or take one back.'));
  return { items: [], judgements: [...older.values()] };
}
