/** The answers in their shuffled order, each with the controls of its kind, its highlights and, when it is long, its fold. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { RankingItem, RankingState } from '../../src/protocol/ranking.ts';
import { answerText, excerpt, isLong } from '../common/answerText.ts';
import { icon } from '../common/codicon.ts';
import { differences } from './differences.ts';
import { isRanks, letterOf } from './draft.ts';
import { extraView } from './extraView.ts';
import { keyOfRating } from './keys.ts';
import { key } from './keysView.ts';
import { type Actions, type Model, marksOf } from './model.ts';
import { saidView } from './reviewView.ts';

export function answersView(model: Model, state: RankingState, item: RankingItem, actions: Actions): TemplateResult {
  const marks = marksOf(model, item);
  return html`<section class="answers-pane" aria-label=${l10n.t('Answers, in shuffled order')}>
    ${toolsView(model, item, actions)}
    ${saidView(model, state, actions)}
    <div class="answers" data-count=${item.answers.length}>
      ${item.answers.map((_, position) => answerView(model, state, item, position, marks[position]!, actions))}
    </div>
    ${extraView(model, state, actions, 'only-wide')}
  </section>`;
}

function toolsView(model: Model, item: RankingItem, actions: Actions): TemplateResult {
  const tool = (
    what: 'differences' | 'unfolded' | 'scrollTogether',
    name: string,
    keyName: string,
    iconName: string,
    where = '',
  ): TemplateResult =>
    html`<button
      class="action text ${where}" aria-pressed=${model[what] ? 'true' : 'false'} aria-keyshortcuts=${keyName}
      @click=${() => actions.toggle(what)}
    >${icon(iconName)}${name} ${key(keyName)}</button>`;
  const long = item.answers.some(({ text }) => isLong(text));
  return html`<div class="tools" role="toolbar" aria-label=${l10n.t('Reading')}>
    ${tool('differences', l10n.t('Differences'), 'd', 'diff')}
    <button class="action text" aria-keyshortcuts="h" aria-pressed=${model.marking ? 'true' : 'false'} @click=${() => actions.mark()}
    >${icon('paintcan')}${l10n.t('Highlight')} ${key('h')}</button>
    ${long ? tool('unfolded', l10n.t('Long Answers'), 'e', 'unfold') : nothing}
    ${tool('scrollTogether', l10n.t('Scroll Together'), 'l', 'link', 'only-wide')}
    ${model.differences ? html`<span class="state">${againstWhat(model, item)}</span>` : nothing}
  </div>`;
}

function againstWhat(model: Model, item: RankingItem): string {
  if (!differences(item, model.draft.focus)) return l10n.t('They have too little in common to mark.');
  return item.answers.length === 2
    ? l10n.t('Marked: words that the other lacks')
    : l10n.t('Marked: words that {0} lacks', letterOf(model.draft.focus));
}

function answerView(
  model: Model,
  state: RankingState,
  item: RankingItem,
  position: number,
  marks: Parameters<typeof answerText>[1],
  actions: Actions,
): TemplateResult {
  const { draft } = model;
  const { text } = item.answers[position]!;
  const focused = draft.focus === position;
  const flags = (draft.flags[position] ?? []).map(id => state.flags.find(flag => flag.id === id)?.label ?? id);
  const words = stateWords(model, position);
  const folded = isLong(text) && !model.unfolded;
  const named = [nameOf(model, state, position), words, ...flags].filter(Boolean).join(', ');
  return html`<article
    class="an ${focused ? 'is-focus' : ''} ${folded ? 'folded' : ''}" data-position=${position} tabindex=${focused ? 0 : -1}
    aria-label=${named} aria-current=${focused ? 'true' : 'false'}
    @focusin=${() => actions.focus(position)} @mousedown=${() => actions.focus(position)}
  >
    <h3><span class="letter" draggable=${
      isRanks(draft.kind) && item.answers.length > 2 ? 'true' : 'false'
    } data-drag=${position}>${letterOf(position)}</span><span class="state clip">${[words, ...flags].filter(Boolean).join(' · ')}</span>${controls(
      model,
      state,
      item,
      position,
      actions,
    )}</h3>
    ${answerText(text, marks)}
    ${
      folded
        ? html`<p class="unfold"><button class="link" @click=${() => actions.toggle('unfolded')}>${l10n.t('Show all {0} words', countWords(text))} ${key('e')}</button></p>`
        : nothing
    }
    ${highlightsView(model, item, position, actions)}
  </article>`;
}

const countWords = (text: string): number => text.split(/\s+/).filter(Boolean).length;

/** What is said of an answer in its label. */
function nameOf({ draft }: Model, { scale }: RankingState, position: number): string {
  const letter = letterOf(position);
  const value = draft.values[position] ?? null;
  switch (draft.kind) {
    case 'rating':
      return value === null
        ? l10n.t('Answer {0}, not rated yet', letter)
        : l10n.t('Answer {0}, {1} of {2}', letter, value, scale.max);
    case 'accept-reject':
      if (value === null) return l10n.t('Answer {0}, not decided yet', letter);
      return value === 1 ? l10n.t('Answer {0}, accepted', letter) : l10n.t('Answer {0}, rejected', letter);
    case 'best-worst':
      if (value === null) return l10n.t('Answer {0}', letter);
      return value === 1 ? l10n.t('Answer {0}, the best', letter) : l10n.t('Answer {0}, the worst', letter);
    default:
      return value === null ? l10n.t('Answer {0}, no rank yet', letter) : l10n.t('Answer {0}, rank {1}', letter, value);
  }
}

