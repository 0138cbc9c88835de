/** What the chosen reasoning strategy can be told: its trigger, its number of samples, its requests. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { TemplateState } from '../../src/protocol/playground.ts';
import { select, stepper } from '../common/controls.ts';
import type { Store } from './store.ts';

export function strategySettings(store: Store, template: TemplateState): TemplateResult | typeof nothing {
  const { strategy, reasoning } = template;
  const set = (key: string) => (value: string | number) =>
    store.set(['metadata', 'tunesmith', 'reasoning', key], value === '' ? null : value);
  const trigger = () => text(l10n.t('Trigger'), reasoning.trigger, set('trigger'), reasoning.triggers);
  const fields: TemplateResult[] = [];
  if (strategy === 'zero-shot-cot') fields.push(trigger());
  if (strategy === 'self-consistency') {
    fields.push(
      html`<span class="line"><span class="label">${l10n.t('Samples')}</span>
        ${stepper(l10n.t('Samples that vote'), reasoning.samples, { min: 1, max: 100 }, set('samples'))}</span>`,
      html`<span class="line"><span class="label">${l10n.t('Of')}</span>${select(
        l10n.t('What is sampled'),
        [
          { value: 'direct', label: l10n.t('direct answers') },
          { value: 'few-shot-cot', label: l10n.t('few-shot CoT') },
          { value: 'zero-shot-cot', label: l10n.t('zero-shot CoT') },
        ],
        reasoning.of,
        set('of'),
      )}</span>`,
    );
    if (reasoning.of === 'zero-shot-cot') fields.push(trigger());
  }
  if (strategy === 'critique-revise') {
    fields.push(
      text(l10n.t('Critique'), reasoning.critique, set('critique')),
      text(l10n.t('Revision'), reasoning.revise, set('revise')),
    );
  }
  if (strategy === 'least-to-most') fields.push(text(l10n.t('Request'), reasoning.decompose, set('decompose')));
  return fields.length === 0 ? nothing : html`<div class="strip strategy-settings">${fields}</div>`;
}

/** A line of text with proposals; emptied, the default comes back. */
function text(
  label: string,
  value: string,
  change: (value: string) => void,
  proposals: readonly string[] = [],
): TemplateResult {
  const list = `proposals-${label}`;
  return html`<label class="line grow wide"><span class="label">${label}</span>
    <input class="field grow" type="text" .value=${value} list=${proposals.length > 0 ? list : nothing} spellcheck="false"
      @change=${(event: Event) => change((event.target as HTMLInputElement).value.trim())} />
    ${proposals.length > 0 ? html`<datalist id=${list}>${proposals.map(phrase => html`<option value=${phrase}></option>`)}</datalist>` : nothing}
  </label>`;
}
