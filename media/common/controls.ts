/** Small controls that several views share: radio groups, steppers, drop-downs, intervals. */
import { html, nothing, type TemplateResult } from 'lit';
import { icon } from './codicon.ts';

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly title?: string;
}

/** A radio group drawn as segments: one tab stop, arrows within. */
export function segments<T extends string>(
  label: string,
  choices: readonly Choice<T>[],
  value: T,
  choose: (value: T) => void,
): TemplateResult {
  const index = Math.max(
    0,
    choices.findIndex(choice => choice.value === value),
  );
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (index + step + choices.length) % choices.length;
    choose(choices[next]!.value);
    (event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[role=radio]')[next]?.focus();
  };
  return html`<div class="segments" role="radiogroup" aria-label=${label} @keydown=${onKey}>
    ${choices.map(
      (choice, i) =>
        html`<button type="button" role="radio" aria-checked=${choice.value === value} tabindex=${i === index ? 0 : -1}
          title=${choice.title ?? nothing} @click=${() => choose(choice.value)}>${choice.label}</button>`,
    )}
  </div>`;
}

export function select<T extends string>(
  label: string,
  choices: readonly Choice<T>[],
  value: T,
  choose: (value: T) => void,
): TemplateResult {
  return html`<span class="select-box"
    ><select class="select" aria-label=${label} .value=${value}
      @change=${(event: Event) => choose((event.target as HTMLSelectElement).value as T)}>
      ${choices.map(choice => html`<option value=${choice.value} ?selected=${choice.value === value}>${choice.label}</option>`)}
    </select>${icon('chevron-down')}</span
  >`;
}

/** A whole number between bounds, with − and +. */
export function stepper(
  label: string,
  value: number,
  bounds: { readonly min: number; readonly max: number },
  change: (value: number) => void,
): TemplateResult {
  const to = (next: number): void => {
    if (Number.isFinite(next)) change(Math.max(bounds.min, Math.min(bounds.max, Math.round(next))));
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    to(value + step);
  };
  return html`<span class="stepper" role="group" aria-label=${label}>
    <button type="button" tabindex="-1" aria-label="−" ?disabled=${value <= bounds.min} @click=${() => to(value - 1)}>${icon('remove')}</button>
    <input type="text" inputmode="numeric" role="spinbutton" aria-label=${label} aria-valuenow=${value}
      aria-valuemin=${bounds.min} aria-valuemax=${bounds.max} .value=${String(value)} @keydown=${onKey}
      @change=${(event: Event) => {
        const input = event.target as HTMLInputElement;
        to(Number(input.value));
        input.value = String(value);
      }} />
    <button type="button" tabindex="-1" aria-label="+" ?disabled=${value >= bounds.max} @click=${() => to(value + 1)}>${icon('add')}</button>
  </span>`;
}

/** A Wilson interval as a bar on a scale of 0–100, with its figures. */
export function intervalBar(
  interval: { estimate: number; low: number; high: number; n: number },
  successes: number,
): TemplateResult {
  const percent = (share: number): string => `${(share * 100).toFixed(0)}`;
  return html`<span class="interval" aria-hidden="true"
      ><i style="left:${interval.low * 100}%;right:${100 - interval.high * 100}%"></i><b style="left:${interval.estimate * 100}%"></b></span
    ><span class="nowrap"
      ><b>${percent(interval.estimate)} %</b>
      <span class="dim">${successes}/${interval.n}, ${percent(interval.low)}–${percent(interval.high)}</span></span
    >`;
}
