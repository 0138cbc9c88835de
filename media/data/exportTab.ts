/** The tab of exports: a format, what it cannot hold, how prompts are split, and where the files went. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { ExportChoice, ShownPlan } from '../../src/protocol/preferenceFigures.ts';
import { icon } from '../common/codicon.ts';
import { select } from '../common/controls.ts';
import type { DataPage } from './dataPage.ts';
import { figure } from './words.ts';

const formats = (): Readonly<Record<ExportChoice['format'], string>> => ({
  trl: l10n.t('TRL preference pairs, conversational'),
  'trl-standard': l10n.t('TRL preference pairs, plain text'),
  'trl-implicit': l10n.t('TRL preference pairs, prompt inside'),
  kto: l10n.t('KTO: single answers with a label'),
  rankings: l10n.t('Rankings: all that Tunesmith knows'),
  openai: l10n.t('OpenAI preference fine-tuning'),
  hh: l10n.t('Anthropic HH-RLHF'),
  stiennon: l10n.t('Stiennon et al. comparisons'),
  argilla: l10n.t('Argilla records'),
  arena: l10n.t('Chatbot Arena battles'),
  csv: l10n.t('CSV of pairs'),
  parquet: l10n.t('Parquet of pairs'),
});

const lossWords = (): Readonly<Record<string, string>> => ({
  ties: l10n.t('ties'),
  'all-bad': l10n.t('“all bad”'),
  skipped: l10n.t('skipped items'),
  annotators: l10n.t('names of annotators'),
  models: l10n.t('names of models'),
  flags: l10n.t('flags'),
  notes: l10n.t('notes'),
  highlights: l10n.t('highlights'),
  times: l10n.t('times taken'),
  'order shown': l10n.t('the order shown'),
  rankings: l10n.t('rankings as a whole (their pairs are)'),
  'middle answers': l10n.t('answers in the middle'),
  ratings: l10n.t('ratings'),
  roles: l10n.t('prompts whose messages do not fit'),
  uncompared: l10n.t('answers that were not compared'),
});

const judgeWords = (): Readonly<Record<ExportChoice['judges'], string>> => ({
  exclude: l10n.t('People only'),
  include: l10n.t('People and judges'),
  only: l10n.t('Judges only'),
});

export function exportTab(page: DataPage): TemplateResult {
  const { choice } = page;
  const { facets } = page.state!;
  const [names, judges] = [formats(), judgeWords()];
  const all = '';
  return html`<div class="tab-body export" role="tabpanel" id="panel-export" aria-labelledby="tab-export" tabindex="0">
    <div class="form">
      <span class="label">${l10n.t('Format')}</span>
      ${select(
        l10n.t('Format'),
        Object.entries(names).map(([value, label]) => ({ value: value as ExportChoice['format'], label })),
        choice.format,
        format => page.chooseExport({ format }),
      )}
      <span class="label">${l10n.t('Set')}</span>
      ${select(
        l10n.t('Set'),
        [{ value: all, label: l10n.t('All sets') }, ...facets.sets.map(({ name }) => ({ value: name, label: name }))],
        choice.set ?? all,
        set => page.chooseExport({ set: set === all ? null : set }),
      )}
      ${
        facets.annotators.some(({ judge }) => judge)
          ? html`<span class="label">${l10n.t('Judgements')}</span>${select(
              l10n.t('Judgements'),
              Object.entries(judges).map(([value, label]) => ({ value: value as ExportChoice['judges'], label })),
              choice.judges,
              value => page.chooseExport({ judges: value }),
            )}`
          : nothing
      }
      <label class="label" for="export-splits">${l10n.t('Splits')}</label>
      <input class="field" id="export-splits" spellcheck="false" placeholder=${l10n.t('none, one file')} .value=${choice.splits}
        @change=${(event: Event) => page.chooseExport({ splits: (event.target as HTMLInputElement).value.trim() })}>
      <span></span>
      <label class="check"><input type="checkbox" .checked=${choice.redact} @change=${(event: Event) => page.chooseExport({ redact: (event.target as HTMLInputElement).checked })}>${l10n.t('Replace keys and personal data by their kind')}</label>
    </div>
    ${planView(page)}
    ${leakView(page)}
    <p><button class="button" ?disabled=${page.exported.isBusy || page.plan.value?.judgements === 0} @click=${() => void page.exportNow(false)}>${icon('export')}${l10n.t('Export…')}</button></p>
    ${doneView(page)}
  </div>`;
}

function planView(page: DataPage): TemplateResult {
  const { value, problem, isBusy } = page.plan;
  if (problem !== undefined && !isBusy)
    return html`<p class="note" role="alert">${icon('error', 'c-wrong')}<span>${problem}</span></p>`;
  if (!value || isBusy)
    return html`<p class="note" role="status">${icon('loading')}<span>${l10n.t('Counting what the format holds…')}</span></p>`;
  return html`<div class="plan" role="status">${rowsOf(value)}${lostOf(value)}
    <p class="dim">${l10n.t('A datasheet in Markdown is written beside: who judged, lengths, what is not kept, known problems.')}</p></div>`;
}

function rowsOf({ judgements, rows }: ShownPlan): TemplateResult {
  const parts = Object.entries(rows).map(([split, count]) =>
    split === '' ? l10n.t('{0} rows', figure(count)) : l10n.t('{0}: {1} rows', split, figure(count)),
  );
  return html`<p>${l10n.t('{0} judgements become', figure(judgements))} <b>${parts.length === 0 ? l10n.t('{0} rows', 0) : parts.join(', ')}</b></p>`;
}

function lostOf({ lost }: ShownPlan): TemplateResult {
  const words = lossWords();
  const parts = Object.entries(lost);
  if (parts.length === 0)
    return html`<p class="note">${icon('pass', 'c-right')}<span>${l10n.t('The format holds all of it.')}</span></p>`;
  return html`<p class="note">${icon('warning', 'c-warn')}<span>${l10n.t('The format cannot hold, of so many judgements:')}
    ${parts.map(([loss, count], i) => html`${i > 0 ? ', ' : ''}${words[loss] ?? loss} (${figure(count)})`)}</span></p>`;
}

function leakView(page: DataPage): TemplateResult | typeof nothing {
  const result = page.exported.value;
  if (!result || !('leak' in result)) return nothing;
  const text =
    result.leak === 'secrets'
      ? l10n.t(
          'Nothing was written: {0} items hold what looks like a key or a token. Take them down, or let them be replaced.',
          figure(result.count),
        )
      : l10n.t(
          'Nothing was written: {0} prompts stand nearly alike in two splits, so that a test would measure memory. Take one of each down.',
          figure(result.count),
        );
  return html`<p class="note" role="alert">${icon('error', 'c-wrong')}<span>${text}
    <button class="link" @click=${() => page.open('findings')}>${l10n.t('Show Findings')}</button>
    ${result.leak === 'secrets' ? html`<button class="link" @click=${() => page.chooseExport({ redact: true })}>${l10n.t('Replace Them')}</button>` : nothing}
    <button class="link" @click=${() => void page.exportNow(true)}>${l10n.t('Export All the Same…')}</button></span></p>`;
}

function doneView(page: DataPage): TemplateResult | typeof nothing {
  const { value, problem, isBusy } = page.exported;
  if (isBusy) return html`<p class="note" role="status">${icon('loading')}<span>${l10n.t('Exporting…')}</span></p>`;
  if (problem !== undefined)
    return html`<p class="note" role="alert">${icon('error', 'c-wrong')}<span>${problem}</span></p>`;
  if (!value || !('files' in value)) return nothing;
  const open = (path: string): void => void page.host.openExported({ path }).catch(() => {});
  const nameOf = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;
  return html`<div class="done" role="status">${value.files.map(
    ({ path, rows }) =>
      html`<p class="note">${icon('pass', 'c-right')}<span><button class="link" title=${path} @click=${() => open(path)}>${nameOf(path)}</button> ${l10n.t('{0} rows', figure(rows))}</span></p>`,
  )}<p class="note">${icon('note')}<span><button class="link" title=${value.datasheet} @click=${() => open(value.datasheet)}>${nameOf(value.datasheet)}</button></span></p></div>`;
}
