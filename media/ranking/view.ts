/** The Ranking view as a function of its model: prompt, blind answers with their ranks, and what to do with them. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { RankingItem, RankingState } from '../../src/protocol/ranking.ts';
import { icon } from '../common/codicon.ts';
import { answerText } from './answerText.ts';
import { countPairs, type Draft, groups, letterOf } from './draft.ts';

export interface Model {
  readonly state: RankingState | null;
  readonly draft: Draft;
  readonly saving: boolean;
  readonly message: { readonly kind: 'error' | 'hint'; readonly text: string } | null;
  readonly promptOpen: boolean;
  /** In the narrow view note and flags come when they are asked for. */
  readonly extraOpen: boolean;
}

export interface Actions {
  focus(position: number): void;
  rank(position: number, value: number): void;
  save(): void;
  allBad(): void;
  skip(): void;
  undo(): void;
  flag(id: string): void;
  note(text: string): void;
  openExtra(field: 'note' | 'flag'): void;
  togglePrompt(): void;
  chooseSet(name: string): void;
  retry(): void;
  act(action: 'open-playground' | 'train-reward-model' | 'export'): void;
}

export const flagLabels = (): readonly { readonly id: string; readonly label: string }[] => [
  { id: 'invented-fact', label: l10n.t('Invented fact') },
  { id: 'unsafe', label: l10n.t('Unsafe') },
  { id: 'wrong-language', label: l10n.t('Wrong language') },
];

const key = (name: string): TemplateResult => html`<kbd aria-hidden="true">${name}</kbd>`;

export function rankingView(model: Model, actions: Actions): TemplateResult {
  const { state } = model;
  if (!state) return html`<main class="rk loading" aria-busy="true">${failure(model, actions)}</main>`;
  if (state.set === null) return emptyView(model, actions);
  return html`<main class="rk ${state.item ? '' : 'done'}">
    ${progress(state, actions)}
    ${state.item ? itemView(model, state.item, actions) : doneView(model, state, actions)}
  </main>`;
}

function progress(state: RankingState, actions: Actions): TemplateResult {
  const current = state.sets.find(set => set.name === state.set);
  const { judged, total } = current ?? { judged: 0, total: 0 };
  const left = total - judged;
  const pace = state.paceMs;
  return html`<section class="where" aria-label=${l10n.t('Progress')}>
    <div class="line">
      <span class="nowrap"><b>${judged}</b> ${l10n.t('of {0}', total)}</span>
      <span class="only-side set-name">${setPicker(state, actions)}</span>
    </div>
    <div
      class="meter" role="progressbar" aria-label=${l10n.t('Ranked')}
      aria-valuenow=${judged} aria-valuemin="0" aria-valuemax=${total}
    ><i style="width:${total === 0 ? 0 : (100 * judged) / total}%"></i></div>
    ${
      pace === null
        ? nothing
        : html`<div class="line dim" id="pace"><span class="nowrap">${l10n.t('{0} s median', seconds(pace))}</span>${
            left > 0 ? html`<span class="nowrap">${l10n.t('about {0} left', duration(left * pace))}</span>` : nothing
          }</div>`
    }
    <span class="only-wide grow"></span>
    <span class="only-wide set-name">${setPicker(state, actions)}</span>
    <button
      class="action text only-wide" title=${l10n.t('Take back the last judgement (u)')}
      ?disabled=${!state.canUndo} @click=${() => actions.undo()}
    >${icon('discard')}${l10n.t('Undo')} ${key('u')}</button>
  </section>`;
}

/** With one set its name, with several a choice between them. */
function setPicker(state: RankingState, actions: Actions): TemplateResult {
  if (state.sets.length < 2) return html`<span class="dim clip">${state.set}</span>`;
  return html`<select
    class="set-select" aria-label=${l10n.t('Set')}
    @change=${(event: Event) => actions.chooseSet((event.target as HTMLSelectElement).value)}
  >${state.sets.map(
    set =>
      html`<option value=${set.name} ?selected=${set.name === state.set} .selected=${set.name === state.set}>${set.name} (${
        set.total - set.judged
      })</option>`,
  )}</select>`;
}

