/** The Ranking view as a function of its model: prompt and guidelines, blind answers, and what to do with them. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { RankingItem, RankingState } from '../../src/protocol/ranking.ts';
import { answerText } from '../common/answerText.ts';
import { icon } from '../common/codicon.ts';
import { answersView } from './answersView.ts';
import { footView, notesView } from './footView.ts';
import { key, keysView } from './keysView.ts';
import type { Actions, Model } from './model.ts';

export function rankingView(model: Model, actions: Actions): TemplateResult {
  const { state } = model;
  if (!state) return html`<main class="rk loading" aria-busy="true">${notesView(model, actions)}</main>`;
  if (state.set === null) return emptyView(model, actions);
  return html`<main class="rk ${state.item ? '' : 'done'}">
    ${progress(state, actions)}
    ${state.item ? whyView(state, actions) : nothing}
    ${state.item ? itemView(model, state, state.item, actions) : doneView(model, state, actions)}
  </main>`;
}

function progress(state: RankingState, actions: Actions): TemplateResult {
  const current = state.sets.find(set => set.name === state.set);
  const { judged, total } = current ?? { judged: 0, total: 0 };
  return html`<section class="where" aria-label=${l10n.t('Progress')}>
    <div class="line">
      <span class="nowrap"><b>${judged}</b> ${l10n.t('of {0}', total)}</span>
      <span class="only-side set-name">${setPicker(state, actions)}</span>
    </div>
    <div
      class="meter" role="progressbar" aria-label=${l10n.t('Ranked')}
      aria-valuenow=${judged} aria-valuemin="0" aria-valuemax=${total}
    ><i style="width:${total === 0 ? 0 : (100 * judged) / total}%"></i></div>
    ${paceView(state, total - judged)}
    <span class="only-wide grow"></span>
    <span class="only-wide set-name">${setPicker(state, actions)}</span>
    <button
      class="action text only-wide" title=${l10n.t('Who wrote the answers judged last (m)')} aria-keyshortcuts="m"
      ?disabled=${!state.canReveal} @click=${() => actions.reveal()}
    >${icon('eye')}${l10n.t('Models')} ${key('m')}</button>
    <button
      class="action text only-wide" title=${l10n.t('Take back the last judgement (u)')} aria-keyshortcuts="u"
      ?disabled=${!state.canUndo} @click=${() => actions.undo()}
    >${icon('discard')}${l10n.t('Undo')} ${key('u')}</button>
  </section>`;
}

/** Why this item, and how the next one is chosen. */
function whyView(state: RankingState, actions: Actions): TemplateResult {
  return html`<div class="why dim">
    <span class="grow" id="why">${state.reason ?? ''}</span>
    ${
      state.review
        ? html`<button class="action text" @click=${() => actions.review(false)}>${icon('arrow-left')}${l10n.t('Back to Ranking')}</button>`
        : html`${disputesButton(state, actions)}${modePicker(state, actions)}`
    }
  </div>`;
}

function disputesButton(state: RankingState, actions: Actions): TemplateResult | typeof nothing {
  if (state.disputes === 0) return nothing;
  const words = reviewWords(state);
  return html`<button class="action text" title=${words} aria-label=${words} @click=${() => actions.review(true)}
  >${icon('comment-discussion')}${state.disputes}</button>`;
}

const reviewWords = ({ disputes }: RankingState): string =>
  disputes === 1 ? l10n.t('Review 1 Disagreement') : l10n.t('Review {0} Disagreements', disputes);

function modePicker(state: RankingState, actions: Actions): TemplateResult {
  return html`<select
      class="set-select" aria-label=${l10n.t('How the next item is chosen')} title=${l10n.t('How the next item is chosen')} @change=${(
        event: Event,
      ) => actions.chooseMode((event.target as HTMLSelectElement).value as RankingState['mode'])}
    >${state.modes.map(
      ({ id, label }) =>
        html`<option value=${id} ?selected=${id === state.mode} .selected=${id === state.mode}>${label}</option>`,
    )}</select>`;
}

