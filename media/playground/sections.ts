/** The folding sections under the prompt: what all have in common, the inputs and the sampling. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { TemplateState } from '../../src/protocol/playgroundTemplate.ts';
import { icon } from '../common/codicon.ts';
import './inputRows.ts';
import type { Store } from './store.ts';

/** A header that folds what is below it. */
export function section(
  store: Store,
  id: string,
  title: string,
  sub: string,
  actions: TemplateResult | typeof nothing,
  body: () => TemplateResult,
): TemplateResult {
  const folded = store.folded.has(id);
  return html`<h2 class="section">
      <button class="fold" aria-expanded=${!folded} @click=${() => store.fold(id, !folded)}>
        ${icon(folded ? 'chevron-right' : 'chevron-down')}<span>${title}</span><span class="sub clip">${sub}</span>
      </button>
      <span class="acts">${actions}</span>
    </h2>
    ${folded ? nothing : body()}`;
}

export const action = (store: Store, name: 'open-rows' | 'open-bank', glyph: string, title: string): TemplateResult =>
  html`<button class="action" title=${title} aria-label=${title} @click=${() => store.ask(store.host.act({ action: name }))}>${icon(glyph)}</button>`;

export function inputsSection(store: Store, template: TemplateState): TemplateResult {
  const { rows } = template;
  const sub =
    rows.file === null
      ? template.inputs.length === 0
        ? l10n.t('none')
        : l10n.t('defaults of the template')
      : rows.total > rows.values.length
        ? l10n.t('{0} of {1} rows, {2}', rows.values.length, rows.total, rows.file)
        : l10n.t('{0} rows, {1}', rows.total, rows.file);
  const open = rows.file === null ? nothing : action(store, 'open-rows', 'go-to-file', l10n.t('Open the Rows'));
  return section(store, 'inputs', l10n.t('Inputs'), sub, open, () =>
    rows.file === null ? defaultFields(store, template) : rowsTable(store, template),
  );
}

/** Without a file of rows the template's own defaults are the one row; they are edited here. */
function defaultFields(store: Store, template: TemplateState): TemplateResult {
  if (template.inputs.length === 0) {
    return html`<p class="hint dim">${l10n.t('The prompt has no inputs. Write {{ name }} in it and declare “name” under “inputs” to have one.')}</p>`;
  }
  return html`<div class="fields">
    ${template.inputs.map(
      (input, i) =>
        html`<label><span class="label xs">${input.name}${input.description ? html` <span>– ${input.description}</span>` : nothing}</span>
          <textarea class="field mono" rows=${Math.min(4, (template.rows.values[0]?.[i] ?? '').split('\n').length)}
            .value=${template.rows.values[0]?.[i] ?? ''}
            @change=${(event: Event) => store.set(['inputs', input.name, 'default'], (event.target as HTMLTextAreaElement).value)}></textarea></label>`,
    )}
  </div>`;
}

function rowsTable(store: Store, template: TemplateState): TemplateResult {
  return html`<tunesmith-input-rows .store=${store} .template=${template} .chosen=${store.setup.row}></tunesmith-input-rows>`;
}

export function samplingSection(store: Store, template: TemplateState): TemplateResult {
  const { sampling } = template;
  const option = (key: string) => (value: number | string[] | null) => store.set(['model', 'options', key], value);
  const cell = (label: string, field: TemplateResult): TemplateResult =>
    html`<label><span class="label xs">${label}</span>${field}</label>`;
  return section(
    store,
    'sampling',
    l10n.t('Sampling'),
    '',
    nothing,
    () =>
      html`<div class="sampling">
      ${cell(l10n.t('Temperature'), numberField(l10n.t('Temperature'), sampling.temperature, { min: 0, max: 100 }, option('temperature')))}
      ${cell(l10n.t('Top-p'), numberField(l10n.t('Top-p'), sampling.topP, { min: 0, max: 1 }, option('topP')))}
      ${cell(l10n.t('Top-k'), numberField(l10n.t('Top-k'), sampling.topK, { min: 0, integer: true }, option('topK')))}
      ${cell(l10n.t('Max tokens'), numberField(l10n.t('Max tokens'), sampling.maxOutputTokens, { min: 1, integer: true }, option('maxOutputTokens')))}
      ${cell(l10n.t('Seed'), numberField(l10n.t('Seed'), sampling.seed, { integer: true }, option('seed')))}
      ${cell(
        l10n.t('Stop'),
        html`<input class="field mono" type="text" aria-label=${l10n.t('Stop strings, separated by spaces')} spellcheck="false"
          .value=${sampling.stopSequences.map(escapeStop).join(' ')}
          @change=${(event: Event) => {
            const stops = (event.target as HTMLInputElement).value.split(' ').filter(Boolean).map(unescapeStop);
            option('stopSequences')(stops.length > 0 ? stops : null);
          }} />`,
      )}
    </div>`,
  );
}

export function numberField(
  label: string,
  value: number,
  rule: { min?: number; max?: number; integer?: boolean },
  change: (value: number) => void,
  extra = '',
): TemplateResult {
  const onChange = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const next = Number(input.value.replace(',', '.'));
    const valid =
      input.value.trim() !== '' &&
      Number.isFinite(next) &&
      next >= (rule.min ?? Number.NEGATIVE_INFINITY) &&
      next <= (rule.max ?? Number.POSITIVE_INFINITY) &&
      (!rule.integer || Number.isSafeInteger(next));
    input.setAttribute('aria-invalid', String(!valid));
    if (valid) change(next);
  };
  return html`<input class="field ${extra}" type="text" inputmode="decimal" aria-label=${label} aria-invalid="false" .value=${String(value)} @change=${onChange} />`;
}

/** Spaces separate stop strings, so they and control characters are written as escapes. */
const escapeStop = (text: string): string =>
  text.replace(/[\\ \n\r\t]/g, char => ({ '\\': '\\\\', ' ': '\\s', '\n': '\\n', '\r': '\\r', '\t': '\\t' })[char]!);
const unescapeStop = (text: string): string =>
  text.replace(/\\([\\snrt])/g, (_, char: string) => ({ '\\': '\\', s: ' ', n: '\n', r: '\r', t: '\t' })[char]!);
