/** Sweep mode: what to sweep, the curve of accuracy against the number of examples as it grows, and a table with the same numbers. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { SweepPoint, SweepState } from '../../src/protocol/playgroundSweep.ts';
import { icon } from '../common/codicon.ts';
import { stepper } from '../common/controls.ts';
import { timeWords } from './historyPane.ts';
import { modeSwitch, runsButton } from './scorePane.ts';
import type { Store } from './store.ts';
import { legendMark, percent, sweepChart } from './sweepChart.ts';
import './sweep.css';

export class SweepPane extends LitElement {
  declare store: Store;
  #stop: (() => void) | undefined;
  #width = 0;
  readonly #resize = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? 0);
    if (width === this.#width) return;
    this.#width = width;
    this.requestUpdate();
  });

  override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = this.store.on(['sweep', 'template', 'setup', 'models', 'page'], () => this.requestUpdate());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
    this.#resize.disconnect();
  }

  protected override updated(): void {
    const plot = this.querySelector('.sweep-plot');
    this.#resize.disconnect();
    if (plot) this.#resize.observe(plot);
  }

  override render(): TemplateResult {
    const { store } = this;
    const { shown } = store.sweep.state;
    const missing = this.#missing();
    return html`<div class="tabs scores-bar">${modeSwitch(store)}<span class="grow"></span>
        ${runsButton(store)}
      </div>
      <div class="sweep-scroller" tabindex="-1">
        ${missing ? html`<div class="welcome"><p>${explained()}</p><p class="note">${icon('info', 'c-info')}<span>${missing}</span></p></div>` : this.#form()}
        ${shown ? this.#result(shown) : missing ? nothing : this.#empty()}
      </div>`;
  }

  /** What the template lacks to be swept. */
  #missing(): string | undefined {
    const template = this.store.state?.template;
    if (!template) return l10n.t('Open a template first.');
    if (!template.examples) return l10n.t('This template has no example bank. Choose one under Example bank.');
    if (template.strategy === 'zero-shot-cot')
      return l10n.t('Zero-shot chain of thought shows no examples. Choose another strategy to sweep shots.');
    if (template.answer.expected === '' || template.rows.file === null)
      return l10n.t(
        'To compare answers it must be known which are right: choose rows under Inputs, and the column of the right answer under Answer.',
      );
    return undefined;
  }

  #form(): TemplateResult {
    const { store } = this;
    const { sweep } = store;
    const { form, problem } = sweep;
    const total = store.state?.template?.rows.total ?? 1;
    const change = (patch: Partial<typeof form>): void => store.writeSweep({ ...form, ...patch });
    return html`<form class="sweep-form" aria-label=${l10n.t('Sweep')} @submit=${(event: Event) => {
      event.preventDefault();
      store.startSweep();
    }}>
      <label class="sweep-shots"><span class="label">${l10n.t('Shots')}</span>
        <input class="field" type="text" inputmode="numeric" .value=${form.shots} aria-invalid=${problem !== undefined}
          aria-describedby=${problem ? 'sweep-problem' : nothing} title=${l10n.t('Numbers of examples, with commas between')}
          @input=${(event: Event) => change({ shots: (event.target as HTMLInputElement).value })} /></label>
      <span class="line"><span class="label">${l10n.t('Orders')}</span>
        ${stepper(l10n.t('Orders of the same examples that are tried'), form.orders, { min: 1, max: 20 }, orders => change({ orders }))}</span>
      <span class="line"><span class="label">${l10n.t('Rows')}</span>
        ${stepper(l10n.t('Rows that are tested, the first ones'), Math.min(total, form.rows ?? total), { min: 1, max: total }, rows => change({ rows: rows === total ? null : rows }))}</span>
      ${problem ? html`<p class="note" id="sweep-problem" role="alert">${icon('error', 'c-wrong')}<span>${problem}</span></p>` : nothing}
    </form>`;
  }

  #empty(): TemplateResult {
    const { store } = this;
    return html`<div class="welcome"><p>${explained()}</p>
      <button class="button secondary" ?disabled=${store.sweep.problem !== undefined} @click=${() => store.startSweep()}
        >${icon('graph-line')}${l10n.t('Sweep Shots')}<kbd>Ctrl+Enter</kbd></button></div>`;
  }

  #result(shown: NonNullable<SweepState['shown']>): TemplateResult {
    const { store } = this;
    const { curves, run, outdated, wanted } = shown;
    const { running } = store.sweep.state;
    return html`${
      outdated && !running
        ? html`<div class="run-notice" role="status">${icon('history', 'c-dim')}<span class="grow">${l10n.t('This sweep is of another version of the template, its rows or its examples.')}</span>
          <button class="button secondary" @click=${() => store.startSweep()}>${icon('graph-line')}${l10n.t('Sweep Again')}</button></div>`
        : nothing
    }
    <section class="sweep-result" aria-label=${l10n.t('Accuracy against the number of examples')}>
      ${curves.length > 1 ? html`<div class="sweep-legend" aria-hidden="true">${curves.map(({ label }, i) => html`<span class="line">${legendMark(i)}${label}</span>`)}</div>` : nothing}
      <div class="sweep-plot">${this.#width > 0 ? sweepChart(curves, wanted.shots, this.#width) : nothing}</div>
      <p class="dim xs sweep-key" aria-hidden="true">${l10n.t('Line and band: mean over orders with its 95 % interval. Rings: single orders. Dashes: the fewest examples.')}</p>
      ${this.#table(shown)}
      ${this.#facts(shown)}
      <div class="line wrap sweep-actions">
        ${
          run && !running
            ? html`<button class="button secondary" @click=${() => store.viewAnswers(run.id)}>${icon('table')}${l10n.t('Show the Answers')}</button>
              <span class="dim xs">${l10n.t('kept with the runs, {0}', timeWords(run.at))}</span>`
            : nothing
        }
      </div>
    </section>`;
  }

  #table({ curves, rows }: NonNullable<SweepState['shown']>): TemplateResult {
    const many = curves.length > 1;
    const points = curves.flatMap(({ label, points: own }) => own.map(point => ({ label, point })));
    const anyFailed = points.some(({ point }) => point.failed > 0);
    const anyCut = points.some(({ point }) => point.cut > 0);
    return html`<div class="sweep-table" role="region" tabindex="0" aria-label=${l10n.t('Accuracy against the number of examples')}><table class="table">
      <thead><tr>
        ${many ? html`<th scope="col">${l10n.t('Model')}</th>` : nothing}
        <th scope="col" class="num">${l10n.t('Shots')}</th>
        <th scope="col" class="num">${l10n.t('Right')}</th>
        <th scope="col" class="num">${l10n.t('95 %')}</th>
        <th scope="col" class="num" title=${l10n.t('The worst and the best order of the same examples')}>${l10n.t('Orders')}</th>
        <th scope="col" class="num" title=${l10n.t('Rows that became right and wrong against the fewest examples, in the template’s own order')}>${l10n.t('gained/lost')}</th>
        <th scope="col" class="num">p</th>
        ${anyFailed ? html`<th scope="col" class="num">${l10n.t('Failed')}</th>` : nothing}
        ${anyCut ? html`<th scope="col" class="num" title=${l10n.t('Prompts of which examples were left out so that they fit')}>${l10n.t('Cut')}</th>` : nothing}
      </tr></thead>
      <tbody>${points.map(({ label, point }) => {
        const { accuracy, versus } = point;
        return html`<tr>
          ${many ? html`<td class="clip">${label}</td>` : nothing}
          <th scope="row" class="num">${point.shots}</th>
          <td class="num"><b>${percent(accuracy.estimate)}</b></td>
          <td class="num">${range(accuracy.low, accuracy.high)}</td>
          <td class="num">${ordersWords(point)}</td>
          <td class="num">${versus ? `${versus.gained}/${versus.lost}` : ''}</td>
          <td class="num">${versus ? (versus.adjustedP < 0.001 ? '< 0.001' : versus.adjustedP.toFixed(3)) : ''}</td>
          ${anyFailed ? html`<td class="num">${point.failed || ''}</td>` : nothing}
          ${anyCut ? html`<td class="num">${point.cut || ''}</td>` : nothing}
        </tr>`;
      })}</tbody>
    </table></div>
    <p class="dim xs">${l10n.t(
      'Mean accuracy over orders of the same examples; band: bootstrap over {0} rows (Wilson where there is one order); p: McNemar’s mid-p against the first line, corrected by Holm.',
      rows,
    )}</p>`;
  }

  /** What it took, and what stood in its way. */
  #facts({ calls, cached, leaks, bank, curves, wanted, seed }: NonNullable<SweepState['shown']>): TemplateResult {
    const cut = curves.flatMap(({ points }) => points).reduce((sum, point) => sum + point.cut, 0);
    const most = Math.max(...wanted.shots);
    const facts: [string, string, string][] = [
      [
        'pulse',
        'c-dim',
        cached > 0
          ? l10n.t('{0} calls; {1} answers came from the cache.', calls.toLocaleString(), cached.toLocaleString())
          : l10n.t('{0} calls.', calls.toLocaleString()),
      ],
      ...(leaks > 0
        ? [
            [
              'shield',
              'c-dim',
              l10n.t('{0} of {1} examples say what a row says, and are never shown.', leaks, bank),
            ] as [string, string, string],
          ]
        : []),
      ...(most > bank - leaks
        ? [
            [
              'warning',
              'c-warn',
              l10n.t(
                'The bank has {0} examples that can be shown: beyond that, more shots are the same.',
                bank - leaks,
              ),
            ] as [string, string, string],
          ]
        : []),
      ...(cut > 0
        ? [
            [
              'warning',
              'c-warn',
              l10n.t('Of {0} prompts examples were left out so that they fit into the model’s window.', cut),
            ] as [string, string, string],
          ]
        : []),
      ['symbol-numeric', 'c-dim', l10n.t('Orders are drawn with seed {0}, as by tunesmith sweep.', seed)],
    ];
    return html`<ul class="sweep-facts">${facts.map(([name, color, text]) => html`<li class="note xs">${icon(name, color)}<span>${text}</span></li>`)}</ul>`;
  }
}

const explained = (): string =>
  l10n.t(
    'How many examples are enough? A sweep asks all rows with each number of examples, in several orders, and draws how often the answers are right.',
  );

const range = (low: number, high: number): string => `${(low * 100).toFixed(0)} … ${(high * 100).toFixed(0)}`;

function ordersWords({ orders }: SweepPoint): string {
  if (orders.length < 2) return '';
  const shares = orders.map(({ estimate }) => estimate);
  return `${(Math.min(...shares) * 100).toFixed(0)} … ${(Math.max(...shares) * 100).toFixed(0)}`;
}

customElements.define('tunesmith-sweep-pane', SweepPane);
