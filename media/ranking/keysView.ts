/** Keys as they stand on buttons and in the list of keys. */
import { html, type TemplateResult } from 'lit';
import type { RankingItem, RankingState } from '../../src/protocol/ranking.ts';
import { keyList } from './keys.ts';
import { keyContext } from './model.ts';

export const key = (name: string): TemplateResult => html`<kbd aria-hidden="true">${name}</kbd>`;

export const keysView = (
  state: RankingState,
  item: RankingItem,
  all: boolean,
  where: 'only-wide' | '',
): TemplateResult =>
  html`<div class="keys ${where}">${keyList(keyContext(state, item, true), all).map(
    ({ keys, to, does }) =>
      html`<span>${keys.map((name, i) => html`${i > 0 && to ? '–' : ''}${key(name)}`)} ${does}</span>`,
  )}</div>`;
