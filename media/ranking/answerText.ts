/**
 * Answers as a person reads them: the plain part of Markdown (paragraphs, lists, code, emphasis) built from text nodes only.
 * Links and images stay as they are written, so that an answer can neither fetch nor open anything.
 */
import { html, type TemplateResult } from 'lit';

type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly start: number; readonly items: readonly string[] };

const fence = /^\s{0,3}(```+|~~~+)/;
const bullet = /^\s{0,3}[-*+]\s+(\S.*)$/;
const numbered = /^\s{0,3}(\d{1,9})[.)]\s+(\S.*)$/;
const heading = /^\s{0,3}#{1,6}\s+(\S.*?)\s*#*$/;

/** Splits an answer into blocks. An unclosed fence runs to the end, as while an answer streams. */
export function blocksOf(text: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  let paragraph: string[] = [];
  const flush = (): void => {
    const joined = paragraph.join('\n').replace(/^\n+|\n+$/g, '');
    if (joined !== '') blocks.push({ kind: 'text', text: joined });
    paragraph = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const open = fence.exec(line)?.[1];
    if (open) {
      flush();
      const code: string[] = [];
      for (i++; i < lines.length && !lines[i]!.trim().startsWith(open); i++) code.push(lines[i]!);
      blocks.push({ kind: 'code', text: code.join('\n') });
      continue;
    }
    const title = heading.exec(line)?.[1];
    if (title) {
      flush();
      blocks.push({ kind: 'heading', text: title });
      continue;
    }
    const first = bullet.exec(line) ?? numbered.exec(line);
    if (first) {
      flush();
      const ordered = first.length === 3;
      const pattern = ordered ? numbered : bullet;
      const items: string[] = [];
      let match: RegExpExecArray | null = first;
      while (match) {
        items.push(match.at(-1)!);
        match = i + 1 < lines.length ? pattern.exec(lines[i + 1]!) : null;
        if (match) i++;
      }
      blocks.push({ kind: 'list', ordered, start: ordered ? Number(first[1]) : 1, items });
      continue;
    }
    if (line.trim() === '') flush();
    else paragraph.push(line);
  }
  flush();
  return blocks;
}

type Inline = { readonly kind: 'plain' | 'code' | 'strong' | 'em'; readonly text: string };

/** Inline code, strong and emphasis; everything else is plain text. */
export function inlinesOf(text: string): readonly Inline[] {
  const parts: Inline[] = [];
  const mark =
    /`([^`\n]+)`|\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*|(?<![\p{L}\p{N}*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\p{L}\p{N}*])/gu;
  let end = 0;
  for (const match of text.matchAll(mark)) {
    if (match.index > end) parts.push({ kind: 'plain', text: text.slice(end, match.index) });
    if (match[1] !== undefined) parts.push({ kind: 'code', text: match[1] });
    else if (match[2] !== undefined) parts.push({ kind: 'strong', text: match[2] });
    else parts.push({ kind: 'em', text: match[3]! });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ kind: 'plain', text: text.slice(end) });
  return parts;
}

const inline = (text: string): unknown[] => inlinesOf(text).map(inlineView);

function inlineView(part: Inline): unknown {
  if (part.kind === 'code') return html`<code>${part.text}</code>`;
  if (part.kind === 'strong') return html`<strong>${part.text}</strong>`;
  if (part.kind === 'em') return html`<em>${part.text}</em>`;
  return part.text;
}

function blockView(block: Block): TemplateResult {
  switch (block.kind) {
    case 'code':
      return html`<pre tabindex="0">${block.text}</pre>`;
    case 'heading':
      return html`<p><strong>${inline(block.text)}</strong></p>`;
    case 'list': {
      const items = block.items.map(item => html`<li>${inline(item)}</li>`);
      return block.ordered ? html`<ol start=${block.start}>${items}</ol>` : html`<ul>${items}</ul>`;
    }
    case 'text':
      return html`<p>${inline(block.text)}</p>`;
  }
}

/** The answer as blocks; nothing in it is a link, an image or markup. */
export const answerText = (text: string): TemplateResult =>
  html`<div class="answer-text">${blocksOf(text).map(blockView)}</div>`;
