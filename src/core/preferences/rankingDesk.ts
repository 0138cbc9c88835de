/**
 * A place where one person judges: what it shows next, what a decision becomes, undo, repeats, and who wrote the answers once
 * they were judged. It holds no records; it looks at a journal and is told what was written.
 */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { judgementOf } from './deskJudgement.ts';
import { DisputeReview, saidOf, severityText } from './disputeReview.ts';
import { hintOf, hintText } from './hints.ts';
import type { JournalState } from './journalState.ts';
import type { ItemRecord, JudgementRecord } from './judgement.ts';
import { type JudgeBeside, judgesBeside, stepsOf } from './judgesBeside.ts';
import type { NextItem, NextMode, NextReason } from './nextItems.ts';
import { reasonText } from './nextWords.ts';
import { Offers } from './offers.ts';
import type { SetProgress } from './openItems.ts';
import type { DeskDecision, DeskJudgement, Screen, ScreenItem } from './rankingScreen.ts';
import { chooseSet, medianPace, shownAnswers } from './rankingSession.ts';
import type { RankingProject, RankingSettings } from './rankingSettings.ts';
import { consistency, dueRepeat } from './repeats.ts';

/** What a desk sees of a journal. */
export interface DeskJournal {
  readonly author: string;
  readonly state: JournalState;
}

/** What is known of the order in which a set's items come. */
export interface Plan {
  readonly set: string;
  readonly mode: NextMode;
  readonly items: readonly NextItem[];
}

export class RankingDesk {
  /** The set that is wanted; the desk goes elsewhere when there is no such set. */
  set: string | undefined;
  /** How this person wants the next item chosen; undefined: as the project says. */
  mode: NextMode | undefined;
  readonly #review = new DisputeReview();
  #plan: Plan | undefined;
  /** What stands on the screen unless something taken back or a repeat does: it stays while plans change. */
  #current: { readonly set: string; readonly item: string } | undefined;
  readonly #offers = new Offers();
  /** Judgements that undo took back, the last one last: their items come again, that one's first. */
  #taken: JudgementRecord[] = [];
  /** An item without a judgement that was asked for. */
  #asked: string | undefined;
  /** The judgement made last, and its answers as they were shown. */
  #last: { readonly id: string; readonly models: readonly string[] } | undefined;
  #revealed = false;
  /** Judgements that were taken back after their models were seen. */
  readonly #seen = new Set<string>();
  #beside: { readonly at: string; readonly value: JudgeBeside[] } = { at: '', value: [] };
  #consistency: { readonly at: string; readonly value: Screen['consistency'] } | undefined;

  show(journal: DeskJournal, project: RankingProject, hints: boolean): Screen {
    const { state, author } = journal;
    const { isOn } = this.#review;
    const disputed = isOn ? this.#review.list(state) : [];
    const all = state.progress(author, name => project.of(name).sharing);
    const sets = isOn ? this.#review.progress(all, disputed) : [...all];
    const set = chooseSet(sets, this.set);
    this.set = set;
    const settings = project.of(set ?? '');
    const mode = this.mode ?? settings.next;
    const most = settings.repeats > 0 ? 200 : 40;
    const as = isOn ? 'adjudicator' : 'annotator';
    const recent = set === undefined ? [] : newest(state.ownJudgements(author, set, as), most);
    let item: ScreenItem | undefined;
    if (set !== undefined && isOn) {
      const next = this.#review.next(state, author, { set, settings, disputed, taken: this.#taken });
      item = next && this.#offers.make(next.item, next.offer);
    } else if (set !== undefined) item = this.#next(journal, set, settings, recent);
    const dispute = item && this.#offers.get(item.id)?.dispute;
    const ids = item?.answers.map(({ id }) => id) ?? [];
    const reason = dispute ? severityText(dispute) : this.#reasonOf(item, set, mode);
    const hint = hints && !isOn ? hintOf(recent.slice(0, 60)) : undefined;
    return {
      sets,
      set: set ?? null,
      settings,
      item: item ?? null,
      review: isOn ? { said: dispute ? saidOf(dispute, ids, settings) : [] } : null,
      disputes: this.#review.open,
      mode,
      reason: reason ?? null,
      paceMs: medianPace(recent) ?? null,
      consistency: isOn ? null : this.#consistencyOf(journal, recent),
      judges: isOn ? [] : this.#besideOf(journal, sets),
      hint: hint ? hintText(hint) : null,
      canUndo: recent.length > 0,
      canReveal: settings.reveal && this.#last !== undefined,
      revealed: this.#revealed && settings.reveal && this.#last ? [...this.#last.models] : null,
      lastGuidelines: recent.find(({ verdict }) => verdict !== 'skipped')?.guidelines,
    };
  }

  /** What is to be planned for what is shown: the set, the item on the screen, and the mode. */
  wish(journal: DeskJournal, project: RankingProject): (Omit<Plan, 'items'> & { readonly first?: string }) | undefined {
    const sets = journal.state.progress(journal.author, name => project.of(name).sharing);
    const set = chooseSet(sets, this.set);
    if (set === undefined) return undefined;
    const first = this.#current?.set === set ? { first: this.#current.item } : {};
    return { set, mode: this.mode ?? project.of(set).next, ...first };
  }

