/** The section that says how the short answer is read from what a model wrote, and when it is right. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { TemplateState } from '../../src/protocol/playgroundTemplate.ts';
import { type Choice, select } from '../common/controls.ts';
import { numberField, section } from './sections.ts';
import type { Store } from './store.ts';

const answerPath = ['metadata', 'tunesmith', 'reasoning', 'answer'];
const gradePath = ['metadata', 'tunesmith', 'grade'];

/** What a rule is told: the key of the front matter, its name, and what it begins with. */
const parameters = (): Readonly<Record<string, { key: string; label: string; start: string }>> => ({
  choice: { key: 'choices', label: l10n.t('Letters'), start: 'ABCDE' },
  regex: { key: 'pattern', label: l10n.t('Pattern'), start: '(\\S+)\\s*$' },
  'after-marker': { key: 'marker', label: l10n.t('Marker'), start: 'The answer is' },
  'json-path': { key: 'path', label: l10n.t('Path'), start: '$.answer' },
});

export function answerSection(store: Store, template: TemplateState): TemplateResult | typeof nothing {
  const { answer, rows, strategy } = template;
  // Without rows there is nothing to grade; votes need an answer all the same.
  if (rows.file === null && strategy !== 'self-consistency') return nothing;
  const sub = answer.expected === '' ? l10n.t('not graded') : l10n.t('right if it is “{0}”', answer.expected);
  return section(
    store,
    'answer',
    l10n.t('Answer'),
    sub,
    nothing,
    () => html`<div class="strip">${reading(store, template)} ${grading(store, template)}</div>`,
  );
}

function reading(store: Store, { answer }: TemplateState): TemplateResult {
  const parameter = parameters()[answer.rule];
  const rules: Choice<string>[] = [
    { value: 'whole', label: l10n.t('the whole answer') },
    { value: 'last-number', label: l10n.t('last number') },
    { value: 'choice', label: l10n.t('last choice letter') },
    { value: 'after-marker', label: l10n.t('what follows a marker') },
    { value: 'regex', label: l10n.t('match of a pattern') },
    { value: 'json-path', label: l10n.t('a value of its JSON') },
  ];
  return html`<span class="line grow"><span class="label">${l10n.t('Answer')}</span>
      ${select(l10n.t('How the answer is read'), rules, answer.rule, rule => setRule(store, rule))}</span>
    ${parameter ? textField(parameter.label, answer.detail, value => setParameter(store, answer, parameter, value)) : nothing}
    ${
      answer.rule === 'regex'
        ? html`<label class="line"><span class="label">${l10n.t('Flags')}</span><input class="field short mono" type="text" spellcheck="false"
            aria-label=${l10n.t('Flags of the pattern')} .value=${answer.flags} @change=${(event: Event) => setFlags(store, event.target as HTMLInputElement)} /></label>`
        : nothing
    }`;
}

/** Another rule stands in place of the old one, with a parameter to begin with. */
function setRule(store: Store, rule: string): void {
  const parameter = parameters()[rule];
  store.set(answerPath, parameter ? { rule, [parameter.key]: parameter.start } : rule);
}

function setParameter(
  store: Store,
  { rule }: TemplateState['answer'],
  { key }: { readonly key: string },
  value: string,
): void {
  // `answer: choice` may stand alone, without its letters.
  if (rule === 'choice') store.set(answerPath, { rule, [key]: value });
  else store.set([...answerPath, key], value);
}

function setFlags(store: Store, field: HTMLInputElement): void {
  const flags = field.value.trim();
  const valid = /^[imsuv]*$/.test(flags) && new Set(flags).size === flags.length && !/u.*v|v.*u/.test(flags);
  field.setAttribute('aria-invalid', String(!valid));
  if (valid) store.set([...answerPath, 'flags'], flags === '' ? null : flags);
}

function grading(store: Store, { answer, rows }: TemplateState): TemplateResult | typeof nothing {
  if (rows.file === null) return nothing;
  const { expected, grade, threshold } = answer;
  const columns = [...new Set([...rows.columns, ...(expected === '' ? [] : [expected])])];
  const choices = [
    { value: '', label: l10n.t('none: not graded') },
    ...columns.map(name => ({ value: name, label: name })),
  ];
  return html`<span class="line"><span class="label">${l10n.t('Expected')}</span>
      ${select(l10n.t('Column of the right answer'), choices, expected, name =>
        store.set(['metadata', 'tunesmith', 'expected'], name === '' ? null : name),
      )}</span>
    ${
      expected === ''
        ? nothing
        : html`<span class="line"><span class="label">${l10n.t('Right if')}</span>
            ${select(l10n.t('When an answer is right'), grades(), grade, rule => setGrade(store, rule, threshold))}
            ${
              grade === 'rouge-l'
                ? numberField(
                    l10n.t('Least F1 of ROUGE-L'),
                    threshold,
                    { min: 0, max: 1 },
                    value => store.set([...gradePath, 'threshold'], value),
                    'short',
                  )
                : nothing
            }</span>`
    }`;
}

const grades = (): Choice<string>[] => [
  { value: 'equal', label: l10n.t('equal') },
  { value: 'numbers-equal', label: l10n.t('numbers equal') },
  { value: 'one-of', label: l10n.t('one of') },
  { value: 'contains', label: l10n.t('contains') },
  { value: 'regex', label: l10n.t('matches the expected pattern') },
  { value: 'json-equal', label: l10n.t('JSON equal') },
  { value: 'rouge-l', label: l10n.t('ROUGE-L at least') },
];

/** Only ROUGE-L has more to say than its name. */
const setGrade = (store: Store, rule: string, threshold: number): void =>
  store.set(gradePath, rule === 'rouge-l' ? { rule, threshold } : rule);

/** What is emptied stays as it was: a rule without its parameter reads nothing. */
function textField(label: string, value: string, change: (value: string) => void): TemplateResult {
  return html`<label class="line grow"><span class="label">${label}</span>
    <input class="field mono grow" type="text" spellcheck="false" .value=${value}
      @change=${(event: Event) => {
        const input = event.target as HTMLInputElement;
        if (input.value.trim() === '') input.value = value;
        else change(input.value);
      }} /></label>`;
}
