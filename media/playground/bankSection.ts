/** The example bank's section: which examples are shown, in which order, what is kept out, and what goes when they do not fit. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { TemplateState } from '../../src/protocol/playgroundTemplate.ts';
import { icon } from '../common/codicon.ts';
import { type Choice, select, stepper } from '../common/controls.ts';
import { action, numberField, section } from './sections.ts';
import type { Store } from './store.ts';

type Examples = NonNullable<TemplateState['examples']>;

/** Orders that are tried at most. */
const MostOrders = 8;

export function bankSection(store: Store, template: TemplateState): TemplateResult | typeof nothing {
  const { examples } = template;
  if (!examples) return nothing;
  return section(
    store,
    'bank',
    l10n.t('Example bank'),
    l10n.t('{0} examples, {1}', examples.total, examples.bank),
    action(store, 'open-bank', 'database', l10n.t('Open the Bank')),
    () => html`<div class="strip bank">${choosing(store, examples)} ${limits(store, examples)} ${orders(store, examples)}</div>
      ${leakNote(store, examples)} ${cutNote(store)}`,
  );
}

const setter = (store: Store, key: string) => (value: string | number) =>
  store.set(['metadata', 'tunesmith', 'examples', key], value);

const field = (label: string, control: TemplateResult, title = ''): TemplateResult =>
  html`<span class="line" title=${title || nothing}><span class="label">${label}</span>${control}</span>`;

/** Which examples, and in which order: only what the chosen way looks at is shown. */
function choosing(store: Store, examples: Examples): TemplateResult {
  const { selection, order, similarity } = examples;
  const byNearness =
    selection === 'similar' || selection === 'diverse' || order === 'similar-first' || order === 'similar-last';
  const byLabel = selection === 'balanced' || order === 'label-interleaved';
  const drawn = selection === 'random' || selection === 'balanced' || order === 'random';
  return html`${field(
    l10n.t('Shots'),
    stepper(l10n.t('Shots'), examples.shots, { min: 0, max: Math.min(64, examples.total) }, setter(store, 'shots')),
  )}
    ${field(l10n.t('Selection'), select(l10n.t('Selection'), selections(), selection, setter(store, 'selection')))}
    ${field(l10n.t('Order'), select(l10n.t('Order of the examples'), orderChoices(), order, setter(store, 'order')))}
    ${
      byNearness
        ? field(
            l10n.t('Near by'),
            select(
              l10n.t('What nearness is measured by'),
              [
                { value: 'bm25', label: l10n.t('Words (BM25)') },
                { value: 'embedding', label: l10n.t('Vectors of a model') },
              ],
              similarity,
              setter(store, 'similarity'),
            ),
          )
        : nothing
    }
    ${byNearness && similarity === 'embedding' ? field(l10n.t('Vectors of'), embeddingModels(store, examples)) : nothing}
    ${
      selection === 'diverse'
        ? field(
            l10n.t('Weight of nearness'),
            numberField(
              l10n.t('Weight of nearness (λ)'),
              examples.lambda,
              { min: 0, max: 1 },
              setter(store, 'lambda'),
              'short',
            ),
            l10n.t('1 looks only at nearness to the question, 0 only at distance from each other'),
          )
        : nothing
    }
    ${byLabel ? field(l10n.t('Label'), select(l10n.t('Column with the label'), columns(examples), examples.label, setter(store, 'label'))) : nothing}
    ${
      drawn
        ? field(
            l10n.t('Seed'),
            numberField(
              l10n.t('Seed of the selection'),
              examples.seed,
              { integer: true },
              setter(store, 'seed'),
              'short',
            ),
          )
        : nothing
    }`;
}

const selections = (): Choice<Examples['selection']>[] => [
  { value: 'fixed', label: l10n.t('Fixed: first of the file') },
  { value: 'random', label: l10n.t('Random for each input') },
  { value: 'similar', label: l10n.t('Most similar') },
  { value: 'diverse', label: l10n.t('Diverse (MMR)') },
  { value: 'balanced', label: l10n.t('Balanced by label') },
];

const orderChoices = (): Choice<Examples['order']>[] => [
  { value: 'selected', label: l10n.t('As selected') },
  { value: 'similar-last', label: l10n.t('Nearest last') },
  { value: 'similar-first', label: l10n.t('Nearest first') },
  { value: 'random', label: l10n.t('Random') },
  { value: 'label-interleaved', label: l10n.t('Labels in turn') },
];

const columns = ({ columns: names, label }: Examples): Choice<string>[] =>
  [...new Set([...names, label])].map(name => ({ value: name, label: name }));

