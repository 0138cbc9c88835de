/** Where disagreements are settled: which are open, which comes next, and what people said of the one on the screen. */
import { l10n } from '../../base/l10n.ts';
import { valuesOf } from './decision.ts';
import { type Disagreement, Disagreements } from './disagreements.ts';
import type { JournalState } from './journalState.ts';
import type { ItemRecord, JudgementKind, JudgementRecord } from './judgement.ts';
import type { Offer } from './offers.ts';
import type { SetProgress } from './openItems.ts';
import type { Said } from './rankingScreen.ts';
import { shownAnswers } from './rankingSession.ts';
import type { RankingSettings } from './rankingSettings.ts';

export class DisputeReview {
  readonly #disagreements = new Disagreements();
  /** Those that were left for later. */
  readonly #aside = new Set<string>();
  #open = 0;
  isOn = false;

  /** Open when they were listed last. */
  get open(): number {
    return this.#open;
  }

  /** Begins with the most severe, also those that were left for later. */
  turn(on: boolean): void {
    this.isOn = on;
    this.#aside.clear();
  }

  setAside(item: string): void {
    this.#aside.add(item);
  }

  list(state: JournalState): readonly Disagreement[] {
    return this.#counted(this.#disagreements.list(state));
  }

  /** The same in the background, a rest after each item. */
  *listing(state: JournalState): Generator<void, void> {
    this.#counted(yield* this.#disagreements.listing(state));
  }

  /** How many of each set's disagreements are settled. */
  progress(sets: readonly SetProgress[], disputed: readonly Disagreement[]): SetProgress[] {
    return sets.map(({ name }) => {
      const own = disputed.filter(({ set }) => set === name);
      return { name, judged: own.filter(({ settledBy }) => settledBy).length, total: own.length, beyond: 0 };
    });
  }

  /** What was taken back last, then the most severe that is open, those that were left for later at the end. */
  next(
    state: JournalState,
    author: string,
    { set, settings, disputed, taken }: ReviewOf,
  ): { readonly item: ItemRecord; readonly offer: Offer } | undefined {
    const open = disputed.filter(one => one.set === set && !one.settledBy);
    const before = taken.findLast(({ item, adjudicates }) => adjudicates && open.some(one => one.item === item));
    const dispute = before
      ? open.find(({ item }) => item === before.item)
      : (open.find(({ item }) => !this.#aside.has(item)) ?? open[0]);
    const item = dispute && state.itemById.get(dispute.item);
    if (!dispute || !item) return undefined;
    const shown = new Set(dispute.judgements.flatMap(one => (one.shown.length > 0 ? one.shown : one.ranking.flat())));
    const answers = shownAnswers(item, author).filter(({ id }) => shown.has(id));
    const asked = dispute.judgements.at(-1)?.kind ?? 'ranking';
    const kind = kindFor(asked, answers.length, settings);
    return { item, offer: { kind, answers, dispute, ...(before && { revises: before }) } };
  }

  #counted(disputed: readonly Disagreement[]): readonly Disagreement[] {
    this.#open = disputed.filter(({ settledBy }) => !settledBy).length;
    return disputed;
  }
}

interface ReviewOf {
  readonly set: string;
  readonly settings: RankingSettings;
  readonly disputed: readonly Disagreement[];
  /** Judgements that were taken back, the last one last. */
  readonly taken: readonly JudgementRecord[];
}

/** As people were asked, unless the answers or the project's scale do not go with that. */
function kindFor(asked: JudgementKind, answers: number, { kind }: RankingSettings): JudgementKind {
  if (asked === 'pairwise' && answers > 2) return 'ranking';
  return asked === 'rating' && kind !== 'rating' ? 'ranking' : asked;
}

export const severityText = ({ judgements, severity }: Disagreement): string =>
  l10n.t('{0} people disagree by {1} %', judgements.length, Math.round(100 * severity));

/** What each person said of the answers, by their ids in the order shown. */
export const saidOf = (
  { judgements }: Disagreement,
  ids: readonly string[],
  { flags }: Pick<RankingSettings, 'flags'>,
): Said[] =>
  judgements.map(judgement => {
    const kind = judgement.kind ?? 'ranking';
    return {
      name: judgement.author,
      kind,
      verdict: judgement.verdict,
      values: valuesOf(judgement, ids, kind),
      note: judgement.note ?? '',
      flags: judgement.flags.map(id => flags.find(flag => flag.id === id)?.label ?? id),
    };
  });
