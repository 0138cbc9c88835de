/**
 * Answers as a person reads them, built from text nodes only: an answer can neither fetch nor open anything. Ranges of the text
 * can be marked, and a selection on the screen is a range of the text.
 */
import { html, type TemplateResult } from 'lit';
import { type Block, blocksOf, type Leaf } from './textBlocks.ts';

export interface Mark {
  readonly start: number;
  readonly end: number;
  /** Words the other answer lacks; what somebody marked; what is being marked. */
  readonly kind: 'differs' | 'marked' | 'marking';
}

const kept = new Map<string, readonly Block[]>();

function parsed(text: string): readonly Block[] {
  let found = kept.get(text);
  if (!found) {
    found = blocksOf(text);
    if (kept.size > 64) kept.clear();
    kept.set(text, found);
  }
  return found;
}

/** The text as blocks; nothing in it is a link, an image or markup. */
export const answerText = (text: string, marks: readonly Mark[] = []): TemplateResult =>
  html`<div class="answer-text">${parsed(text).map(block => blockView(block, marks))}</div>`;

function blockView(block: Block, marks: readonly Mark[]): TemplateResult {
  switch (block.kind) {
    case 'code':
      return html`<pre tabindex="0">${leavesView(block.leaves, marks)}</pre>`;
    case 'heading':
      return html`<p class="heading h${Math.min(block.level, 4)}">${leavesView(block.leaves, marks)}</p>`;
    case 'list': {
      const items = block.items.map(
        blocks =>
          html`<li>${
            // A line alone needs no paragraph around it.
            blocks.map((inner, i) =>
              i === 0 && inner.kind === 'text'
                ? html`<span class="first">${leavesView(inner.leaves, marks)}</span>`
                : blockView(inner, marks),
            )
          }</li>`,
      );
      return block.ordered ? html`<ol start=${block.start}>${items}</ol>` : html`<ul>${items}</ul>`;
    }
    case 'quote':
      return html`<blockquote>${block.blocks.map(inner => blockView(inner, marks))}</blockquote>`;
    case 'table': {
      const [head = [], ...rows] = block.rows;
      return html`<div class="table" tabindex="0"><table>
        <thead><tr>${head.map(cell => html`<th scope="col">${leavesView(cell, marks)}</th>`)}</tr></thead>
        <tbody>${rows.map(row => html`<tr>${row.map(cell => html`<td>${leavesView(cell, marks)}</td>`)}</tr>`)}</tbody>
      </table></div>`;
    }
    case 'rule':
      return html`<hr>`;
    case 'text':
      return html`<p>${leavesView(block.leaves, marks)}</p>`;
  }
}

const leavesView = (leaves: readonly Leaf[], marks: readonly Mark[]): unknown[] =>
  leaves.map(leaf => {
    if (leaf.at === undefined) return leaf.text;
    const pieces = split(leaf.text, leaf.at, marks).map(({ text, at, kinds }) =>
      kinds === '' ? html`<span data-at=${at}>${text}</span>` : html`<mark class=${kinds} data-at=${at}>${text}</mark>`,
    );
    if (leaf.style === 'code') return html`<code>${pieces}</code>`;
    if (leaf.style === 'strong') return html`<strong>${pieces}</strong>`;
    if (leaf.style === 'em') return html`<em>${pieces}</em>`;
    if (leaf.style === 'strike') return html`<s>${pieces}</s>`;
    return pieces;
  });

/** A leaf cut where marks begin and end. */
export function split(
  text: string,
  at: number,
  marks: readonly Mark[],
): { readonly text: string; readonly at: number; readonly kinds: string }[] {
  const end = at + text.length;
  const own = marks.filter(mark => mark.start < end && mark.end > at);
  if (own.length === 0) return [{ text, at, kinds: '' }];
  const cuts = new Set([at, end]);
  for (const mark of own) {
    cuts.add(Math.max(at, mark.start));
    cuts.add(Math.min(end, mark.end));
  }
  const places = [...cuts].sort((a, b) => a - b);
  return places.slice(0, -1).map((from, i) => {
    const to = places[i + 1]!;
    const kinds = new Set(own.filter(mark => mark.start < to && mark.end > from).map(mark => mark.kind));
    return { text: text.slice(from - at, to - at), at: from, kinds: [...kinds].join(' ') };
  });
}

/** The range of the answer's text that is selected inside `root`; undefined when nothing or something else is selected. */
export function selectedRange(root: Element): { readonly start: number; readonly end: number } | undefined {
  const selection = root.ownerDocument.getSelection();
  if (!selection || selection.isCollapsed || selection.rangeCount === 0) return undefined;
  const range = selection.getRangeAt(0);
  if (!root.contains(range.commonAncestorContainer)) return undefined;
  let start: number | undefined;
  let end: number | undefined;
  for (const piece of root.querySelectorAll<HTMLElement>('[data-at]')) {
    if (!range.intersectsNode(piece)) continue;
    const node = [...piece.childNodes].find(child => child.nodeType === Node.TEXT_NODE);
    if (!node) continue;
    const at = Number(piece.dataset.at);
    const length = node.textContent?.length ?? 0;
    const first = range.startContainer === node ? range.startOffset : 0;
    const last = range.endContainer === node ? range.endOffset : length;
    if (first >= last) continue;
    start ??= at + first;
    end = at + last;
  }
  return start === undefined || end === undefined ? undefined : { start, end };
}

/** A fold hides what is longer than this many characters or lines. */
const foldedLength = 1600;
const foldedLines = 24;

export const isLong = (text: string): boolean =>
  text.length > foldedLength || text.split('\n', foldedLines + 1).length > foldedLines;

/** A few words of a text, on one line. */
export function excerpt(text: string, most = 60): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`;
}
