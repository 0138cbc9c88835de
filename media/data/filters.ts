/** The filters above the table: search, one menu for each thing that there is to choose from, dates, and what is on as chips. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { DataFilter, DataSort, DataState } from '../../src/protocol/preferenceData.ts';
import { icon } from '../common/codicon.ts';
import { type MenuEntry, openMenu } from '../common/menu.ts';
import { type DataPage, noFilter } from './dataPage.ts';
import { day, figure, kindWords, outcomeWords } from './words.ts';

/** Filters that are lists of names. */
type ListName = 'sets' | 'annotators' | 'models' | 'outcomes' | 'flags' | 'kinds' | 'splits' | 'guidelines';

interface Choice {
  readonly value: string;
  readonly label: string;
  readonly count: number;
}

interface Facet {
  readonly name: ListName;
  readonly title: string;
  readonly choices: readonly Choice[];
}

function facetsOf({ facets }: DataState): Facet[] {
  const plain = (list: readonly { readonly name: string; readonly count: number }[]): Choice[] =>
    list.map(({ name, count }) => ({ value: name, label: name, count }));
  const [outcomes, kinds] = [outcomeWords(), kindWords()];
  return [
    { name: 'sets', title: l10n.t('Set'), choices: plain(facets.sets) },
    { name: 'annotators', title: l10n.t('Annotator'), choices: plain(facets.annotators) },
    { name: 'models', title: l10n.t('Model'), choices: plain(facets.models) },
    {
      name: 'outcomes',
      title: l10n.t('Verdict'),
      choices: facets.outcomes.map(({ name, count }) => ({ value: name, label: outcomes[name], count })),
    },
    { name: 'flags', title: l10n.t('Flag'), choices: plain(facets.flags) },
    {
      name: 'kinds',
      title: l10n.t('Kind'),
      choices: facets.kinds.map(({ name, count }) => ({ value: name, label: kinds[name], count })),
    },
    { name: 'splits', title: l10n.t('Split'), choices: plain(facets.splits) },
    { name: 'guidelines', title: l10n.t('Guidelines'), choices: plain(facets.guidelines) },
  ];
}

/** So many names make a menu that can be read; what is on is always among them. */
const mostChoices = 200;

export function filtersView(page: DataPage, open: boolean, search: (text: string) => void): TemplateResult {
  const state = page.state!;
  const facets = facetsOf(state).filter(({ name, choices }) => choices.length > 1 || page.filter[name].length > 0);
  return html`<div class="filters" role="search" aria-label=${l10n.t('Filter items')}>
    <input class="field search" type="search" placeholder=${l10n.t('Search prompts, answers and notes')} aria-label=${l10n.t('Search prompts, answers and notes')}
      aria-keyshortcuts="/" title=${l10n.t('Search (/)')} maxlength="1000" .value=${page.filter.text}
      @input=${(event: Event) => search((event.target as HTMLInputElement).value)}>
    ${
      open
        ? html`${facets.map(facet => facetButton(page, facet))}${whoButton(page, state)}${dates(page, state)}
          ${toggle(page, 'disagreement', 'git-compare', l10n.t('Disagreement'))}
          ${state.facets.repeats > 0 || page.filter.repeats ? toggle(page, 'repeats', 'history', l10n.t('Repeats')) : nothing}
          ${sortButton(page)}`
        : nothing
    }
  </div>
  ${chips(page, facetsOf(state))}`;
}

function facetButton(page: DataPage, { name, title, choices }: Facet): TemplateResult {
  const wanted = (): readonly string[] => page.filter[name];
  const toggled = (value: string): void => {
    const own = wanted();
    const list = own.includes(value) ? own.filter(other => other !== value) : [...own, value];
    void page.show({ [name]: list } as Partial<DataFilter>);
  };
  const entries = (): MenuEntry[] =>
    choices
      .filter(({ value }, i) => i < mostChoices || wanted().includes(value))
      .map(({ value, label, count }) => ({
        label,
        detail: figure(count),
        checked: wanted().includes(value),
        run: () => toggled(value),
      }));
  const on = wanted().length;
  return html`<button class="button secondary" aria-haspopup="menu" aria-expanded="false"
    @click=${(event: Event) => openMenu(event.currentTarget as HTMLElement, title, entries)}
    >${title}${on > 0 ? html` <b>${on}</b>` : nothing}${icon('chevron-down')}</button>`;
}

const whoWords = (): Readonly<Record<DataFilter['who'], string>> => ({
  all: l10n.t('People and judges'),
  people: l10n.t('People only'),
  judges: l10n.t('Judges only'),
});

function whoButton(page: DataPage, { facets }: DataState): TemplateResult | typeof nothing {
  if (page.filter.who === 'all' && !facets.annotators.some(({ judge }) => judge)) return nothing;
  const words = whoWords();
  const entries = (): MenuEntry[] =>
    (['all', 'people', 'judges'] as const).map(who => ({
      label: words[who],
      checked: page.filter.who === who,
      run: () => void page.show({ who }),
    }));
  return html`<button class="button secondary" aria-haspopup="menu" aria-expanded="false"
    @click=${(event: Event) => openMenu(event.currentTarget as HTMLElement, l10n.t('Whose judgements'), entries)}
    >${words[page.filter.who]}${icon('chevron-down')}</button>`;
}