function itemView(model: Model, item: RankingItem, actions: Actions): TemplateResult {
  return html`<div class="left">
      ${promptView(model, item, actions)}
      <div class="keys only-wide">${keyHelp(item, true)}</div>
    </div>
    <section class="answers" data-count=${item.answers.length} aria-label=${l10n.t('Answers, in shuffled order')}>
      ${item.answers.map((_, position) => answerView(model, item, position, actions))}
      ${extraView(model, actions, 'only-wide')}
    </section>
    ${footView(model, item, actions)}`;
}

function promptView(model: Model, item: RankingItem, actions: Actions): TemplateResult {
  return html`<section class="ctx">
    <h2 class="section"><button
        class="fold" aria-expanded=${model.promptOpen ? 'true' : 'false'} aria-controls="prompt-body"
        @click=${() => actions.togglePrompt()}
      >${icon(model.promptOpen ? 'chevron-down' : 'chevron-right')}${l10n.t('Prompt')}</button></h2>
    <div class="body" id="prompt-body" ?hidden=${!model.promptOpen}>${item.messages.map(message => {
      const role = { system: l10n.t('system'), user: l10n.t('user'), assistant: l10n.t('assistant') }[message.role];
      const label = item.messages.length > 1 ? html`<p class="role ${message.role}">${role}</p>` : nothing;
      const { ask, source } = splitAsk(message.content);
      return html`${label}<p class="ask">${ask}</p>${source === '' ? nothing : html`<p class="src">${source}</p>`}`;
    })}</div>
  </section>`;
}

/** A prompt's first line is what is asked; what it is asked about stands in a block of its own. */
export function splitAsk(content: string): { readonly ask: string; readonly source: string } {
  const text = content.trim();
  const end = text.indexOf('\n');
  if (end === -1 || end > 240) return { ask: text, source: '' };
  return { ask: text.slice(0, end).trim(), source: text.slice(end).trim() };
}

function answerView(model: Model, item: RankingItem, position: number, actions: Actions): TemplateResult {
  const { draft } = model;
  const letter = letterOf(position);
  const rank = draft.ranks[position] ?? null;
  const focused = draft.focus === position;
  const tied = draft.ranks
    .map((value, other) => (other !== position && rank !== null && value === rank ? letterOf(other) : ''))
    .filter(name => name !== '');
  const state = tied.length > 0 ? l10n.t('tied with {0}', tied.join(', ')) : '';
  const named =
    rank === null ? l10n.t('Answer {0}, no rank yet', letter) : l10n.t('Answer {0}, rank {1}', letter, rank);
  return html`<article
    class="an ${focused ? 'is-focus' : ''}" data-position=${position} tabindex=${focused ? 0 : -1}
    aria-label=${state === '' ? named : `${named}, ${state}`} aria-current=${focused ? 'true' : 'false'}
    @focusin=${() => actions.focus(position)} @mousedown=${() => actions.focus(position)}
  >
    <h3><span class="letter">${letter}</span><span class="state">${state}</span>${rankButtons(model, item, position, actions)}</h3>
    ${answerText(item.answers[position]!.text)}
  </article>`;
}

function rankButtons(model: Model, item: RankingItem, position: number, actions: Actions): TemplateResult {
  const count = item.answers.length;
  const { draft } = model;
  const chosen = draft.ranks[position] ?? null;
  const onKey = (event: KeyboardEvent, value: number): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = Math.min(count, Math.max(1, value + by));
    const group = (event.currentTarget as HTMLElement).parentElement;
    actions.rank(position, next);
    actions.focus(position);
    group?.querySelector<HTMLElement>(`[data-rank="${next}"]`)?.focus();
  };
  return html`<span class="ranks" role="radiogroup" aria-label=${l10n.t('Rank of answer {0}', letterOf(position))}>${Array.from(
    { length: count },
    (_, i) => {
      const value = i + 1;
      const stop = draft.focus === position && value === (chosen ?? 1);
      return html`<button
        role="radio" data-rank=${value} aria-checked=${chosen === value ? 'true' : 'false'} tabindex=${stop ? 0 : -1}
        title=${l10n.t('Rank {0} ({0})', value)}
        @click=${() => actions.rank(position, value)} @keydown=${(event: KeyboardEvent) => onKey(event, value)}
      >${value}</button>`;
    },
  )}</span>`;
}