function paceView(state: RankingState, left: number): TemplateResult | typeof nothing {
  const { paceMs: pace, consistency } = state;
  if (pace === null) return nothing;
  return html`<div class="line dim" id="pace"><span class="nowrap">${l10n.t('{0} s median', seconds(pace))}</span>${
    left > 0 ? html`<span class="nowrap">${l10n.t('about {0} left', duration(left * pace))}</span>` : nothing
  }${
    consistency
      ? html`<span class="nowrap" title=${l10n.t('{0} of {1} pairs of answers that came twice were judged alike', consistency.same, consistency.of)}>${l10n.t('{0} % consistent', Math.round((100 * consistency.same) / consistency.of))}</span>`
      : nothing
  }</div>${judgesView(state)}`;
}

/** How model judges agree with this person; nothing of what they say of an item. */
function judgesView({ judges }: RankingState): TemplateResult | typeof nothing {
  if (judges.length === 0) return nothing;
  return html`<div class="line dim" id="judges">${judges.slice(0, 2).map(({ judge, items, same, of }) => {
    const title = l10n.t('{0}: the same as you of {1} of {2} pairs of answers, in {3} items', judge, same, of, items);
    const words = l10n.t('{0} agrees in {1} %', judge.replace(/ on .*$/, ''), Math.round((100 * same) / of));
    return html`<span class="line" title=${title}>${icon('hubot')}<span class="clip">${words}</span></span>`;
  })}</div>`;
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

function itemView(model: Model, state: RankingState, item: RankingItem, actions: Actions): TemplateResult {
  return html`<div class="left">
      ${promptView(model, item, actions)}
      ${guidelinesView(model, state, actions)}
      ${keysView(state, item, true, 'only-wide')}
    </div>
    ${answersView(model, state, item, actions)}
    ${footView(model, state, item, actions)}`;
}

function fold(name: string, id: string, open: boolean, toggle: () => void, keyName?: string): TemplateResult {
  return html`<button
    class="fold" aria-expanded=${open ? 'true' : 'false'} aria-controls=${id} @click=${toggle}
    aria-keyshortcuts=${keyName ?? nothing}
  >${icon(open ? 'chevron-down' : 'chevron-right')}${name} ${keyName ? key(keyName) : nothing}</button>`;
}

function promptView(model: Model, item: RankingItem, actions: Actions): TemplateResult {
  const [only, ...more] = item.messages;
  return html`<section class="ctx">
    <h2 class="section">${fold(l10n.t('Prompt'), 'prompt-body', model.promptOpen, () => actions.toggle('promptOpen'))}</h2>
    <div class="body" id="prompt-body" tabindex="0" role="region" aria-label=${l10n.t('Prompt')} ?hidden=${!model.promptOpen}>${
      only && more.length === 0 ? singleMessage(only.content) : item.messages.map(turnView)
    }</div>
  </section>`;
}

function singleMessage(content: string): TemplateResult {
  const { ask, source } = splitAsk(content);
  return html`<p class="ask">${ask}</p>${source === '' ? nothing : html`<p class="src">${source}</p>`}`;
}

/** One turn of a conversation: the role in words and as a bar, its text as an answer is shown. */
function turnView({ role, content }: RankingItem['messages'][number]): TemplateResult {
  const name = { system: l10n.t('system'), user: l10n.t('user'), assistant: l10n.t('assistant') }[role];
  return html`<div class="turn ${role}"><p class="role">${name}</p>${
    role === 'assistant' ? answerText(content) : html`<p class="ask">${content.trim()}</p>`
  }</div>`;
}

/** A prompt's first line is what is asked; what it is asked about stands in a block of its own. */
export function splitAsk(content: string): { readonly ask: string; readonly source: string } {
  const text = content.trim();
  const end = text.indexOf('\n');
  if (end === -1 || end > 240) return { ask: text, source: '' };
  return { ask: text.slice(0, end).trim(), source: text.slice(end).trim() };
}

function guidelinesView(model: Model, { guidelines }: RankingState, actions: Actions): TemplateResult {
  const { guidelinesOpen: open } = model;
  return html`<section class="ctx guide">
    <h2 class="section">${fold(l10n.t('Guidelines'), 'guidelines-body', open, () => actions.toggle('guidelinesOpen'), 'g')}<span
      class="sub clip" title=${guidelines ? l10n.t('Version {0}', guidelines.version) : nothing}
    >${guidelines?.path.split('/').at(-1) ?? ''}</span><button
      class="action" title=${l10n.t('Edit Guidelines')} aria-label=${l10n.t('Edit Guidelines')} @click=${() => actions.act('edit-guidelines')}
    >${icon('edit')}</button></h2>
    <div class="body" id="guidelines-body" tabindex="0" role="region" aria-label=${l10n.t('Guidelines')} ?hidden=${!open}>${
      guidelines
        ? html`${guidelines.changed ? html`<p class="note">${icon('info', 'c-info')}<span>${l10n.t('Edited since your last judgement.')}</span></p>` : nothing}${answerText(guidelines.text)}`
        : html`<p class="dim">${l10n.t('None yet: what makes an answer better, for everyone who judges here.')}</p>
          <p><button class="link" @click=${() => actions.act('edit-guidelines')}>${l10n.t('Write Guidelines')}</button></p>`
    }</div>
  </section>`;
}

function doneView(model: Model, state: RankingState, actions: Actions): TemplateResult {
  return html`<section class="rest">
    ${notesView(model, actions)}
    ${state.review ? reviewDone(state, actions) : rankingDone(state, actions)}
    <p class="line"><button class="action text" aria-keyshortcuts="u" ?disabled=${!state.canUndo} @click=${() => actions.undo()}>${icon('discard')}${l10n.t('Undo')} ${key('u')}</button>
    <button class="action text" aria-keyshortcuts="m" ?disabled=${!state.canReveal} @click=${() => actions.reveal()}>${icon('eye')}${l10n.t('Models')} ${key('m')}</button></p>
  </section>`;
}

/** The button to the first set with work left. */
function elsewhere(state: RankingState, actions: Actions): TemplateResult | undefined {
  const other = state.sets.find(set => set.judged < set.total);
  if (!other) return undefined;
  return html`<button class="button wide" @click=${() => actions.chooseSet(other.name)}>${l10n.t('Continue with {0}', other.name)}</button>`;
}

function reviewDone(state: RankingState, actions: Actions): TemplateResult {
  const current = state.sets.find(set => set.name === state.set);
  const other = elsewhere(state, actions);
  return html`<p>${icon('pass', 'c-right')} ${
    current && current.total > 0
      ? l10n.t('All disagreements on {0} are settled: {1}.', state.set ?? '', current.total)
      : l10n.t('No two people contradict each other on {0}.', state.set ?? '')
  }</p>
    ${other ?? nothing}
    <button class="button ${other ? 'secondary' : ''} wide" @click=${() => actions.review(false)}>${l10n.t('Back to Ranking')}</button>`;
}

function rankingDone(state: RankingState, actions: Actions): TemplateResult {
  const current = state.sets.find(set => set.name === state.set);
  return html`<p>${icon('pass', 'c-right')} ${
    current?.total === 0
      ? l10n.t('Others have judged all of {0}.', state.set ?? '')
      : l10n.t('All {0} of {1} are ranked.', current?.total ?? 0, state.set ?? '')
  }</p>
    ${
      elsewhere(state, actions) ??
      html`<p class="dim">${l10n.t('A reward model learns from these rankings what you prefer, and then scores new answers in your place.')}</p>
          <button class="button wide" @click=${() => actions.act('train-reward-model')}>${l10n.t('Train Reward Model')}</button>`
    }
    ${
      state.disputes > 0
        ? html`<button class="button secondary wide" @click=${() => actions.review(true)}>${reviewWords(state)}</button>`
        : nothing
    }
    <button class="button secondary wide" @click=${() => actions.act('export')}>${l10n.t('Export Preferences…')}</button>
    <button class="button secondary wide" @click=${() => actions.act('import-answers')}>${l10n.t('Put Up More Answers…')}</button>`;
}

function emptyView(model: Model, actions: Actions): TemplateResult {
  return html`<main class="rk empty"><section class="rest">
    ${notesView(model, actions)}
    <p>${l10n.t('Nothing to rank. Run a template with two or more samples, then choose Send to Ranking on a row.')}</p>
    <button class="button wide" @click=${() => actions.act('open-playground')}>${l10n.t('Sample Answers in the Playground')}</button>
    <button class="button secondary wide" @click=${() => actions.act('import-answers')}>${l10n.t('Put Up Answers from a File…')}</button>
    <button class="button secondary wide" @click=${() => actions.act('open-data')}>${l10n.t('Open Preference Data')}</button>
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
