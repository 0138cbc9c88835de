/** Plans what a Ranking view asks next, in the background and ahead of time, so that no key waits for it. */
import { errorMessage, isAbort } from '../base/errors.ts';
import { inSlices } from '../base/slices.ts';
import type { ItemRecord } from '../core/preferences/judgement.ts';
import { type NextItem, NextPlanner } from '../core/preferences/nextItems.ts';
import type { Plan, RankingDesk } from '../core/preferences/rankingDesk.ts';
import type { RankingProject } from '../core/preferences/rankingSettings.ts';
import { itemsToScore, mostScored, type Rewards } from '../core/preferences/rewardMargins.ts';
import type { PreferenceJournal } from '../storage/preferenceJournal.ts';

/** Judgements after which what was learned since is worth another plan. */
const enough = 8;
/** Items of a plan: more than are judged until the next one is there. */
const ahead = 24;
/** How long a view waits for its first plan before it shows items as they were put up, milliseconds. */
const patience = 300;
/** And where a reward model has to be read first. */
const patienceWithModel = 3000;

/** A reward model reads so many items, then more: the first plan does not wait for all of them. */
const stages = [mostScored / 16, mostScored / 4, mostScored] as const;

/** What the workspace's reward model says of items; rejects with a HumanError where there is none. */
type Scorer = (items: readonly ItemRecord[], signal: AbortSignal) => Promise<Rewards>;

export class RankingPlans {
  readonly #planner = new NextPlanner();
  readonly #desk: RankingDesk;
  readonly #onPlanned: () => void;
  #judged = 0;
  #isStale = false;
  #running: { readonly set: string; readonly mode: string; readonly first: Promise<void> } | undefined;
  readonly #score: Scorer;
  readonly #disposal = new AbortController();
  /** Why items cannot be chosen in the way that is wanted; a sentence. */
  problem: string | undefined;

  /** `onPlanned` hears when there is a new plan. */
  constructor(desk: RankingDesk, score: Scorer, onPlanned: () => void) {
    this.#desk = desk;
    this.#score = score;
    this.#onPlanned = onPlanned;
  }

  /** The view's person judged something. */
  judged(): void {
    if (++this.#judged >= enough) this.#isStale = true;
  }

  /** Items, judgements or settings changed elsewhere. */
  changed(): void {
    this.#isStale = true;
  }

  /** Plans unless there is a plan that is good enough. Waits for it only where there is none, and not for long. */
  async plan(journal: PreferenceJournal, project: RankingProject): Promise<void> {
    const wish = this.#desk.wish(journal, project);
    if (!wish) return;
    const isKnown = this.#desk.hasPlan(wish);
    if (isKnown && !this.#isStale) return;
    if (this.#running?.set !== wish.set || this.#running.mode !== wish.mode) {
      const { promise: first, resolve } = Promise.withResolvers<void>();
      const running = { set: wish.set, mode: wish.mode, first };
      this.#running = running;
      void this.#run(journal, project, wish, resolve).finally(() => {
        resolve();
        if (this.#running === running) this.#running = undefined;
      });
    }
    if (isKnown || wish.first !== undefined) return;
    const milliseconds = wish.mode === 'margin' ? patienceWithModel : patience;
    await Promise.race([this.#running.first, new Promise(resolve => setTimeout(resolve, milliseconds))]);
  }

  /** `planned` is told of the first plan. */
  async #run(journal: PreferenceJournal, project: RankingProject, wish: Wish, planned: () => void): Promise<void> {
    const { signal } = this.#disposal;
    this.problem = undefined;
    if (wish.mode !== 'margin') {
      await this.#plan(journal, project, wish);
      return;
    }
    for (const most of stages) {
      const { state } = journal;
      const isOff = () =>
        signal.aborted || journal.state !== state || this.#desk.wish(journal, project)?.mode !== wish.mode;
      let rewards: Rewards | undefined;
      try {
        const items = await inSlices(itemsToScore(state, asked(journal, project, wish), most), isOff);
        rewards = items && (await this.#score(items, signal));
      } catch (error) {
        if (isAbort(error)) return;
        this.problem = errorMessage(error);
      }
      if (isOff() || !(await this.#plan(journal, project, wish, rewards))) return;
      planned();
      if (!rewards || rewards.size < most) return;
    }
  }

  /** False when nobody wants it any more. */
  async #plan(journal: PreferenceJournal, project: RankingProject, wish: Wish, rewards?: Rewards): Promise<boolean> {
    const { signal } = this.#disposal;
    const { set, mode } = wish;
    let items: NextItem[] | undefined;
    while (items === undefined && !signal.aborted) {
      this.#isStale = false;
      this.#judged = 0;
      const { state } = journal;
      const now = this.#desk.wish(journal, project);
      const work = this.#planner.planning(state, {
        ...asked(journal, project, wish),
        mode,
        count: ahead,
        first: now?.set === set ? now.first : undefined,
        rewards,
        kindOf: name => project.of(name).kind,
      });
      // A state that was made anew numbers its records anew.
      items = await inSlices(work, () => signal.aborted || journal.state !== state);
    }
    if (!items) return false;
    this.#desk.planned({ set, mode, items });
    const { state } = journal;
    await inSlices(this.#desk.look(journal), () => signal.aborted || journal.state !== state);
    this.#onPlanned();
    return true;
  }

  dispose(): void {
    this.#disposal.abort();
  }
}

type Wish = Omit<Plan, 'items'>;

const asked = ({ author }: PreferenceJournal, project: RankingProject, { set }: Wish) => ({
  author,
  set,
  sharingOf: (name: string) => project.of(name).sharing,
});
