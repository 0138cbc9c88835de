/** The folding sections under the prompt: inputs, example bank, sampling. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { TemplateState } from '../../src/protocol/playground.ts';
import { icon } from '../common/codicon.ts';
import { select, stepper } from '../common/controls.ts';
import type { Store } from './store.ts';

function section(
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

const action = (store: Store, name: 'open-rows' | 'open-bank', glyph: string, title: string): TemplateResult =>
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
  const { rows, inputs } = template;
  const chosen = store.setup.row;
  const onKey = (event: KeyboardEvent): void => {
    const to = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, Home: 0, End: rows.values.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(rows.values.length - 1, to));
    store.updateSetup({ row: next });
    const table = event.currentTarget as HTMLElement;
    setTimeout(() => table.querySelector(`[data-row="${next}"]`)?.scrollIntoView({ block: 'nearest' }));
  };
  return html`<div class="rows">
      <table class="table inputs" tabindex="0" aria-label=${l10n.t('Rows of inputs')} @keydown=${onKey}>
        <thead>
          <tr>
            <th><span class="sr-only">${l10n.t('Row')}</span></th>
            ${inputs.map(input => html`<th title=${input.description}>${input.name}</th>`)}
            ${rows.expected ? html`<th class="expected">${l10n.t('expected')}</th>` : nothing}
          </tr>
        </thead>
        <tbody>
          ${rows.values.map(
            (values, i) =>
              html`<tr data-row=${i} aria-selected=${i === chosen} @click=${() => store.updateSetup({ row: i })}>
                <td>${i + 1}</td>
                ${values.map(value => html`<td class="clip" title=${value}>${value}</td>`)}
                ${rows.expected ? html`<td class="mono clip expected" title=${rows.expected[i] ?? ''}>${rows.expected[i] ?? ''}</td>` : nothing}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${rows.expected ? grading(store, template) : nothing}`;
}

function grading(store: Store, template: TemplateState): TemplateResult {
  const { rule, detail, grade, threshold } = template.answer;
  const rules = [
    { value: 'whole', label: l10n.t('the whole answer') },
    { value: 'last-number', label: l10n.t('last number') },
    { value: 'choice', label: l10n.t('last choice letter') },
  ];
  if (rule === 'regex') rules.push({ value: 'regex', label: l10n.t('match of {0}', detail) });
  if (rule === 'json-path') rules.push({ value: 'json-path', label: l10n.t('JSON at {0}', detail) });
  if (rule === 'after-marker') rules.push({ value: 'after-marker', label: l10n.t('what follows “{0}”', detail) });
  const grades = [
    { value: 'equal', label: l10n.t('equal') },
    { value: 'numbers-equal', label: l10n.t('numbers equal') },
    { value: 'one-of', label: l10n.t('one of') },
    { value: 'contains', label: l10n.t('contains') },
    { value: 'regex', label: l10n.t('matches the expected pattern') },
    { value: 'json-equal', label: l10n.t('JSON equal') },
    { value: 'rouge-l', label: l10n.t('ROUGE-L at least') },
  ];
  return html`<div class="strip">
    <span class="line grow"><span class="label">${l10n.t('Answer')}</span>
      ${select(l10n.t('How the answer is read'), rules, rule, value => store.set(['metadata', 'tunesmith', 'reasoning', 'answer', 'rule'], value))}</span>
    <span class="line"><span class="label">${l10n.t('Right if')}</span>
      ${select(l10n.t('When an answer is right'), grades, grade, value => setGrade(store, value, threshold))}
      ${
        grade === 'rouge-l'
          ? numberField(
              l10n.t('Least F1 of ROUGE-L'),
              threshold,
              { min: 0, max: 1 },
              value => store.set(['metadata', 'tunesmith', 'grade', 'threshold'], value),
              'short',
            )
          : nothing
      }</span>
  </div>`;
}

/** Only ROUGE-L has more to say than its name. */
function setGrade(store: Store, grade: string, threshold: number): void {
  const path = ['metadata', 'tunesmith', 'grade'];
  store.set(path, grade);
  if (grade !== 'rouge-l') return;
  store.set(path, null);
  store.set([...path, 'rule'], grade);
  store.set([...path, 'threshold'], threshold);
}

export function bankSection(store: Store, template: TemplateState): TemplateResult | typeof nothing {
  const { examples } = template;
  if (!examples) return nothing;
  const path = (key: string): string[] => ['metadata', 'tunesmith', 'examples', key];
  return section(
    store,
    'bank',
    l10n.t('Example bank'),
    l10n.t('{0} examples, {1}', examples.total, examples.bank),
    action(store, 'open-bank', 'database', l10n.t('Open the Bank')),
    () => html`<div class="strip">
      <span class="line"><span class="label">${l10n.t('Shots')}</span>
        ${stepper(l10n.t('Shots'), examples.shots, { min: 0, max: Math.min(32, examples.total) }, value => store.set(path('shots'), value))}</span>
      <span class="line"><span class="label">${l10n.t('Selection')}</span>
        ${select(
          l10n.t('Selection'),
          [
            { value: 'fixed', label: l10n.t('Fixed: first of the file') },
            { value: 'random', label: l10n.t('Random for each input') },
          ],
          examples.selection,
          value => store.set(path('selection'), value),
        )}</span>
      ${
        examples.selection === 'random'
          ? html`<span class="line"><span class="label">${l10n.t('Seed')}</span>
            ${numberField(l10n.t('Seed of the selection'), examples.seed, { integer: true }, value => store.set(path('seed'), value), 'short')}</span>`
          : nothing
      }
    </div>`,
  );
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

function numberField(
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
