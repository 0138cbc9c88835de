/** What the host says, asked and unasked: a state becomes what is shown, and nothing moves before a request was answered. */
import { errorMessage } from '../../src/base/errors.ts';
import { l10n } from '../../src/base/l10n.ts';
import type { RankingState } from '../../src/protocol/ranking.ts';
import { draftFor, isTouched } from './draft.ts';
import type { Page } from './page.ts';
import type { UnsavedWork } from './unsavedWork.ts';

export class Conversation {
  readonly #page: Page;
  readonly #work: UnsavedWork;
  #lastFailed: (() => void) | undefined;

  constructor(page: Page, work: UnsavedWork) {
    this.#page = page;
    this.#work = work;
  }

  /** Sends one request; nothing else is accepted until its reply, and a failure leaves everything as it was. */
  async ask(request: () => Promise<RankingState>, announce: (state: RankingState) => string): Promise<void> {
    const page = this.#page;
    if (page.model.saving) return;
    this.#lastFailed = () => void this.ask(request, announce);
    page.set({ saving: true, message: null });
    try {
      const state = await request();
      this.receive(state, announce(state));
    } catch (error) {
      page.set({ saving: false, message: { kind: 'error', text: errorMessage(error) } });
    }
  }

  retry(): void {
    this.#lastFailed?.();
  }

  /** What the host says unasked. Unsaved work on an item that was judged elsewhere meanwhile stays until the person decides. */
  pushed(state: RankingState): void {
    const { model } = this.#page;
    if (model.state && state.version < model.state.version) return;
    const before = model.state?.item;
    const goesAway = before && state.item?.id !== before.id;
    if (goesAway && isTouched(model.draft) && state.set === model.state?.set) {
      this.#page.set({ state: { ...state, item: before }, elsewhere: state });
      return;
    }
    this.receive(state, goesAway ? l10n.t('This item was judged in another window.') : undefined);
  }

  /** Shows a state of the host. The same item keeps its draft; another one starts anew. */
  receive(state: RankingState, announce?: string): void {
    const page = this.#page;
    const { model } = page;
    if (model.state && state.version < model.state.version) return;
    const { item } = state;
    let { draft } = model;
    let scrolled: readonly number[] | undefined;
    const moved = item?.id !== model.state?.item?.id;
    if (item && (moved || item.answers.length !== draft.values.length || item.kind !== draft.kind)) {
      const left = this.#work.take(item);
      draft = { ...draftFor(item), ...left?.draft };
      page.watch.restart(left?.milliseconds);
      scrolled = left?.scrolled;
    }
    const fresh = { message: null, extraOpen: draft.note !== '', unfolded: false, skipping: false, marking: null };
    page.set({ state, draft, saving: false, elsewhere: null, ...(moved ? fresh : {}) });
    if (moved && item) {
      for (const [i, element] of page.scrollers().entries()) element.scrollTop = scrolled?.[i] ?? 0;
      if (document.hasFocus()) page.focusAnswer();
    }
    page.onWork();
    if (announce) page.say(announce);
  }
}