function extraView(model: Model, actions: Actions, where: 'only-wide' | 'only-side'): TemplateResult {
  return html`<div class="${where} extra">
    <label class="label" for="note-${where}">${l10n.t('Note')}</label>
    <input
      id="note-${where}" data-note class="field grow" maxlength="2000" .value=${model.draft.note}
      placeholder=${l10n.t('Why? Optional, kept with the judgement')}
      @input=${(event: Event) => actions.note((event.target as HTMLInputElement).value)}
    >
    <span class="line flags" role="group" aria-labelledby="flag-${where}"><span class="label" id="flag-${where}">${l10n.t('Flag')}</span>${flagLabels().map(
      ({ id, label }) => html`<label class="ck"><input
        type="checkbox" data-flag=${id} .checked=${model.draft.flags.includes(id)} @change=${() => actions.flag(id)}
      >${label}</label>`,
    )}</span>
  </div>`;
}

function footView(model: Model, item: RankingItem, actions: Actions): TemplateResult {
  const { draft, saving, state } = model;
  const two = item.answers.length === 2;
  return html`<footer class="foot">
    ${model.extraOpen ? extraView(model, actions, 'only-side') : nothing}
    ${failure(model, actions)}
    <div class="order">${orderView(model)}</div>
    <div class="do">
      <button class="button save" aria-keyshortcuts="Enter" ?disabled=${saving} @click=${() => actions.save()}>${
        saving ? l10n.t('Saving…') : l10n.t('Save and Next')
      }${key('Enter')}</button>
      <button class="button secondary" aria-keyshortcuts="b" ?disabled=${saving} @click=${() => actions.allBad()}>${
        two ? l10n.t('Both Bad') : l10n.t('All Bad')
      }${key('b')}</button>
      <button class="button secondary" aria-keyshortcuts="s" ?disabled=${saving} @click=${() => actions.skip()}>${l10n.t('Skip')}${key('s')}</button>
    </div>
    <div class="small">
      <button class="action text ${draft.flags.length > 0 ? 'on' : ''}" aria-keyshortcuts="f" @click=${() => actions.openExtra('flag')}>${icon('flag')}${
        draft.flags.length > 0 ? l10n.t('Flag ({0})', draft.flags.length) : l10n.t('Flag')
      } ${key('f')}</button>
      <button class="action text ${draft.note === '' ? '' : 'on'}" aria-keyshortcuts="n" @click=${() => actions.openExtra('note')}>${icon('note')}${l10n.t('Note')} ${key('n')}</button>
      <button class="action text" aria-keyshortcuts="u" title=${l10n.t('Take back the last judgement (u)')} ?disabled=${!state?.canUndo || saving} @click=${() => actions.undo()}>${icon('discard')}${l10n.t('Undo')} ${key('u')}</button>
    </div>
    <div class="keys">${keyHelp(item, false)}</div>
  </footer>`;
}

/** `B > A = D > C`, and what it comes to. */
function orderView({ draft, message }: Model): TemplateResult | typeof nothing {
  const order = groups(draft);
  if (order.length === 0 && message) return nothing;
  if (order.length === 0)
    return html`<span class="dim grow">${l10n.t('Give each answer a rank; equal ranks are a tie.')}</span>`;
  const { pairs, ties } = countPairs(draft);
  const counts = [
    pairs === 1 ? l10n.t('1 pair') : l10n.t('{0} pairs', pairs),
    ...(ties === 0 ? [] : [ties === 1 ? l10n.t('1 tie') : l10n.t('{0} ties', ties)]),
  ];
  return html`${order.map(
    (group, i) =>
      html`${i > 0 ? html`<span class="dim">&gt;</span>` : nothing}${group.map(
        (position, j) => html`${j > 0 ? html`<span class="dim">=</span>` : nothing}<b>${letterOf(position)}</b>`,
      )}`,
  )}<span class="dim nowrap grow sum">${counts.join(', ')}</span>`;
}

