/** Models as a tree that is drawn: what was tuned from what, and, as arcs beside it, which reward models rewarded which. */
import { html, nothing, svg, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { Lineage, LineageRow, LineageStarts } from '../../src/protocol/lineage.ts';
import { icon } from '../common/codicon.ts';
import { opening, type PageModel, problem } from './livePage.ts';

export interface LineageModel extends PageModel {
  readonly lineage: Lineage | null;
  /** The model whose row has the focus, or had it last. */
  readonly current: string | null;
}

export interface LineageActions {
  /** The job that made it, else the model itself. */
  open(row: LineageRow): void;
  use(row: LineageRow): void;
  go(id: string): void;
  start(what: (typeof LineageStarts)[number]): void;
  retry(): void;
}

const icons = { base: 'chip', policy: 'wand', reward: 'law' } as const;

export function lineageView({ lineage, current, error }: LineageModel, actions: LineageActions): TemplateResult {
  if (!lineage) return opening(error, () => actions.retry());
  const { rows } = lineage;
  return html`<main class="job">
    <header class="head"><h1 class="clip">${l10n.t('Lineage of Models')}</h1></header>
    ${error === null ? nothing : html`<div class="health">${problem(error)}</div>`}
    <div class="scroll">${rows.length === 0 ? welcome(actions) : tree(rows, current, actions)}</div>
  </main>`;
}

const welcome = (actions: LineageActions): TemplateResult => html`<div class="welcome">
  <p>${l10n.t('Every model that is tuned here appears with what it came from. There is none yet.')}</p>
  <button class="button" @click=${() => actions.start('tune-on-examples')}>${l10n.t('Fine-Tune on Examples')}</button>
  <button class="button secondary" @click=${() => actions.start('train-reward-model')}>${l10n.t('Train Reward Model')}</button>
</div>`;

function tree(rows: readonly LineageRow[], current: string | null, actions: LineageActions): TemplateResult {
  const chosen = Math.max(
    0,
    rows.findIndex(({ id }) => id === current),
  );
  const related = new Set([
    ...rows[chosen]!.rewardedBy,
    ...rows.flatMap(({ rewardedBy }, i) => (rewardedBy.includes(chosen) ? [i] : [])),
  ]);
  const places = placesOf(rows);
  const rewarded = rows.some(({ rewardedBy }) => rewardedBy.length > 0);
  return html`<div class="ln ${rewarded ? 'rewarded' : ''}">
    <div class="ln-head dim" aria-hidden="true">
      <span></span><span>${l10n.t('Model')}</span><span class="ln-kind">${l10n.t('Kind')}</span><span class="ln-figure">${l10n.t('Result')}</span><span class="ln-more">${l10n.t('Learned from')}</span><span class="ln-more">${l10n.t('Made')}</span><span></span>
    </div>
    <div class="ln-body">
      ${arcs(rows, chosen)}
      <div role="tree" aria-label=${l10n.t('Lineage of Models')} @keydown=${onKey}>${rows.map((row, i) => rowView(row, i))}</div>
    </div>
  </div>`;

  function rowView(row: LineageRow, i: number): TemplateResult {
    const { name, kind, kindLabel, branch, figure, learnedFrom, createdAt, job, usable } = row;
    const made = createdAt === null ? '' : date(createdAt);
    const opens = job !== null ? l10n.t('Open Job') : usable ? l10n.t('Use in Playground') : '';
    const words = [name, kindLabel, figure, learnedFrom, made].filter(text => text !== '');
    return html`<div role="treeitem" class="ln-row ${related.has(i) ? 'related' : ''} ${opens === '' ? '' : 'opens'}"
      tabindex=${i === chosen ? '0' : '-1'} aria-selected=${i === chosen ? 'true' : 'false'}
      aria-level=${branch.length + 1} aria-posinset=${places[i]!.place} aria-setsize=${places[i]!.of}
      aria-label=${words.join(', ')} title=${opens === '' ? nothing : `${name}: ${opens}`}
      @click=${() => {
        actions.go(row.id);
        actions.open(row);
      }}>
      <span class="ln-tip">${row.rewardedBy.length > 0 ? icon('triangle-right') : nothing}</span>
      <span class="ln-name">${branch.map(step => html`<i class="ln-step ${step}"></i>`)}${icon(icons[kind], 'c-dim')}<span class="clip ${kind === 'base' ? 'base' : ''}">${name}</span></span>
      <span class="clip dim">${kindLabel}</span>
      <span class="ln-figure clip">${figure}</span>
      <span class="ln-more clip dim" title=${learnedFrom}>${learnedFrom}</span>
      <span class="ln-more clip dim">${made}</span>
      <span class="ln-acts">${
        usable
          ? html`<button class="action" tabindex=${i === chosen ? '0' : '-1'} title=${l10n.t('Use in Playground')} aria-label=${l10n.t('Use {0} in Playground', name)} @click=${(
              event: Event,
            ) => {
              event.stopPropagation();
              actions.use(row);
            }}>${icon('play')}</button>`
          : nothing
      }</span>
    </div>`;
  }

  function onKey(event: KeyboardEvent): void {
    if (!(event.target as HTMLElement).matches('[role="treeitem"]')) return;
    if (event.key === 'Enter' || event.key === ' ') actions.open(rows[chosen]!);
    else {
      const next = target(rows, chosen, event.key);
      if (next === undefined) return;
      if (rows[next]) actions.go(rows[next].id);
    }
    event.preventDefault();
  }
}

/** The row that a key goes to; undefined where it is no key of a tree. */
function target(rows: readonly LineageRow[], from: number, key: string): number | undefined {
  const level = rows[from]!.branch.length;
  switch (key) {
    case 'ArrowDown':
      return Math.min(rows.length - 1, from + 1);
    case 'ArrowUp':
      return Math.max(0, from - 1);
    case 'Home':
      return 0;
    case 'End':
      return rows.length - 1;
    case 'ArrowLeft':
      return rows.findLastIndex((row, i) => i < from && row.branch.length < level);
    case 'ArrowRight':
      return (rows[from + 1]?.branch.length ?? 0) > level ? from + 1 : from;
    default:
      return undefined;
  }
}

/** Of each row: which of its siblings it is, and of how many. */
function placesOf(rows: readonly LineageRow[]): readonly { readonly place: number; readonly of: number }[] {
  const parents = rows.map((row, i) =>
    rows.findLastIndex((above, j) => j < i && above.branch.length < row.branch.length),
  );
  return parents.map((parent, i) => ({
    place: parents.slice(0, i + 1).filter(other => other === parent).length,
    of: parents.filter(other => other === parent).length,
  }));
}

/** From each reward model to what it rewarded; x in pixels of the gutter, y in rows. */
function arcs(rows: readonly LineageRow[], chosen: number): TemplateResult {
  const edges = rows.flatMap(({ rewardedBy }, to) => rewardedBy.map(from => ({ from, to })));
  const reach = Math.max(1, ...edges.map(({ from, to }) => Math.abs(to - from)));
  return html`<svg class="ln-arcs" viewBox="0 0 40 ${rows.length}" preserveAspectRatio="none" aria-hidden="true">${edges.map(
    ({ from, to }) => {
      // The farther, the wider, so that arcs do not lie on each other.
      const x = 26 - 24 * Math.sqrt(Math.abs(to - from) / reach);
      const [start, end] = [from + 0.5, to + 0.5];
      const path = `M40,${start}C${x},${start} ${x},${start} ${x},${(start + end) / 2}S${x},${end} 34,${end}`;
      return svg`<path class=${from === chosen || to === chosen ? 'on' : ''} d=${path} />`;
    },
  )}</svg>`;
}

const date = (iso: string): string =>
  new Date(iso).toLocaleString(document.documentElement.lang || undefined, { dateStyle: 'medium', timeStyle: 'short' });