/** Local models by the name that a template says; the one that it names stays although it may be gone. */
function embeddingModels(store: Store, { embeddingModel }: Examples): TemplateResult {
  const local = (store.state?.models ?? []).filter(({ id }) => id.startsWith('local:'));
  const names = [...new Set([...local.map(({ id }) => id.replace(/^local:/, '')), embeddingModel])];
  return select(
    l10n.t('Model whose vectors are compared'),
    names.map(name => ({ value: name, label: name })),
    embeddingModel,
    setter(store, 'embeddingModel'),
  );
}

/** What is kept out, and what goes where the prompt is too long. */
function limits(store: Store, examples: Examples): TemplateResult {
  return html`${field(
    l10n.t('Leakage from'),
    numberField(
      l10n.t('Likeness from which an example leaks'),
      examples.leakage,
      { min: 0, max: 1 },
      setter(store, 'leakage'),
      'short',
    ),
    l10n.t('Examples this alike to a graded row are not shown; 1 keeps out equal ones alone'),
  )}
    ${field(
      l10n.t('Too long'),
      select(
        l10n.t('When the prompt is too long'),
        [
          { value: 'drop-last', label: l10n.t('Leave out the last') },
          { value: 'drop-first', label: l10n.t('Leave out the first') },
          { value: 'drop-least-similar', label: l10n.t('Leave out the least similar') },
          { value: 'fail', label: l10n.t('Send nothing') },
        ],
        examples.overBudget,
        setter(store, 'overBudget'),
      ),
    )}`;
}

/** Order sensitivity: the same examples in several orders, as columns, with how far apart these come out. */
function orders(store: Store, examples: Examples): TemplateResult | typeof nothing {
  if (examples.shots < 2) return nothing;
  const tried = spreads(store);
  return html`${field(
    l10n.t('Orders'),
    stepper(l10n.t('Orders of the examples that are tried'), store.setup.orders, { min: 1, max: MostOrders }, value =>
      store.updateSetup({ orders: value }),
    ),
    l10n.t('Runs each column again with the same examples in other orders'),
  )}
    ${
      store.setup.orders > 1
        ? html`<p class="dim spread" role="status">${
            tried.length === 0
              ? l10n.t('Run graded rows to see how much the order of the examples matters.')
              : tried.map(words => html`<span class="spread-words">${words}</span>`)
          }</p>`
        : nothing
    }`;
}

/** One sentence for each model and variant of which two or more orders are graded. */
function spreads(store: Store): string[] {
  const groups = new Map<string, { label: string; shares: number[] }>();
  for (const { model, modelLabel, orderOf, label, score } of store.state?.columns ?? []) {
    const key = `${model}#${orderOf}`;
    const group = groups.get(key) ?? { label: `${modelLabel}, ${label}`, shares: [] };
    groups.set(key, group);
    if (score) group.shares.push(score.estimate);
  }
  const percent = (share: number): string => (100 * share).toFixed(0);
  return [...groups.values()].flatMap(({ label, shares }) => {
    if (shares.length < 2) return [];
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    const words = l10n.t(
      '{0} orders: {1} to {2} % right, {3} % on average',
      shares.length,
      percent(Math.min(...shares)),
      percent(Math.max(...shares)),
      percent(mean),
    );
    return [groups.size > 1 ? `${label}: ${words}` : words];
  });
}

function leakNote(store: Store, { leaks }: Examples): TemplateResult | typeof nothing {
  const [one] = leaks.first;
  if (!one) return nothing;
  const named = ({ line, row, similarity }: typeof one): string =>
    l10n.t('line {0} of the bank is {1} % like row {2}', line, Math.floor(100 * similarity), row + 1);
  const words =
    leaks.total === 1
      ? l10n.t('Leakage guard: 1 example is held back; {0}.', named(one))
      : l10n.t('Leakage guard: {0} examples are held back; {1}.', leaks.total, named(one));
  const show = (event: Event): void => {
    event.preventDefault();
    store.updateSetup({ row: one.row });
  };
  return html`<div class="note guard">${icon('shield', 'c-dim')}<span>${words}
      <button class="link" @click=${show}>${l10n.t('Show Row {0}', one.row + 1)}</button>
      ${
        leaks.total > 1
          ? html`<details><summary>${l10n.t('All of them')}</summary><ul class="dim">
              ${leaks.first.map(leak => html`<li>${named(leak)}</li>`)}
              ${leaks.total > leaks.first.length ? html`<li>${l10n.t('and {0} more', leaks.total - leaks.first.length)}</li>` : nothing}
            </ul></details>`
          : nothing
      }</span></div>`;
}

/** What was left out of the chosen row's prompt. */
function cutNote(store: Store): TemplateResult | typeof nothing {
  const cut = store.preview?.cut;
  if (!cut) return nothing;
  return html`<p class="note guard" role="status">${icon('warning', 'c-warn')}<span>${l10n.t('Row {0}: {1}', store.preview!.row + 1, cut)}</span></p>`;
}
