/** A disagreement under review: what each person said of the answers, and how to take it over. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { RankingState, ShownSaying } from '../../src/protocol/ranking.ts';
import { emptyDraft, groups, letterOf } from './draft.ts';
import type { Actions, Model } from './model.ts';

/** One line a person: name, ranking, flags and note. */
export function saidView(model: Model, { review }: RankingState, actions: Actions): TemplateResult | typeof nothing {
  if (!review || review.said.length === 0) return nothing;
  return html`<section class="said" aria-label=${l10n.t('What was said')}>
    <h2 class="section">${l10n.t('What was said')}</h2>
    <ul>${review.said.map((one, index) => {
      const words = wordsOf(one);
      const rest = [...one.flags, one.note].filter(word => word !== '').join(' · ');
      return html`<li>
        <b class="clip" title=${one.name}>${one.name}</b><span class="order-words">${words}</span>
        ${rest === '' ? nothing : html`<span class="dim rest-words">${rest}</span>`}
        ${
          canTake(one, model)
            ? html`<button class="action text" aria-label=${l10n.t('Take what {0} said: {1}', one.name, words)} ?disabled=${model.saving}
              @click=${() => actions.take(index)}
            >${l10n.t('Take')}</button>`
            : nothing
        }
      </li>`;
    })}</ul>
  </section>`;
}

/** Whether it says everything that is asked here. */
export const canTake = (one: ShownSaying, { draft }: Model): boolean =>
  one.verdict === 'ranked' && one.kind === draft.kind && one.values.every(value => value !== null);

function wordsOf({ verdict, kind, values }: ShownSaying): string {
  if (verdict === 'all-bad') return l10n.t('all bad');
  const letters = (wanted: number): string =>
    values.flatMap((value, i) => (value === wanted ? [letterOf(i)] : [])).join(', ') || '–';
  switch (kind) {
    case 'accept-reject':
      return l10n.t('accepted {0}, rejected {1}', letters(1), letters(0));
    case 'best-worst':
      return l10n.t('best {0}, worst {1}', letters(1), letters(-1));
    case 'rating':
      return values.flatMap((value, i) => (value === null ? [] : [`${letterOf(i)} ${value}`])).join(' · ');
    default:
      return groups({ ...emptyDraft(values.length, kind), values })
        .map(group => group.map(letterOf).join(' = '))
        .join(' > ');
  }
}
