/** What outlives a reload of the window, or of the view: the set, and the unsaved work on one item. */
import type { RankingItem } from '../../src/protocol/ranking.ts';
import { savedState } from '../common/vscodeApi.ts';
import type { Draft } from './draft.ts';
import type { Page } from './page.ts';

export interface Saved {
  /** Milliseconds since 1970. */
  readonly at?: number;
  readonly review?: boolean;
  readonly set: string | null;
  readonly item: string | null;
  readonly draft: Draft;
  readonly milliseconds: number;
  /** Positions of the prompt and of the answers. */
  readonly scrolled: readonly number[];
}

/** Milliseconds. */
const soon = 500;

export class UnsavedWork {
  readonly #tell: (saved: Saved) => void;
  #left: Saved | undefined;
  #telling: ReturnType<typeof setTimeout> | undefined;

  /** The editor keeps a page's state every few seconds only; the host is told sooner, but not of a page that it did not hear of yet. */
  constructor(told: Saved | undefined, tell: (saved: Saved) => void) {
    const own = savedState.get() as Saved | undefined;
    this.#left = own && told ? ((told.at ?? 0) > (own.at ?? 0) ? told : own) : (own ?? told);
    this.#tell = tell;
  }

  /** What the page before this one left, until an item was shown. */
  get left(): Saved | undefined {
    return this.#left;
  }

  /** The work that was left on this item; what was left on another is gone with that. */
  take(item: RankingItem): Saved | undefined {
    const left = this.#left;
    this.#left = undefined;
    const fits =
      left?.item === item.id && left.draft.kind === item.kind && left.draft.values?.length === item.answers.length;
    return fits ? left : undefined;
  }

  keep(page: Page): void {
    const { model, watch } = page;
    const saved: Saved = {
      at: Date.now(),
      review: model.state?.review != null,
      set: model.state?.set ?? null,
      item: model.state?.item?.id ?? null,
      draft: model.draft,
      milliseconds: watch.elapsed(),
      scrolled: page.scrollers().map(element => element.scrollTop),
    };
    savedState.set(saved);
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.#tell(saved), soon);
  }
}
