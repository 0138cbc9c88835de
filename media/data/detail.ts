/** The chosen item: its prompt, the answers from best to worst, what each annotator said, and the pairs that follow. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { DataDetail, DetailJudgement } from '../../src/protocol/preferenceData.ts';
import { answerText } from '../common/answerText.ts';
import { icon } from '../common/codicon.ts';
import type { DataPage } from './dataPage.ts';
import { dateTime, kindWords, letterOf, saidWords, seconds } from './words.ts';

export function detailView(page: DataPage, detail: DataDetail): TemplateResult {
  return html`<aside class="detail" aria-label=${l10n.t('The chosen item')} tabindex="-1">
    <header class="bar">
      <h2 class="clip" title=${detail.id}>${detail.set}</h2>${detail.split === null ? nothing : html`<span class="dim nowrap">${detail.split}</span>`}
      <span class="grow"></span>
      ${button('law', l10n.t('Judge in the Ranking View'), () => void page.judge(detail.id))}
      ${button('copy', l10n.t('Copy as JSON'), () => void page.copy(detail.id))}
      ${button('close', l10n.t('Close (Esc)'), () => page.close())}
    </header>
    <div class="scroll" tabindex="0" role="group" aria-label=${l10n.t('Prompt, answers and judgements')}>
      ${promptView(detail)}
      <section><h3 class="section">${l10n.t('Answers')}<span class="sub">${l10n.t('from best to worst')}</span></h3>
        ${detail.answers.map(answer => answerView(answer))}</section>
      <section><h3 class="section">${l10n.t('Judgements')}<span class="sub">${agreementWords(detail)}</span></h3>
        ${
          detail.judgements.length === 0
            ? html`<p class="dim pad">${l10n.t('Nobody has judged this item yet.')}</p>`
            : detail.judgements.map(judgement => judgementView(page, detail, judgement))
        }</section>
      ${pairsView(detail)}
    </div>
  </aside>`;
}

const button = (glyph: string, label: string, run: () => void): TemplateResult =>
  html`<button class="action" title=${label} aria-label=${label} @click=${run}>${icon(glyph)}</button>`;

const roleWords = () => ({ system: l10n.t('System'), user: l10n.t('User'), assistant: l10n.t('Assistant') });

function promptView({ messages }: DataDetail): TemplateResult {
  const words = roleWords();
  const alone = messages.length === 1 && messages[0]!.role === 'user';
  return html`<section><h3 class="section">${l10n.t('Prompt')}</h3>
    ${messages.map(
      ({ role, content }) =>
        html`<div class="message ${role}">${alone ? nothing : html`<p class="role xs">${words[role]}</p>`}<p class="prose">${content}</p></div>`,
    )}</section>`;
}

function answerView({ number, text, model, source, better, tied, worse, highlights }: DataDetail['answers'][number]) {
  const compared = better + tied + worse;
  const tally = [
    l10n.t('{0} better', better),
    ...(tied > 0 ? [l10n.t('{0} tied', tied)] : []),
    l10n.t('{0} worse', worse),
  ].join(', ');
  return html`<article class="answer" aria-label=${l10n.t('Answer {0}', letterOf(number))}>
    <h4><b class="letter">${letterOf(number)}</b><span class="clip dim" title=${source ?? model}>${model}</span><span class="grow"></span>
      <span class="dim nowrap xs">${compared === 0 ? l10n.t('not compared') : tally}</span></h4>
    ${answerText(
      text,
      highlights.map(({ start, end }) => ({ start, end, kind: 'marked' as const })),
    )}
    ${highlights.map(
      ({ start, end, comment, annotator }) =>
        html`<p class="comment xs"><q class="clip">${text.slice(start, end)}</q><span>${comment}</span><span class="dim">${annotator}</span></p>`,
    )}
  </article>`;
}

function agreementWords({ judgements, agreed }: DataDetail): string {
  const count = judgements.length === 1 ? l10n.t('1 annotator') : l10n.t('{0} annotators', judgements.length);
  if (agreed === null) return count;
  return agreed ? l10n.t('{0}, all agree', count) : l10n.t('{0}, they do not agree', count);
}

function judgementView(page: DataPage, detail: DataDetail, one: DetailJudgement): TemplateResult {
  const words = saidWords(one, detail.answers.length);
  const marks = [
    ...(one.kind === 'ranking' ? [] : [kindWords()[one.kind]]),
    ...(one.repeat ? [l10n.t('repeat')] : []),
    ...(one.revises ? [l10n.t('revised')] : []),
    ...(one.unblinded ? [l10n.t('models were known')] : []),
    ...(one.skipReason === null ? [] : [one.skipReason]),
  ];
  const shown = one.shown.map(letterOf).join(' ');
  return html`<article class="judgement" aria-label=${l10n.t('Judgement of {0}', one.annotator)}>
    <h4>${icon(one.judge ? 'hubot' : 'account', 'c-dim')}<span class="clip">${one.annotator}</span><b class="said">${words}</b><span class="grow"></span>
      ${
        one.own
          ? html`<button class="action" title=${l10n.t('Delete This Judgement')} aria-label=${l10n.t('Delete the judgement of {0}', one.annotator)}
              @click=${() => void page.deleteJudgement(detail.id, one.id)}>${icon('trash')}</button>`
          : nothing
      }</h4>
    <p class="xs dim meta"><span>${dateTime(Date.parse(one.at) || 0)}</span><span>${seconds(one.milliseconds)}</span>${
      shown === '' ? nothing : html`<span>${l10n.t('shown as {0}', shown)}</span>`
    }${one.guidelines === null ? nothing : html`<span>${l10n.t('guidelines {0}', one.guidelines)}</span>`}${marks.map(mark => html`<span>${mark}</span>`)}</p>
    ${
      one.ratings.length === 0
        ? nothing
        : html`<p class="xs">${one.ratings.map(({ answer, rating }) => `${letterOf(answer)} ${rating}`).join(' · ')}</p>`
    }
    ${one.flags.map(({ answer, flag }) => html`<p class="line xs">${icon('flag', 'c-warn')}<span>${answer < 0 ? flag : `${letterOf(answer)}: ${flag}`}</span></p>`)}
    ${one.note === null ? nothing : html`<p class="prose note-text">${one.note}</p>`}
  </article>`;
}

function pairsView({ pairs }: DataDetail): TemplateResult {
  const all = pairs.reduce((sum, { count }) => sum + count, 0);
  return html`<section><h3 class="section">${l10n.t('Preference pairs')}<span class="sub">${all}</span></h3>
    ${
      pairs.length === 0
        ? html`<p class="dim pad">${l10n.t('No pair follows: ties, skipped items and those where all are bad give none.')}</p>`
        : html`<ul class="pairs">${pairs.map(
            ({ chosen, rejected, count }) =>
              html`<li>${l10n.t('{0} over {1}', letterOf(chosen), letterOf(rejected))}${count > 1 ? html` <span class="dim">×${count}</span>` : nothing}</li>`,
          )}</ul>`
    }</section>`;
}
