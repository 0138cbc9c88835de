/** What can be folded: the front matter and its sections, messages, blocks and comments of the prompt. */
import type { TextRange } from '../prompts/template.ts';
import { allEntries } from './frontMatterTree.ts';
import { messageRanges } from './symbols.ts';
import type { TemplateDocument } from './templateDocument.ts';

export interface Fold {
  /** From the line of its start to the line of its end; those on one line are left out. */
  readonly range: TextRange;
  readonly kind?: 'comment' | 'front-matter';
}

export function folds(document: TemplateDocument): Fold[] {
  const { text, template, entries, body } = document;
  const found: Fold[] = [];
  const { start, end } = template.frontMatterRange;
  if (start > 0) found.push({ range: { start: start - 1, end }, kind: 'front-matter' });
  for (const entry of allEntries(entries))
    if (entry.kind !== 'scalar') found.push({ range: lastLine(text, entry.range) });
  for (const { marker, content } of messageRanges(document))
    found.push({ range: { start: marker.start, end: content.end } });
  for (const { open, close } of body.blocks) {
    // The closing tag's line stays in sight.
    const before = text.lastIndexOf('\n', close.start);
    found.push({ range: { start: open.start, end: Math.max(open.end, close.end > close.start ? before : close.end) } });
  }
  for (const tag of body.tags) if (tag.kind === 'comment') found.push({ range: tag.range, kind: 'comment' });
  return found.filter(({ range }) => text.slice(range.start, range.end).includes('\n'));
}

/** Block collections of YAML end at the start of the next line. */
function lastLine(text: string, { start, end }: TextRange): TextRange {
  return { start, end: start + text.slice(start, end).trimEnd().length };
}
