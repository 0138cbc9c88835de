/** The foot of the Ranking view: the order so far, what decides, note and flags, why to skip, what a highlight means. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { RankingItem, RankingState } from '../../src/protocol/ranking.ts';
import { excerpt } from '../common/answerText.ts';
import { icon } from '../common/codicon.ts';
import { countPairs, groups, isRanks, letterOf } from './draft.ts';
import { extraView } from './extraView.ts';
import { key, keysView } from './keysView.ts';
import type { Actions, Model } from './model.ts';

export function footView(model: Model, state: RankingState, item: RankingItem, actions: Actions): TemplateResult {
  const { draft, saving } = model;
  const flags = draft.flags.reduce((sum, own) => sum + own.length, 0);
  return html`<footer class="foot">
    ${model.extraOpen ? extraView(model, state, actions, 'only-side') : nothing}
    ${notesView(model, actions)}
    ${model.skipping ? skipView(state, actions) : model.marking ? markView(model, item, actions) : nothing}
    <div class="order">${orderView(model, item)}</div>
    <div class="do">
      <button class="button save" aria-keyshortcuts="Enter" ?disabled=${saving} @click=${() => actions.save()}>${
        saving ? l10n.t('Saving…') : l10n.t('Save and Next')
      }${key('Enter')}</button>
      <button class="button secondary" aria-keyshortcuts="b" ?disabled=${saving} @click=${() => actions.allBad()}>${
        item.answers.length === 2 ? l10n.t('Both Bad') : l10n.t('All Bad')
      }${key('b')}</button>
      <button
        class="button secondary" aria-keyshortcuts="s" aria-expanded=${model.skipping ? 'true' : 'false'} ?disabled=${saving}
        @click=${() => actions.askSkip()}
      >${state.review ? l10n.t('Later') : l10n.t('Skip')}${key('s')}</button>
    </div>
    <div class="small">
      <button class="action text ${flags > 0 ? 'on' : ''}" aria-keyshortcuts="f" @click=${() => actions.openExtra('flag')}>${icon('flag')}${
        flags > 0 ? l10n.t('Flag ({0})', flags) : l10n.t('Flag')
      } ${key('f')}</button>
      <button class="action text ${draft.note === '' ? '' : 'on'}" aria-keyshortcuts="n" @click=${() => actions.openExtra('note')}>${icon('note')}${l10n.t('Note')} ${key('n')}</button>
      <button class="action text" aria-keyshortcuts="m" title=${l10n.t('Who wrote the answers judged last (m)')} ?disabled=${!state.canReveal} @click=${() => actions.reveal()}>${icon('eye')}${l10n.t('Models')} ${key('m')}</button>
      <button class="action text" aria-keyshortcuts="u" title=${l10n.t('Take back the last judgement (u)')} ?disabled=${!state.canUndo || saving} @click=${() => actions.undo()}>${icon('discard')}${l10n.t('Undo')} ${key('u')}</button>
    </div>
    <div class="help">${keysView(state, item, model.helpOpen, '')}</div>
  </footer>`;
}

/** Why the item is skipped: a digit, or Enter for no reason. */
const skipView = ({ skipReasons }: RankingState, actions: Actions): TemplateResult =>
  html`<div class="ask-bar" role="group" aria-label=${l10n.t('Why skip this item?')}>
    <span class="label">${l10n.t('Why skip?')}</span>
    ${skipReasons.map(
      ({ id, label }, i) =>
        html`<button class="button secondary" data-skip=${i} @click=${() => actions.skip(id)}>${label}${i < 9 ? key(String(i + 1)) : nothing}</button>`,
    )}
    <button class="button secondary" data-skip="none" @click=${() => actions.skip(null)}>${l10n.t('No Reason')}${key('s')}</button>
    <button class="action text" @click=${() => actions.back()}>${l10n.t('Back')} ${key('Esc')}</button>
  </div>`;

/** What is being highlighted, and the comment on it. */
function markView({ marking }: Model, item: RankingItem, actions: Actions): TemplateResult | typeof nothing {
  if (!marking) return nothing;
  const words = excerpt(item.answers[marking.answer]?.text.slice(marking.start, marking.end) ?? '', 80);
  if (marking.stage === 'words')
    return html`<div class="ask-bar" role="group" aria-label=${l10n.t('Highlight in answer {0}', letterOf(marking.answer))}>
      <span class="grow"><span class="label">${letterOf(marking.answer)}</span> <q>${words}</q></span>
      <span class="keys"><span>${key('←')}${key('→')} ${l10n.t('word')}</span><span>${key('Shift')}${key('→')} ${l10n.t('more')}</span><span>${key('Enter')} ${l10n.t('comment')}</span><span>${key('Esc')} ${l10n.t('back')}</span></span>
    </div>`;
  return html`<div class="ask-bar" role="group" aria-label=${l10n.t('Highlight in answer {0}', letterOf(marking.answer))}>
    <label class="label clip" for="mark-comment">${letterOf(marking.answer)} <q>${words}</q></label>
    <input
      id="mark-comment" data-field="comment" class="field grow" maxlength="1000" .value=${marking.comment}
      placeholder=${l10n.t('Comment, optional')} @input=${(event: Event) => actions.comment((event.target as HTMLInputElement).value)}
    >
    <button class="button secondary" @click=${() => actions.saveMark()}>${l10n.t('Highlight')}${key('Enter')}</button>
    <button class="action text" @click=${() => actions.back()}>${l10n.t('Back')} ${key('Esc')}</button>
  </div>`;
}