function toggle(page: DataPage, name: 'disagreement' | 'repeats', glyph: string, label: string): TemplateResult {
  const on = page.filter[name];
  return html`<button class="action text" aria-pressed=${on} @click=${() => void page.show({ [name]: !on })}>${icon(glyph)}${label}</button>`;
}

const dayMilliseconds = 86_400_000;

/** Days of the person's own clock; the last one is included. */
function dates(page: DataPage, { facets }: DataState): TemplateResult | typeof nothing {
  if (facets.first === null || facets.last === null) return nothing;
  const { from, to } = page.filter;
  const changed = (event: Event, name: 'from' | 'to'): void => {
    const { value } = event.target as HTMLInputElement;
    const start = value === '' ? Number.NaN : new Date(`${value}T00:00:00`).getTime();
    const time = Number.isNaN(start) ? null : name === 'from' ? start : start + dayMilliseconds;
    void page.show({ [name]: time });
  };
  const field = (name: 'from' | 'to', label: string, value: number | null): TemplateResult =>
    html`<label class="line"><span class="label">${label}</span><input class="field date" type="date" min=${day(facets.first!)} max=${day(facets.last!)}
      .value=${value === null ? '' : day(name === 'to' ? value - 1 : value)} @change=${(event: Event) => changed(event, name)}></label>`;
  return html`${field('from', l10n.t('From'), from)}${field('to', l10n.t('To'), to)}`;
}

function sortButton(page: DataPage): TemplateResult {
  const words: readonly (readonly [DataSort, string])[] = [
    [{ by: 'time', descending: true }, l10n.t('Newest first')],
    [{ by: 'time', descending: false }, l10n.t('Oldest first')],
    [{ by: 'judgements', descending: true }, l10n.t('Most judgements first')],
    [{ by: 'judgements', descending: false }, l10n.t('Fewest judgements first')],
    [{ by: 'answers', descending: true }, l10n.t('Most answers first')],
    [{ by: 'answers', descending: false }, l10n.t('Fewest answers first')],
    [{ by: 'set', descending: false }, l10n.t('By set')],
    [{ by: 'split', descending: false }, l10n.t('By split')],
  ];
  const isOn = ({ by, descending }: DataSort): boolean => page.sort.by === by && page.sort.descending === descending;
  const entries = (): MenuEntry[] =>
    words.map(([sort, label]) => ({ label, checked: isOn(sort), run: () => void page.show({}, sort) }));
  const now = words.find(([sort]) => isOn(sort))?.[1] ?? l10n.t('Order');
  return html`<button class="action text sorter" aria-haspopup="menu" aria-expanded="false" title=${l10n.t('Order of the items')}
    @click=${(event: Event) => openMenu(event.currentTarget as HTMLElement, l10n.t('Order of the items'), entries)}>${icon('list-ordered')}${now}</button>`;
}

/** What is on, each with a button that takes it away. */
function chips(page: DataPage, facets: readonly Facet[]): TemplateResult | typeof nothing {
  const { filter } = page;
  const parts: { readonly label: string; readonly without: Partial<DataFilter> }[] = [];
  for (const { name, title, choices } of facets) {
    for (const value of filter[name]) {
      const label = choices.find(choice => choice.value === value)?.label ?? value;
      const rest = filter[name].filter(other => other !== value);
      parts.push({ label: `${title}: ${label}`, without: { [name]: rest } as Partial<DataFilter> });
    }
  }
  if (filter.who !== 'all') parts.push({ label: whoWords()[filter.who], without: { who: 'all' } });
  if (filter.from !== null) parts.push({ label: l10n.t('From {0}', day(filter.from)), without: { from: null } });
  if (filter.to !== null) parts.push({ label: l10n.t('To {0}', day(filter.to - 1)), without: { to: null } });
  if (filter.disagreement) parts.push({ label: l10n.t('Disagreement'), without: { disagreement: false } });
  if (filter.repeats) parts.push({ label: l10n.t('Repeats'), without: { repeats: false } });
  if (filter.items !== null)
    parts.push({
      label:
        filter.items.length === 1
          ? l10n.t('1 item of a finding')
          : l10n.t('{0} items of a finding', filter.items.length),
      without: { items: null },
    });
  if (parts.length === 0) return nothing;
  return html`<div class="chips" role="group" aria-label=${l10n.t('Filters that are on')}>
    ${parts.map(
      ({ label, without }) =>
        html`<span class="chip"><span class="clip" title=${label}>${label}</span><button class="action" title=${l10n.t('Remove the filter “{0}”', label)}
          aria-label=${l10n.t('Remove the filter “{0}”', label)} @click=${() => void page.show(without)}>${icon('close')}</button></span>`,
    )}
    <button class="link" @click=${() => void page.show({ ...noFilter, text: filter.text })}>${l10n.t('Clear Filters')}</button>
  </div>`;
}
