/** The section where variants are made: texts and settings that are varied, each against all others, as columns of answers. */
import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { TemplateState } from '../../src/protocol/playgroundTemplate.ts';
import { icon } from '../common/codicon.ts';
import { type MenuEntry, openMenu } from '../common/menu.ts';
import { section } from './sections.ts';
import type { Store } from './store.ts';
import { strategyChoices } from './strategyChoices.ts';
import { type Axis, type AxisValue, axisHint, axisName, recipes } from './variantRecipes.ts';

const textAxes: readonly Axis[] = ['persona', 'prefix', 'suffix', 'trigger'];
/** Models are chosen over the answers; where a template names them all the same, they are shown. */
const offered: readonly Axis[] = ['persona', 'prefix', 'suffix', 'temperature', 'shots', 'trigger', 'strategy'];
const none: AxisValue = { label: 'none', text: '' };

class Variants extends LitElement {
  static override properties: PropertyDeclarations = { template: { attribute: false }, version: { attribute: false } };
  declare store: Store;
  declare template: TemplateState;
  /** Goes up with what else is drawn: folding, the setup. */
  declare version: unknown;
  /** Axes with a line that is not in the file yet, because nothing was written into it. */
  readonly #drafts = new Set<Axis>();

  override createRenderRoot(): this {
    return this;
  }

  override render(): TemplateResult {
    const { store, template } = this;
    const { axes } = template;
    const shown = [...axes, ...[...this.#drafts].filter(axis => !axes.some(one => one.axis === axis)).map(draft)];
    return section(store, 'variants', l10n.t('Variants'), this.#words(), this.#add(), () =>
      shown.length === 0
        ? html`<p class="hint dim">${l10n.t('Compare wordings and settings on the same inputs: each combination becomes a column of answers.')}
            <button class="link" aria-haspopup="menu" @click=${(event: Event) => this.#addMenu(event.currentTarget as HTMLElement)}>${l10n.t('Add a variant')}</button></p>`
        : html`<div class="axes">
            ${axes.length > 0 ? this.#switch() : nothing} ${this.#problem()}
            ${shown.map(({ axis, values }) => this.#axis(axis, values))}
          </div>`,
    );
  }

  #words(): string {
    const { axes, variants } = this.template;
    if (axes.length === 0) return l10n.t('none');
    const sizes = axes.map(({ values }) => values.length).join(' × ');
    return axes.length > 1 ? l10n.t('{0} = {1} columns', sizes, variants.count) : l10n.t('{0} columns', variants.count);
  }

  #add(): TemplateResult {
    const title = l10n.t('Add a Variant');
    return html`<button class="action" title=${title} aria-label=${title} aria-haspopup="menu"
      @click=${(event: Event) => this.#addMenu(event.currentTarget as HTMLElement)}>${icon('add')}</button>`;
  }

