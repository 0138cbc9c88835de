/** A text with some of its words marked as taken away or as new. */
import { html, type TemplateResult } from 'lit';
import type { Range } from '../../src/base/wordDiff.ts';

export function marked(text: string, ranges: readonly Range[] | undefined, as: 'ins' | 'del'): TemplateResult {
  let place = 0;
  const parts: (string | TemplateResult)[] = [];
  for (const { start, end } of ranges ?? []) {
    const word = text.slice(start, end);
    parts.push(text.slice(place, start), as === 'ins' ? html`<ins>${word}</ins>` : html`<del>${word}</del>`);
    place = end;
  }
  return html`${parts}${text.slice(place)}`;
}
