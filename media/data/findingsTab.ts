/** The tab of findings: what is wrong with the data, by kind, where it is, and what mends it. */
import { html, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { ShownFinding, ShownReport } from '../../src/protocol/preferenceFigures.ts';
import { icon } from '../common/codicon.ts';
import type { DataPage } from './dataPage.ts';
import { figure } from './words.ts';

type Kind = ShownFinding['kind'];

interface KindWords {
  readonly title: string;
  /** Why it matters, in a sentence. */
  readonly why: string;
}

const kinds = (): Readonly<Record<Kind, KindWords>> => ({
  'split-leaks': {
    title: l10n.t('Prompts shared between splits'),
    why: l10n.t('A test on them would measure memory. An export is refused until one of each is taken down.'),
  },
  secrets: {
    title: l10n.t('Keys and tokens'),
    why: l10n.t('An export is refused until these items are taken down, or the keys replaced in what is written.'),
  },
  'personal-data': {
    title: l10n.t('Personal data'),
    why: l10n.t('E-mail addresses and telephone, card and account numbers, by their form.'),
  },
  contradictions: {
    title: l10n.t('One annotator said both ways'),
    why: l10n.t('Only who judged can say which one holds: judge again, or delete the older judgement.'),
  },
  cycles: {
    title: l10n.t('Preferences that go round'),
    why: l10n.t('The majorities put A over B, B over C and C over A. Judge again what seems wrong.'),
  },
  'identical-answers': {
    title: l10n.t('Answers with the same text'),
    why: l10n.t('They differ in spaces and case at most: a preference between them says nothing.'),
  },
  'duplicate-items': {
    title: l10n.t('The same prompt and answers twice'),
    why: l10n.t('They count twice in everything that is trained or measured. The first of each stays.'),
  },
  'near-duplicate-prompts': {
    title: l10n.t('Prompts that are nearly the same'),
    why: l10n.t('They may be meant. The first of each stays.'),
  },
  'too-long': {
    title: l10n.t('Longer than the limit of tokens'),
    why: l10n.t('Prompt and longest answer together, estimated at four characters a token.'),
  },
  'length-outliers': {
    title: l10n.t('Answers far longer than the others'),
    why: l10n.t('Beyond the outer fence of the lengths’ logarithms. They may well be right.'),
  },
});

const order = Object.keys({
  'split-leaks': 0,
  secrets: 0,
  'personal-data': 0,
  contradictions: 0,
  cycles: 0,
  'identical-answers': 0,
  'duplicate-items': 0,
  'near-duplicate-prompts': 0,
  'too-long': 0,
  'length-outliers': 0,
} satisfies Record<Kind, 0>) as Kind[];

/** Findings of a kind that are drawn before somebody asks for more. */
const shownFirst = 10;

export interface FindingsOptions {
  readonly open: ReadonlyMap<string, number>;
  readonly more: (kind: Kind) => void;
  readonly redact: () => void;
}

export function findingsTab(page: DataPage, options: FindingsOptions): TemplateResult {
  const { value, problem, isBusy } = page.report;
  return html`<div class="tab-body" role="tabpanel" id="panel-findings" aria-labelledby="tab-findings" tabindex="0" aria-busy=${isBusy}>
    ${settings(page)}
    ${isBusy ? html`<p class="note waits" role="status">${icon('loading')}<span>${l10n.t('Looking over all items and judgements…')}</span></p>` : nothing}
    ${problem === undefined || isBusy ? nothing : html`<p class="note waits" role="alert">${icon('error', 'c-wrong')}<span>${problem} <button class="link" @click=${() => page.checkAgain()}>${l10n.t('Try Again')}</button></span></p>`}
    ${value ? report(page, value, options) : nothing}
  </div>`;
}

function settings(page: DataPage): TemplateResult {
  const tokens = (event: Event): void => {
    const value = Number.parseInt((event.target as HTMLInputElement).value, 10);
    page.limitTokens(Number.isInteger(value) && value > 0 ? value : null);
  };
  return html`<div class="line wrap settings">
    <label class="line"><span class="label">${l10n.t('Splits')}</span><input class="field" spellcheck="false" placeholder="train=0.9,test=0.1" .value=${page.state!.splits}
      @change=${(event: Event) => void page.setSplits((event.target as HTMLInputElement).value)}></label>
    <label class="line"><span class="label">${l10n.t('Limit of tokens')}</span><input class="field tokens" inputmode="numeric" placeholder=${l10n.t('none')} .value=${page.maxTokens === null ? '' : String(page.maxTokens)} @change=${tokens}></label>
  </div>`;
}

function report(page: DataPage, value: ShownReport, options: FindingsOptions): TemplateResult {
  const { prompts, answers } = value.lengths;
  const found = order.filter(kind => (value.counts[kind] ?? 0) > 0);
  return html`<p class="says waits">${l10n.t(
    '{0} items and {1} judgements were looked over; median length of prompts {2}, of answers {3} characters, longest {4}.',
    figure(value.items),
    figure(value.judgements),
    figure(prompts.median),
    figure(answers.median),
    figure(answers.longest),
  )}${value.nearSkipped ? ` ${l10n.t('There are too many prompts to look for near duplicates.')}` : ''}</p>
    ${found.length === 0 ? html`<p class="note">${icon('pass', 'c-right')}<span>${l10n.t('Nothing was found.')}</span></p>` : nothing}
    ${found.map(kind => group(page, value, kind, options))}`;
}

function group(page: DataPage, value: ShownReport, kind: Kind, options: FindingsOptions): TemplateResult {
  const { title, why } = kinds()[kind];
  const all = value.findings.filter(finding => finding.kind === kind);
  const count = value.counts[kind] ?? all.length;
  const shown = all.slice(0, options.open.get(kind) ?? shownFirst);
  const items = [...new Set(all.flatMap(finding => finding.items))];
  const takesDown = kind !== 'contradictions' && kind !== 'cycles';
  const own = all.filter(({ detail }) => detail.trim() === page.state!.author);
  return html`<section class="finding-group" aria-label=${title}>
    <h2 class="line"><b>${title}</b><span class="badge">${figure(count)}</span></h2>
    <p class="says">${why}${all.length < count ? ` ${l10n.t('The first {0} are listed.', figure(all.length))}` : ''}</p>
    <p class="line wrap">
      <button class="button secondary" @click=${() => page.showItems(items)}>${l10n.t('Show Items')}</button>
      ${takesDown ? html`<button class="button secondary" @click=${() => void page.fix(all, 'take-down')}>${all.length === 1 ? l10n.t('Take Down') : l10n.t('Take Down All')}</button>` : nothing}
      ${kind === 'contradictions' && own.length > 0 ? html`<button class="button secondary" @click=${() => void page.fix(own, 'delete-older')}>${l10n.t('Delete My Older Judgements')}</button>` : nothing}
      ${kind === 'secrets' || kind === 'personal-data' ? html`<button class="button secondary" @click=${options.redact}>${l10n.t('Replace on Export…')}</button>` : nothing}
    </p>
    <ul class="findings">${shown.map(finding => line(page, finding, takesDown))}</ul>
    ${shown.length < all.length ? html`<button class="link" @click=${() => options.more(kind)}>${l10n.t('Show {0} More', Math.min(100, all.length - shown.length))}</button>` : nothing}
  </section>`;
}

function line(page: DataPage, finding: ShownFinding, takesDown: boolean): TemplateResult {
  const { kind, items, detail } = finding;
  const names = items.map(id => page.prompts.get(id) ?? id);
  const what =
    kind === 'cycles'
      ? l10n.t('a ring of {0} answers', detail)
      : kind === 'too-long'
        ? l10n.t('{0} tokens', detail)
        : kind === 'length-outliers'
          ? l10n.t('{0} characters', figure(Number(detail)))
          : detail;
  // Of duplicates the texts are alike: what was seen is their prompt.
  const seen = kind === 'duplicate-items' || kind === 'near-duplicate-prompts' || kind === 'split-leaks';
  const label = `${what}: ${names[0] ?? ''}`;
  return html`<li class="finding">
    <span class="what">${seen ? nothing : html`<span class="nowrap">${what}</span> `}<span class="dim">${seen ? names.join(' · ') : names[0]}</span></span>
    <span class="line acts">
      <button class="link" aria-label=${l10n.t('Show the items of: {0}', label)} @click=${() => page.showItems(items)}>${items.length === 1 ? l10n.t('Show') : l10n.t('Show {0}', items.length)}</button>
      ${
        takesDown
          ? html`<button class="link" aria-label=${l10n.t('Take down: {0}', label)} @click=${() => void page.fix([finding], 'take-down')}>${l10n.t('Take Down')}</button>`
          : html`<button class="link" aria-label=${l10n.t('Judge again: {0}', label)} @click=${() => void page.judge(items.at(-1)!)}>${l10n.t('Judge Again')}</button>`
      }
    </span></li>`;
}
