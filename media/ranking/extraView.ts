/** Note and flags of the judgement being made. */
import { html, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { RankingState } from '../../src/protocol/ranking.ts';
import { letterOf } from './draft.ts';
import { key } from './keysView.ts';
import type { Actions, Model } from './model.ts';

/** Note and flags; the flags are about the answer in focus. */
export function extraView(
  model: Model,
  state: RankingState,
  actions: Actions,
  where: 'only-wide' | 'only-side',
): TemplateResult {
  const own = model.draft.flags[model.draft.focus] ?? [];
  return html`<div class="${where} extra">
    <label class="label" for="note-${where}">${l10n.t('Note')} ${key('n')}</label>
    <input
      id="note-${where}" data-field="note" class="field grow" maxlength="2000" .value=${model.draft.note}
      placeholder=${l10n.t('Why? Optional, kept with the judgement')}
      @input=${(event: Event) => actions.note((event.target as HTMLInputElement).value)}
    >
    <span class="line flags" role="group" aria-labelledby="flag-${where}"><span class="label" id="flag-${where}">${l10n.t(
      'Flag {0}',
      letterOf(model.draft.focus),
    )} ${key('f')}</span>${state.flags.map(
      ({ id, label }) => html`<label class="ck"><input
        type="checkbox" data-flag=${id} .checked=${own.includes(id)} @change=${() => actions.flag(id)}
      >${label}</label>`,
    )}</span>
  </div>`;
}