  /** What was planned: it holds until the next plan, but for items that are judged meanwhile. */
  planned(plan: Plan): void {
    this.#plan = plan;
  }

  hasPlan({ set, mode }: Omit<Plan, 'items'>): boolean {
    return this.#plan?.set === set && this.#plan.mode === mode;
  }

  /** From now on items are chosen so; what is on the screen stays where somebody worked on it. */
  choose(mode: NextMode | undefined, keep: boolean): void {
    this.mode = mode;
    if (!keep) this.#current = undefined;
  }

  /** The item that was on the screen before a reload comes first, if it is still to be judged. */
  resume(journal: DeskJournal, project: RankingProject, id: string): void {
    const set = journal.state.itemById.get(id)?.set;
    if (set !== undefined && journal.state.isOpen(id, journal.author, project.of(set).sharing))
      this.#current = { set, item: id };
  }

  /** The judgement that a decision makes. Throws a HumanError when it cannot be saved. */
  judgement(journal: DeskJournal, project: RankingProject, decision: DeskDecision): DeskJudgement {
    const item = journal.state.itemById.get(decision.item);
    if (!item) throw new HumanError(l10n.t('This item was removed in the meantime. Skip it to go on.'));
    const offer = this.#offers.get(item.id);
    if (!offer) throw new Error('the answers shown are not those of the item');
    const { dispute } = offer;
    const standing = dispute ? undefined : journal.state.judgement({ item: item.id, author: journal.author });
    const earlier = standing && standing.id !== offer.repeatOf ? standing.id : dispute && this.#earlier(journal, item);
    return judgementOf(decision, offer, {
      settings: project.of(item.set),
      replaces: offer.revises?.id ?? earlier,
      unblinded: offer.seen || (offer.revises !== undefined && this.#seen.has(offer.revises.id)),
    });
  }

  /** Open disagreements when they were listed last. */
  get disputes(): number {
    return this.#review.open;
  }

  get reviewing(): boolean {
    return this.#review.isOn;
  }

  /** Goes over to disagreements, or back; begins with the most severe, also those that were left for later. */
  review(on: boolean): void {
    this.#review.turn(on);
    this.#last = undefined;
    this.#revealed = false;
  }

  /** Lists the disagreements in the background, a rest after each item; a review then shows them at once. */
  look({ state }: DeskJournal): Generator<void, void> {
    return this.#review.listing(state);
  }

  /** A disagreement is left for later: nothing is written. */
  setAside(item: string): void {
    this.#review.setAside(item);
    this.#forget(item);
  }

  /** What undo takes back: the author's last judgement of the set that is shown, in a review the last adjudication. */
  lastOwn(journal: DeskJournal, project: RankingProject): JudgementRecord | undefined {
    const set = chooseSet(
      journal.state.progress(journal.author, name => project.of(name).sharing),
      this.set,
    );
    if (set === undefined) return undefined;
    const [last] = journal.state.ownJudgements(journal.author, set, this.reviewing ? 'adjudicator' : 'annotator');
    return last;
  }

  /** The judgement is written. */
  judged({ id, item }: Pick<JudgementRecord, 'id' | 'item'>): void {
    const models = this.#offers.get(item)?.answers.map(({ model }) => model) ?? [];
    this.#last = { id, models };
    this.#revealed = false;
    if (this.#asked === item) this.#asked = undefined;
    this.#forget(item);
  }

  /** The author's last judgement was taken back: it comes again as it was. */
  undone(judgement: JudgementRecord): void {
    if (this.#revealed && this.#last?.id === judgement.id) this.#seen.add(judgement.id);
    this.#forget(judgement.item);
    this.#taken.push(judgement);
    this.#last = undefined;
    this.#revealed = false;
  }

  /** An item was asked for by somebody who has seen its models: it comes next, as its judgement stands. */
  ask(journal: DeskJournal, item: ItemRecord): void {
    this.#review.turn(false);
    this.set = item.set;
    this.#forget(item.id);
    const judgement = journal.state.judgement({ item: item.id, author: journal.author });
    this.#asked = judgement ? undefined : item.id;
    if (!judgement) return;
    this.#seen.add(judgement.id);
    this.#taken.push(judgement);
  }

  /** Who wrote the answers of the item judged last may be seen now. */
  reveal(): void {
    this.#revealed = this.#last !== undefined;
  }

  #forget(item: string): void {
    this.#offers.forget(item);
    this.#taken = this.#taken.filter(one => one.item !== item);
  }

  /** A judgement taken back, then the repeat that is due, then the next item of the set. */
  #next(
    journal: DeskJournal,
    set: string,
    settings: RankingSettings,
    recent: readonly JudgementRecord[],
  ): ScreenItem | undefined {
    const { author } = journal;
    const again = this.#again(journal, set, settings);
    if (again) return again;
    const { kind } = settings;
    const asked = this.#asked === undefined ? undefined : journal.state.itemById.get(this.#asked);
    if (asked?.set === set && !journal.state.judgement({ item: asked.id, author }))
      return this.#offers.make(asked, { kind, answers: shownAnswers(asked, author, { kind }), seen: true });
    const next = this.#inTurn(journal, set, settings);
    if (!next) return undefined;
    this.#current = { set, item: next.id };
    const repeat = dueRepeat(recent, settings.repeats, kind);
    const repeated = repeat && journal.state.itemById.get(repeat.item);
    if (repeated) {
      const answers = shownAnswers(repeated, author, { again: true });
      const asked = kind === 'pairwise' ? answers.filter(({ id }) => repeat.shown.includes(id)) : answers;
      if (asked.length >= 2) return this.#offers.make(repeated, { kind, answers: asked, repeatOf: repeat.id });
    }
    return this.#offers.make(next, { kind, answers: shownAnswers(next, author, { kind }) });
  }

  /** The item of this set whose judgement was taken back last, unless it was judged in another window since: that stands. */
  #again({ state, author }: DeskJournal, set: string, { kind }: RankingSettings): ScreenItem | undefined {
    for (const before of this.#taken.toReversed()) {
      const item = state.itemById.get(before.item);
      if (before.adjudicates || item?.set !== set) continue;
      const standing = state.judgement({ item: item.id, author });
      if (standing && standing.id !== before.repeatOf && standing.id !== before.id) {
        this.#forget(item.id);
        continue;
      }
      const as = shownAnswers(item, author, { as: before.shown });
      const same = as.length === before.shown.length && as.every(({ id }, i) => id === before.shown[i]);
      const answers = same ? as : shownAnswers(item, author, { kind });
      return this.#offers.make(item, { kind, answers, revises: before, repeatOf: before.repeatOf });
    }
    return undefined;
  }