  #switch(): TemplateResult {
    const { store } = this;
    return html`<label class="check"><input type="checkbox" .checked=${store.setup.axes}
      @change=${(event: Event) => store.updateSetup({ axes: (event.target as HTMLInputElement).checked })} />${l10n.t('Run them as columns')}</label>`;
  }

  /** Why they do not run, or what has no effect. */
  #problem(): TemplateResult | typeof nothing {
    const { variants, axes, strategy, reasoning, examples } = this.template;
    const has = (axis: Axis): boolean => axes.some(one => one.axis === axis);
    const zeroShot =
      strategy === 'zero-shot-cot' || (strategy === 'self-consistency' && reasoning.of === 'zero-shot-cot');
    const words =
      variants.problem ??
      (has('trigger') && !has('strategy') && !zeroShot
        ? l10n.t('Triggers count with zero-shot CoT alone. Choose it above, or vary the reasoning too.')
        : has('shots') && !has('strategy') && zeroShot && examples
          ? l10n.t('Zero-shot CoT shows no examples: these columns are all the same.')
          : undefined);
    if (words === undefined) return nothing;
    return html`<p class="note" role="status">${icon('warning', 'c-warn')}<span>${words}</span></p>`;
  }

  #axis(axis: Axis, values: readonly AxisValue[]): TemplateResult {
    const name = axisName(axis);
    const remove = l10n.t('Remove {0}', name);
    const body = textAxes.includes(axis)
      ? this.#texts(axis, values)
      : axis === 'shots' || axis === 'temperature'
        ? this.#numbers(axis, values)
        : this.#names(axis, values);
    return html`<section class="axis" aria-label=${name}>
      <div class="line"><b class="nowrap">${name}</b><span class="dim clip grow">${axisHint(axis)}</span>
        ${
          textAxes.includes(axis)
            ? html`<button class="action" title=${l10n.t('Add a Text')} aria-label=${l10n.t('Add a Text: {0}', name)} aria-haspopup="menu"
                @click=${(event: Event) => this.#textMenu(event.currentTarget as HTMLElement, axis)}>${icon('add')}</button>`
            : nothing
        }
        <button class="action" title=${remove} aria-label=${remove} @click=${() => this.#removeAxis(axis)}>${icon('trash')}</button></div>
      ${body}
    </section>`;
  }

  #texts(axis: Axis, values: readonly AxisValue[]): TemplateResult {
    const rows: (AxisValue | undefined)[] = this.#drafts.has(axis) ? [...values, undefined] : [...values];
    return html`${rows.map((value, i) => {
      const label = l10n.t('{0} {1}', axisName(axis), i + 1);
      const change = (patch: Partial<AxisValue>): void => this.#change(axis, values, i, patch);
      return html`<div class="variant">
        <input class="field" type="text" spellcheck="false" aria-label=${l10n.t('{0}: name', label)} placeholder=${l10n.t('name')} .value=${value?.label ?? ''}
          @change=${(event: Event) => this.#rename(event.target as HTMLInputElement, values, i, change)} />
        <textarea class="field mono" rows=${Math.min(6, (value?.text ?? '').split('\n').length)} aria-label=${l10n.t('{0}: text', label)}
          placeholder=${value ? l10n.t('nothing is added') : l10n.t('text')} .value=${value?.text ?? ''}
          @change=${(event: Event) => change({ text: (event.target as HTMLTextAreaElement).value })}></textarea>
        <button class="action" title=${l10n.t('Remove {0}', value?.label ?? label)} aria-label=${l10n.t('Remove {0}', value?.label ?? label)}
          @click=${() => this.#removeValue(axis, values, i)}>${icon('close')}</button>
      </div>`;
    })}`;
  }

  /** Two variants of one name cannot be told apart. */
  #rename(
    field: HTMLInputElement,
    values: readonly AxisValue[],
    index: number,
    change: (patch: Partial<AxisValue>) => void,
  ): void {
    const label = field.value.trim();
    const taken = values.some((value, i) => i !== index && value.label === label);
    field.setAttribute('aria-invalid', String(taken));
    field.title = taken ? l10n.t('Another one has this name.') : '';
    if (!taken) change({ label });
  }

  #numbers(axis: Axis, values: readonly AxisValue[]): TemplateResult {
    const onChange = (event: Event): void => {
      const field = event.target as HTMLInputElement;
      const words = field.value.split(/[\s,;]+/).filter(Boolean);
      const valid =
        words.length > 0 &&
        words.length <= 50 &&
        new Set(words.map(Number)).size === words.length &&
        words.every(word => (axis === 'shots' ? /^\d{1,3}$/.test(word) : Number(word) >= 0 && Number(word) <= 100));
      field.setAttribute('aria-invalid', String(!valid));
      if (valid)
        this.#set(
          axis,
          words.map(word => ({ label: String(Number(word)), text: String(Number(word)) })),
        );
    };
    return html`<input class="field" type="text" inputmode="decimal" aria-label=${l10n.t('{0}, with commas between', axisName(axis))} aria-invalid="false"
      .value=${values.map(({ text }) => text).join(', ')} @change=${onChange} />`;
  }

  #names(axis: Axis, values: readonly AxisValue[]): TemplateResult {
    const choices = strategyChoices();
    const label = (text: string): string => choices.find(choice => choice.value === text)?.label ?? text;
    return html`<div class="line wrap">
      ${values.map(
        (value, i) =>
          html`<span class="chip"><span class="clip">${label(value.text)}</span>
            <button class="action" title=${l10n.t('Remove {0}', label(value.text))} aria-label=${l10n.t('Remove {0}', label(value.text))}
              @click=${() => this.#removeValue(axis, values, i)}>${icon('close')}</button></span>`,
      )}
      ${
        axis === 'strategy'
          ? html`<button class="action" title=${l10n.t('Add Reasoning')} aria-label=${l10n.t('Add Reasoning')} aria-haspopup="menu"
              @click=${(event: Event) => this.#strategyMenu(event.currentTarget as HTMLElement)}>${icon('add')}</button>`
          : nothing
      }
    </div>`;
  }

  #strategyMenu(anchor: HTMLElement): void {
    openMenu(anchor, axisName('strategy'), () => {
      const values = this.#values('strategy');
      return strategyChoices().map(({ value, label }) => {
        const checked = values.some(({ text }) => text === value);
        return {
          label,
          checked,
          run: () =>
            this.#set(
              'strategy',
              checked ? values.filter(({ text }) => text !== value) : [...values, { label: value, text: value }],
            ),
        };
      });
    });
  }

  #addMenu(anchor: HTMLElement): void {
    openMenu(anchor, l10n.t('Add a Variant'), () => {
      const entries: MenuEntry[] = recipes().map(({ axis, name, value }) => ({
        label: name,
        detail: axisName(axis),
        icon: 'lightbulb',
        run: () => this.#append(axis, value),
      }));
      entries.push('separator');
      for (const axis of offered) {
        const there = this.template.axes.some(one => one.axis === axis);
        entries.push({
          label: axisName(axis),
          detail: axisHint(axis),
          icon: textAxes.includes(axis) ? 'edit' : 'settings',
          disabled: (there && !textAxes.includes(axis)) || (axis === 'shots' && !this.template.examples),
          run: () => this.#begin(axis),
        });
      }
      return entries;
    });
  }

  #textMenu(anchor: HTMLElement, axis: Axis): void {
    const { reasoning } = this.template;
    const own: MenuEntry = { label: l10n.t('Own Text'), icon: 'edit', run: () => this.#draft(axis) };
    const values = (): readonly AxisValue[] => this.#values(axis);
    const known =
      axis === 'trigger'
        ? reasoning.triggers.map(text => ({ name: text, value: { label: '', text } }))
        : recipes().filter(recipe => recipe.axis === axis);
    openMenu(anchor, l10n.t('Add a Text: {0}', axisName(axis)), () => [
      own,
      'separator' as const,
      ...known
        .filter(({ value }) => !values().some(({ text }) => text === value.text))
        .map(({ name, value }) => ({ label: name, icon: 'lightbulb', run: () => this.#append(axis, value) })),
    ]);
  }

  #values = (axis: Axis): readonly AxisValue[] => this.template.axes.find(one => one.axis === axis)?.values ?? [];

  /** A new axis begins with what the template does now, so that there is something to compare with. */
  #append(axis: Axis, value: AxisValue): void {
    const values = this.#values(axis);
    const before = values.length > 0 || axis === 'trigger' ? values : [none];
    this.#set(axis, [...before, unique(value, before)]);
  }

  #begin(axis: Axis): void {
    const { template } = this;
    const pair = (one: string | number, other: string | number): AxisValue[] =>
      [one, other].map(value => ({ label: String(value), text: String(value) }));
    switch (axis) {
      case 'temperature':
        this.#set(axis, pair(0, template.sampling.temperature || 0.7));
        return;
      case 'shots':
        this.#set(axis, pair(0, template.examples?.shots || 4));
        return;
      case 'strategy':
        this.#set(axis, pair('direct', template.strategy === 'direct' ? 'zero-shot-cot' : template.strategy));
        return;
      case 'trigger':
        if (this.#values(axis).length === 0) {
          this.#set(
            axis,
            template.reasoning.triggers.slice(0, 2).map(text => ({ label: '', text })),
          );
          return;
        }
        this.#draft(axis);
        return;
      default:
        this.#draft(axis);
    }
  }

  /** An empty line to write into. */
  #draft(axis: Axis): void {
    this.#drafts.add(axis);
    this.store.fold('variants', false);
    this.requestUpdate();
    void this.updateComplete.then(() => {
      const fields = this.querySelectorAll<HTMLElement>(`.axis[aria-label="${axisName(axis)}"] textarea`);
      [...fields].at(-1)?.focus();
    });
  }

  #change(axis: Axis, values: readonly AxisValue[], index: number, patch: Partial<AxisValue>): void {
    const before = values[index];
    const value = { label: '', text: '', ...before, ...patch };
    if (!before && value.text === '') return;
    // A name that was made of the text goes with it.
    if (before && patch.text !== undefined && before.label === before.text) value.label = '';
    if (!before) {
      this.#drafts.delete(axis);
      this.#append(axis, value);
      return;
    }
    this.#set(
      axis,
      values.map((one, i) => (i === index ? value : one)),
    );
  }

  #removeValue(axis: Axis, values: readonly AxisValue[], index: number): void {
    if (index >= values.length) {
      this.#drafts.delete(axis);
      this.requestUpdate();
      return;
    }
    this.#set(
      axis,
      values.filter((_, i) => i !== index),
    );
  }

  #removeAxis(axis: Axis): void {
    this.#drafts.delete(axis);
    if (this.#values(axis).length > 0) this.#set(axis, []);
    else this.requestUpdate();
  }

  #set(axis: Axis, values: readonly AxisValue[]): void {
    void this.store.ask(this.store.host.setAxis({ axis, values: values.map(({ label, text }) => ({ label, text })) }));
  }
}

const draft = (axis: Axis): { axis: Axis; values: readonly AxisValue[] } => ({ axis, values: [] });

/** The same text under a name that is free. */
function unique(value: AxisValue, others: readonly AxisValue[]): AxisValue {
  if (value.label === '') return value;
  let { label } = value;
  for (let i = 2; others.some(other => other.label === label); i++) label = `${value.label} ${i}`;
  return { ...value, label };
}

customElements.define('tunesmith-variants', Variants);
