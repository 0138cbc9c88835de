/** What the Ranking page holds: its model, how that is drawn, where the focus is, and what is read out. */
import { render, type TemplateResult } from 'lit';
import { type Draft, emptyDraft } from './draft.ts';
import type { Model } from './model.ts';
import { Stopwatch } from './stopwatch.ts';

/** From here on the prompt stands beside the answers. */
export const wide = window.matchMedia('(min-width: 720px)');

export class Page {
  readonly root = document.createElement('div');
  /** Time on the item that is shown. */
  readonly watch = new Stopwatch(() => performance.now());
  /** Hears of each change of the draft. */
  onWork: () => void = () => {};
  readonly #live = document.createElement('div');
  readonly #view: (model: Model) => TemplateResult;
  #model: Model = {
    state: null,
    draft: emptyDraft(0),
    saving: false,
    message: null,
    promptOpen: true,
    guidelinesOpen: wide.matches,
    extraOpen: false,
    helpOpen: false,
    differences: false,
    unfolded: false,
    scrollTogether: true,
    skipping: false,
    marking: null,
    elsewhere: null,
  };

  constructor(view: (model: Model) => TemplateResult) {
    this.#view = view;
    this.#live.className = 'sr-only';
    this.#live.setAttribute('aria-live', 'polite');
    document.body.append(this.root, this.#live);
  }

  get model(): Model {
    return this.#model;
  }

  draw(): void {
    render(this.#view(this.#model), this.root);
  }

  set(change: Partial<Model>): void {
    this.#model = { ...this.#model, ...change };
    this.draw();
  }

  change(draft: Draft): void {
    const { message } = this.#model;
    this.set({ draft, message: message?.kind === 'hint' ? null : message });
    this.onWork();
  }

  /** Reads out; the same words twice are said twice. */
  say(text: string): void {
    this.#live.textContent = this.#live.textContent === text ? `${text}\u00a0` : text;
  }

  sayValue(position: number): void {
    const label = this.#answer(position)?.getAttribute('aria-label');
    if (label) this.say(label);
  }

  focusAnswer(): void {
    const article = this.#answer(this.#model.draft.focus);
    article?.focus({ preventScroll: true });
    article?.scrollIntoView({ block: 'nearest' });
  }

  /** The one of the layout that is shown. */
  focusField(selector: string): void {
    const all = [...this.root.querySelectorAll<HTMLElement>(selector)];
    all.find(element => element.offsetParent !== null)?.focus();
  }

  /** Prompt and answers. */
  scrollers(): HTMLElement[] {
    return [...this.root.querySelectorAll<HTMLElement>('#prompt-body, .answers, .answers .an')];
  }

  #answer(position: number): HTMLElement | null {
    return this.root.querySelector<HTMLElement>(`.an[data-position="${position}"]`);
  }
}
