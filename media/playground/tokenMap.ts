/** An answer's tokens, the doubtful ones in orange; hover or focus shows what else could have stood there. */
import { html, LitElement, type PropertyDeclarations, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { Detail } from '../../src/protocol/playgroundCells.ts';

type Token = NonNullable<Detail['tokens']>[number];

/** Strength of the orange at probability 0, in percent: text stays readable on it. */
const Strongest = 46;

const percent = (logProb: number): string => {
  const share = Math.exp(logProb) * 100;
  return `${share >= 10 ? share.toFixed(0) : share >= 0.1 ? share.toFixed(1) : '< 0.1'} %`;
};

/** Characters that would not be seen are named. */
const shown = (text: string): string => text.replaceAll('\n', '↵').replaceAll('\t', '⇥').replace(/^ | $/g, '␣');

export class TokenMap extends LitElement {
  static override properties: PropertyDeclarations = { tokens: { attribute: false }, at: { state: true } };
  declare tokens: readonly Token[];
  /** The token that is looked at. */
  declare at: number | undefined;
  /** Where Tab enters. */
  #stop = 0;
  /** The token with the keyboard's focus: a pointer that leaves gives way to it. */
  #focused: number | undefined;

  override createRenderRoot(): this {
    return this;
  }

  override render(): TemplateResult {
    const token = this.at === undefined ? undefined : this.tokens[this.at];
    return html`<div class="token-map prose" role="listbox" aria-label=${l10n.t('Tokens')} aria-orientation="horizontal"
        @keydown=${(event: KeyboardEvent) => this.#key(event)} @mouseleave=${() => this.#look(this.#focused)}
        >${this.tokens.map(({ text, logProb }, i) => {
          const doubt = Math.round(Strongest * (1 - Math.exp(Math.min(0, logProb))));
          return html`<span role="option" aria-selected=${this.at === i} tabindex=${i === this.#stop ? 0 : -1} aria-label=${`${shown(text)}, ${percent(logProb)}`}
            data-token=${i} style="--doubt:${doubt}%" @mouseenter=${() => this.#look(i)} @focus=${() => this.#focus(i)} @blur=${() => this.#focus(undefined)}>${text}</span>`;
        })}</div>
      <div class="alternatives" aria-live="polite">${
        token
          ? html`<b>${shown(token.text)}</b> ${percent(token.logProb)}
            ${token.alternatives
              .filter(({ text }) => text !== token.text)
              .map(
                ({ text, logProb }) =>
                  html`<span><span class="mono">${shown(text)}</span> <span class="dim">${percent(logProb)}</span></span>`,
              )}`
          : html`<span class="dim">${l10n.t('Point at a token to see what else could have stood there.')}</span>`
      }</div>`;
  }

  #look(at: number | undefined): void {
    this.at = at;
    if (at !== undefined) this.#stop = at;
  }

  #focus(at: number | undefined): void {
    this.#focused = at;
    this.#look(at);
  }

  #key(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const last = this.tokens.length - 1;
    const to =
      event.key === 'Home'
        ? 0
        : event.key === 'End'
          ? last
          : step
            ? Math.max(0, Math.min(last, this.#stop + step))
            : undefined;
    if (to === undefined) return;
    event.preventDefault();
    this.querySelector<HTMLElement>(`[data-token="${to}"]`)?.focus();
  }
}

customElements.define('tunesmith-token-map', TokenMap);
