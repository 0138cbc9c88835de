/** What the pages of jobs have in common: a model that is drawn with each change, and what is asked of the host, one thing at a time. */
import { html, nothing, type TemplateResult } from 'lit';
import { errorMessage } from '../../src/base/errors.ts';
import { l10n } from '../../src/base/l10n.ts';
import { icon } from '../common/codicon.ts';

export interface PageModel {
  readonly error: string | null;
  /** Something is being done: buttons wait. */
  readonly busy: boolean;
}

export class LivePage<Model extends PageModel> {
  model: Model;
  readonly #draw: (model: Model) => void;

  constructor(first: Model, draw: (model: Model) => void) {
    this.model = first;
    this.#draw = draw;
  }

  set(change: Partial<Model>): void {
    this.model = { ...this.model, ...change };
    this.#draw(this.model);
  }

  /** Nothing is asked while another thing is under way; what went wrong stays on the page until the next try. */
  async act(ask: () => Promise<unknown>): Promise<void> {
    if (this.model.busy) return;
    this.set({ busy: true, error: null } as Partial<Model>);
    const error = await ask().then(() => null, errorMessage);
    this.set({ busy: false, error } as Partial<Model>);
  }

  async open(ask: () => Promise<Partial<Model>>): Promise<void> {
    this.set({});
    try {
      this.set({ ...(await ask()), error: null });
    } catch (error) {
      this.set({ error: errorMessage(error) } as Partial<Model>);
    }
  }
}

export const problem = (error: string): TemplateResult =>
  html`<p role="alert" class="note">${icon('error', 'c-wrong')}<span>${error}</span></p>`;

/** A page before its first answer, or where that did not come. */
export const opening = (error: string | null, retry: () => void): TemplateResult =>
  html`<main class="job" aria-busy=${error === null ? 'true' : 'false'}>${
    error === null
      ? nothing
      : html`<div class="welcome">${problem(error)}<button class="button" @click=${retry}>${l10n.t('Try Again')}</button></div>`
  }</main>`;
