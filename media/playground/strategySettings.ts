/** What the chosen reasoning strategy can be told: its trigger, its number of samples, its requests. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { TemplateState } from '../../src/protocol/playgroundTemplate.ts';
import { icon } from '../common/codicon.ts';
import { select, stepper } from '../common/controls.ts';
import { openMenu } from '../common/menu.ts';
import type { Store } from './store.ts';

export function strategySettings(store: Store, template: TemplateState): TemplateResult | typeof nothing {
  const { strategy, reasoning } = template;
  const set = (key: string) => (value: string | number) =>
    store.set(['metadata', 'tunesmith', 'reasoning', key], value === '' ? null : value);
  const trigger = () => triggerField(reasoning, set('trigger'));
  const fields: TemplateResult[] = [];
  const extract = () => text(l10n.t('Then'), reasoning.extract, set('extract'));
  if (strategy === 'zero-shot-cot') fields.push(trigger(), extract());
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

/** A text of one's own, with those that are known at hand. */
function triggerField(
  { trigger, triggers }: TemplateState['reasoning'],
  change: (value: string) => void,
): TemplateResult {
  const name = l10n.t('Known Triggers');
  const open = (event: Event): void =>
    openMenu(event.currentTarget as HTMLElement, name, () =>
      triggers.map(phrase => ({
        label: phrase,
        icon: phrase === trigger ? 'check' : 'blank',
        run: () => change(phrase),
      })),
    );
  return html`<span class="line grow wide">${text(l10n.t('Trigger'), trigger, change)}
    <button class="action" title=${name} aria-label=${name} aria-haspopup="menu" @click=${open}>${icon('chevron-down')}</button></span>`;
}

/** A line of text; emptied, the default comes back. */
function text(label: string, value: string, change: (value: string) => void): TemplateResult {
  return html`<label class="line grow wide"><span class="label">${label}</span>
    <input class="field grow" type="text" .value=${value} spellcheck="false"
      @change=${(event: Event) => change((event.target as HTMLInputElement).value.trim())} />
  </label>`;
}
