/** Highlights words of an answer: what is selected, else word by word with the keys, then with a comment. */
import { l10n } from '../../src/base/l10n.ts';
import { excerpt, selectedRange } from '../common/answerText.ts';
import { extendMarking, startMarking } from './marking.ts';
import type { Page } from './page.ts';

export class Highlighting {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  start(): void {
    const page = this.#page;
    const { state, draft } = page.model;
    if (!state?.item) return;
    for (const article of page.root.querySelectorAll<HTMLElement>('.an')) {
      const text = article.querySelector('.answer-text');
      const range = text && selectedRange(text);
      if (!range) continue;
      const marking = { answer: Number(article.dataset.position), ...range, stage: 'comment' as const, comment: '' };
      page.set({ marking, skipping: false });
      document.getSelection()?.removeAllRanges();
      page.focusField('[data-field="comment"]');
      return;
    }
    const marking = startMarking(state.item.answers[draft.focus]?.text ?? '', draft.focus);
    if (!marking) return;
    page.set({ marking, skipping: false, unfolded: true });
    page.focusAnswer();
    this.#say();
  }

  comment(text: string): void {
    const { marking } = this.#page.model;
    if (marking) this.#page.set({ marking: { ...marking, comment: text } });
  }

  save(): void {
    const page = this.#page;
    const { marking, draft } = page.model;
    if (!marking) return;
    const { answer, start, end, comment } = marking;
    page.set({ marking: null });
    page.change({ ...draft, highlights: [...draft.highlights, { answer, start, end, comment: comment.trim() }] });
    page.focusAnswer();
    page.say(l10n.t('Highlighted.'));
  }

  remove(index: number): void {
    const { draft } = this.#page.model;
    this.#page.change({ ...draft, highlights: draft.highlights.filter((_, i) => i !== index) });
    this.#page.focusAnswer();
  }

  /** A key while words are chosen; false when it has no meaning here. */
  key({ key, shiftKey }: KeyboardEvent): boolean {
    const { marking, state } = this.#page.model;
    const text = marking && state?.item?.answers[marking.answer]?.text;
    if (!marking || text === undefined || text === null) return false;
    const by = key === 'ArrowRight' || key === 'ArrowDown' ? 1 : key === 'ArrowLeft' || key === 'ArrowUp' ? -1 : 0;
    if (by !== 0) {
      this.#page.set({ marking: extendMarking(text, marking, by, shiftKey) });
      this.#say();
    } else if (key === 'Enter') {
      this.#page.set({ marking: { ...marking, stage: 'comment' } });
      this.#page.focusField('[data-field="comment"]');
    } else return false;
    return true;
  }

  #say(): void {
    const { marking, state } = this.#page.model;
    const text = marking && state?.item?.answers[marking.answer]?.text.slice(marking.start, marking.end);
    if (text) this.#page.say(excerpt(text, 120));
    this.#page.root.querySelector('mark.marking')?.scrollIntoView({ block: 'nearest' });
  }
}