function stateWords({ draft }: Model, position: number): string {
  const value = draft.values[position] ?? null;
  if (value === null || (!isRanks(draft.kind) && draft.kind !== 'rating')) return '';
  const same = draft.values.flatMap((other, i) => (i !== position && other === value ? [letterOf(i)] : []));
  return same.length === 0 ? '' : l10n.t('tied with {0}', same.join(', '));
}

function controls(
  model: Model,
  { scale }: RankingState,
  item: RankingItem,
  position: number,
  actions: Actions,
): TemplateResult {
  const letter = letterOf(position);
  const radios = (label: string, options: readonly Option[]): TemplateResult =>
    radioGroup(model, position, label, options, actions);
  switch (item.kind) {
    case 'rating':
      return radios(
        l10n.t('Rating of answer {0}', letter),
        Array.from({ length: scale.max - scale.min + 1 }, (_, i) => {
          const value = scale.min + i;
          const digit = keyOfRating(value, scale);
          const word = scale.labels[String(value)] ?? l10n.t('Rating {0}', value);
          return { value, text: String(value), title: digit === '' ? word : `${word} (${digit})` };
        }),
      );
    case 'accept-reject':
      return radios(l10n.t('Decision on answer {0}', letter), [
        { value: 1, text: html`${icon('check')}${l10n.t('Accept')} ${key('y')}`, title: l10n.t('Accept (y)') },
        { value: 0, text: html`${icon('close')}${l10n.t('Reject')} ${key('x')}`, title: l10n.t('Reject (x)') },
      ]);
    case 'best-worst':
      return html`<span class="ranks wide-ranks" role="group" aria-label=${l10n.t('Answer {0}', letter)}>${(
        [
          [1, l10n.t('Best'), 'y', 'arrow-up'],
          [-1, l10n.t('Worst'), 'x', 'arrow-down'],
        ] as const
      ).map(
        ([value, word, keyName, iconName]) => html`<button
          aria-pressed=${model.draft.values[position] === value ? 'true' : 'false'} tabindex=${model.draft.focus === position ? 0 : -1}
          title="${word} (${keyName})" @click=${() => actions.value(position, value)}
        >${icon(iconName)}${word} ${key(keyName)}</button>`,
      )}</span>`;
    default:
      return radios(
        l10n.t('Rank of answer {0}', letter),
        Array.from({ length: item.answers.length }, (_, i) => ({
          value: i + 1,
          text: String(i + 1),
          title: l10n.t('Rank {0}', i + 1),
        })),
      );
  }
}

interface Option {
  readonly value: number;
  readonly text: string | TemplateResult;
  readonly title: string;
}

/** One tab stop an answer; arrows go to the next option and choose it. */
function radioGroup(
  model: Model,
  position: number,
  label: string,
  options: readonly Option[],
  actions: Actions,
): TemplateResult {
  const chosen = model.draft.values[position] ?? null;
  const onKey = (event: KeyboardEvent, index: number): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = options[Math.min(options.length - 1, Math.max(0, index + by))]!;
    const group = (event.currentTarget as HTMLElement).parentElement;
    actions.value(position, next.value);
    actions.focus(position);
    group?.querySelector<HTMLElement>(`[data-rank="${next.value}"]`)?.focus();
  };
  const wide = options.some(({ text }) => typeof text !== 'string');
  return html`<span class="ranks ${wide ? 'wide-ranks' : ''}" role="radiogroup" aria-label=${label}>${options.map(
    ({ value, text, title }, index) => {
      const stop = model.draft.focus === position && value === (chosen ?? options[0]!.value);
      return html`<button
        role="radio" data-rank=${value} aria-checked=${chosen === value ? 'true' : 'false'} tabindex=${stop ? 0 : -1} title=${title}
        @click=${() => actions.value(position, value)} @keydown=${(event: KeyboardEvent) => onKey(event, index)}
      >${text}</button>`;
    },
  )}</span>`;
}

function highlightsView(
  { draft }: Model,
  item: RankingItem,
  position: number,
  actions: Actions,
): TemplateResult | typeof nothing {
  const own = draft.highlights.map((one, index) => ({ ...one, index })).filter(({ answer }) => answer === position);
  if (own.length === 0) return nothing;
  const { text } = item.answers[position]!;
  return html`<ul class="highlights" aria-label=${l10n.t('Highlights in answer {0}', letterOf(position))}>${own.map(
    ({ start, end, comment, index }) => {
      const words = excerpt(text.slice(start, end));
      return html`<li><q>${words}</q>${comment === '' ? nothing : html` ${comment}`} <button
        class="action" title=${l10n.t('Remove this highlight')} aria-label=${l10n.t('Remove the highlight of “{0}”', words)}
        @click=${() => actions.removeMark(index)}
      >${icon('close')}</button></li>`;
    },
  )}</ul>`;
}