function keyHelp(item: RankingItem, all: boolean): TemplateResult {
  const count = item.answers.length;
  return html`<span>${key('↑')}${key('↓')} ${l10n.t('choose')}</span>
    <span>${key('1')}–${key(String(Math.min(9, count)))} ${l10n.t('rank')}</span>
    <span>${key('t')} ${l10n.t('tie with the one before')}</span>
    ${
      all
        ? html`<span>${key('b')} ${count === 2 ? l10n.t('both bad') : l10n.t('all bad')}</span>
          <span>${key('s')} ${l10n.t('skip')}</span>
          <span>${key('f')} ${l10n.t('flag')}</span>
          <span>${key('n')} ${l10n.t('note')}</span>
          <span>${key('Enter')} ${l10n.t('save, next')}</span>`
        : nothing
    }`;
}

function failure(model: Model, actions: Actions): TemplateResult | typeof nothing {
  const problems = model.state?.problems ?? [];
  const notes: TemplateResult[] = problems
    .slice(0, 2)
    .map(text => html`<p class="note">${icon('warning', 'c-warn')}<span>${text}</span></p>`);
  if (model.message?.kind === 'hint')
    notes.push(html`<p class="note">${icon('info', 'c-info')}<span>${model.message.text}</span></p>`);
  if (model.message?.kind === 'error') {
    notes.push(
      html`<p class="note failed">${icon('error', 'c-wrong')}<span>${model.message.text} <button class="link" @click=${() => actions.retry()}>${l10n.t('Try Again')}</button></span></p>`,
    );
  }
  return notes.length === 0 ? nothing : html`<div class="notes" role="alert">${notes}</div>`;
}

function doneView(model: Model, state: RankingState, actions: Actions): TemplateResult {
  const current = state.sets.find(set => set.name === state.set);
  const other = state.sets.find(set => set.judged < set.total);
  return html`<section class="rest">
    ${failure(model, actions)}
    <p>${icon('pass', 'c-right')} ${l10n.t('All {0} of {1} are ranked.', current?.total ?? 0, state.set ?? '')}</p>
    ${
      other
        ? html`<button class="button wide" @click=${() => actions.chooseSet(other.name)}>${l10n.t('Continue with {0}', other.name)}</button>`
        : html`<p class="dim">${l10n.t('A reward model learns from these rankings what you prefer, and then scores new answers in your place.')}</p>
          <button class="button wide" @click=${() => actions.act('train-reward-model')}>${l10n.t('Train Reward Model')}</button>`
    }
    <button class="button secondary wide" @click=${() => actions.act('export')}>${l10n.t('Export Preferences…')}</button>
    <p class="line"><button class="action text" ?disabled=${!state.canUndo} @click=${() => actions.undo()}>${icon('discard')}${l10n.t('Undo')} ${key('u')}</button></p>
  </section>`;
}

function emptyView(model: Model, actions: Actions): TemplateResult {
  return html`<main class="rk empty"><section class="rest">
    ${failure(model, actions)}
    <p>${l10n.t('Nothing to rank. Run a template with two or more samples, then choose Send to Ranking on a row.')}</p>
    <button class="button wide" @click=${() => actions.act('open-playground')}>${l10n.t('Sample Answers in the Playground')}</button>
  </section></main>`;
}

const seconds = (milliseconds: number): string => {
  const value = milliseconds / 1000;
  return value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value));
};

function duration(milliseconds: number): string {
  const minutes = milliseconds / 60000;
  return minutes < 1
    ? l10n.t('{0} s', Math.max(1, Math.round(milliseconds / 1000)))
    : l10n.t('{0} min', Math.round(minutes));
}