/** `B > A = D > C`, and what it comes to; of a ranking, letters can be dragged onto each other and between. */
function orderView(model: Model, item: RankingItem): TemplateResult | typeof nothing {
  const { draft, message } = model;
  const order = groups(draft);
  const drags = isRanks(draft.kind) && item.answers.length > 2;
  const rest = drags ? draft.values.flatMap((value, position) => (value === null ? [position] : [])) : [];
  if (order.length === 0 && message) return nothing;
  if (order.length === 0 && !drags) return html`<span class="dim grow">${askFor(model)}</span>`;
  const { pairs, ties } = countPairs(draft);
  const counts = [
    pairs === 1 ? l10n.t('1 pair') : l10n.t('{0} pairs', pairs),
    ...(ties === 0 ? [] : [ties === 1 ? l10n.t('1 tie') : l10n.t('{0} ties', ties)]),
  ];
  const tied = isRanks(draft.kind) || draft.kind === 'rating';
  const letter = (position: number): TemplateResult =>
    html`<b draggable=${drags ? 'true' : 'false'} data-drag=${position}>${letterOf(position)}</b>`;
  return html`<span class="line strip" data-drop=${order.length}>${order.map(
    (group, i) =>
      html`<span class="dim gap" data-before=${i}>${i > 0 ? '>' : ''}</span><span class="line group" data-onto=${i}>${group.map(
        (position, j) =>
          html`${j > 0 ? (tied ? html`<span class="dim">=</span>` : html`<span class="dim comma">,</span>`) : nothing}${letter(position)}`,
      )}</span>`,
  )}<span class="gap" data-before=${order.length}></span></span>${
    rest.length > 0
      ? html`<span class="line dim rest-letters" title=${l10n.t('Drag a letter onto the order: onto another letter for a tie')}>${
          order.length === 0 ? html`<span>${l10n.t('Rank, or drag here:')}</span>` : nothing
        }${rest.map(letter)}</span>`
      : nothing
  }${order.length > 0 ? html`<span class="dim nowrap grow sum">${counts.join(', ')}</span>` : nothing}`;
}

function askFor({ draft }: Model): string {
  switch (draft.kind) {
    case 'rating':
      return l10n.t('Rate each answer; equal ratings are a tie.');
    case 'accept-reject':
      return l10n.t('Accept or reject each answer.');
    case 'best-worst':
      return l10n.t('Choose the best and the worst.');
    default:
      return draft.values.length === 2
        ? l10n.t('Choose the better answer, or a tie.')
        : l10n.t('Give each answer a rank; equal ranks are a tie.');
  }
}

/** What went wrong, what is missing (read out at once), and what is merely good to know. */
export function notesView(model: Model, actions: Actions): TemplateResult | typeof nothing {
  const { state, message } = model;
  const loud: TemplateResult[] = (state?.problems ?? [])
    .slice(0, 2)
    .map(text => html`<p class="note">${icon('warning', 'c-warn')}<span>${text}</span></p>`);
  if (message?.kind === 'hint')
    loud.push(html`<p class="note">${icon('info', 'c-info')}<span>${message.text}</span></p>`);
  if (model.elsewhere)
    loud.push(
      html`<p class="note">${icon('info', 'c-info')}<span>${l10n.t('You judged this item in another window. Saving replaces that judgement.')} <button class="link" @click=${() => actions.leave()}>${l10n.t('Leave It')}</button></span></p>`,
    );
  if (message?.kind === 'error')
    loud.push(
      html`<p class="note failed">${icon('error', 'c-wrong')}<span>${message.text} <button class="link" @click=${() => actions.retry()}>${l10n.t('Try Again')}</button></span></p>`,
    );
  const quiet = quietNotes(state, actions);
  return html`${loud.length === 0 ? nothing : html`<div class="notes" role="alert">${loud}</div>`}${
    quiet.length === 0 ? nothing : html`<div class="notes" role="status">${quiet}</div>`
  }`;
}

function quietNotes(state: RankingState | null, actions: Actions): TemplateResult[] {
  const notes: TemplateResult[] = [];
  if (state?.revealed)
    notes.push(
      html`<p class="note">${icon('eye', 'c-dim')}<span>${l10n.t('Judged last:')} ${state.revealed.map(
        (name, i) => html`${i > 0 ? ' · ' : ''}<b>${letterOf(i)}</b> ${name}`,
      )}</span></p>`,
    );
  if (state?.guidelines?.changed)
    notes.push(
      html`<p class="note dim">${icon('book', 'c-dim')}<span>${l10n.t('The guidelines were edited since your last judgement.')}</span></p>`,
    );
  if (state?.hint)
    notes.push(
      html`<p class="note dim">${icon('lightbulb', 'c-dim')}<span>${state.hint} <button class="link" @click=${() => actions.act('hints-off')}>${l10n.t('Turn Off Hints')}</button></span></p>`,
    );
  return notes;
}