  /** This author's adjudication of the item that stands, though people have judged it since. */
  #earlier({ state, author }: DeskJournal, { id, set }: ItemRecord): string | undefined {
    for (const one of state.ownJudgements(author, set, 'adjudicator')) if (one.item === id) return one.id;
    return undefined;
  }

  /** What is on the screen, then what the plan says, then the first that is open. */
  #inTurn({ state, author }: DeskJournal, set: string, settings: RankingSettings): ItemRecord | undefined {
    if (this.#current?.set === set && state.isOpen(this.#current.item, author)) {
      const current = state.itemById.get(this.#current.item);
      if (current?.set === set) return current;
    }
    const mode = this.mode ?? settings.next;
    if (this.#plan?.set === set && this.#plan.mode === mode) {
      for (const { item } of this.#plan.items) {
        const planned = state.isOpen(item, author, settings.sharing) && state.itemById.get(item);
        if (planned && planned.set === set) return planned;
      }
    }
    return state.nextItem(author, set, settings.sharing);
  }

  /** A repeat has the reason of the item that it comes before, as it must not be told from it. */
  #reasonOf(item: ScreenItem | undefined, set: string | undefined, mode: NextMode): string | undefined {
    if (!item || set === undefined || this.#taken.some(one => one.item === item.id)) return undefined;
    const planned = this.hasPlan({ set, mode })
      ? this.#plan?.items.find(one => one.item === this.#current?.item)
      : undefined;
    if (planned?.beyond) return l10n.t('Your share is done; this one lacks judgements of others');
    const fixed = reasonWithoutPlan(mode);
    const reason = planned?.reason ?? fixed;
    const ids = item.answers.map(({ id }) => id);
    return reason && reasonText(reason, ids);
  }

  /** Counted anew when the author filled another step, or somebody else judged. */
  #besideOf({ author, state }: DeskJournal, sets: readonly SetProgress[]): JudgeBeside[] {
    const set = sets.find(({ name }) => name === this.set);
    if (!set || state.judges.length === 0) return [];
    const at = `${set.name} ${stepsOf(set.judged)} ${state.judgementCount - set.judged}`;
    if (this.#beside.at !== at) this.#beside = { at, value: judgesBeside(state, author, set.name, set.judged) };
    return this.#beside.value;
  }

  #consistencyOf(journal: DeskJournal, recent: readonly JudgementRecord[]): Screen['consistency'] {
    const at = recent.find(({ repeatOf }) => repeatOf !== undefined)?.id;
    if (at === undefined) return null;
    if (this.#consistency?.at !== at) {
      const { same, of } = consistency(journal.state.repeats, journal.state.itemById, journal.author);
      this.#consistency = { at, value: of === 0 ? null : { same, of } };
    }
    return this.#consistency.value;
  }
}

function reasonWithoutPlan(mode: NextMode): NextReason | undefined {
  if (mode === 'margin') return { kind: 'unscored' };
  return mode === 'order' || mode === 'random' ? { kind: mode } : undefined;
}

function newest(judgements: Iterable<JudgementRecord>, most: number): JudgementRecord[] {
  const found: JudgementRecord[] = [];
  for (const judgement of judgements) if (found.push(judgement) === most) break;
  return found;
}
