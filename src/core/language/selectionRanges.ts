/** What a selection grows to: name, tag, message, prompt; or value, entry, section, front matter. */
import type { TextRange } from '../prompts/template.ts';
import { entriesAround } from './frontMatterTree.ts';
import { messageRanges } from './symbols.ts';
import type { TemplateDocument } from './templateDocument.ts';

/** From the innermost outwards; each holds the one before it. */
export function selectionRanges(document: TemplateDocument, offset: number): TextRange[] {
  const { text, template, entries, body } = document;
  const around: TextRange[] = [];
  for (const { valueRange, range } of entriesAround(entries, offset)) around.push(valueRange, range);
  if (template.frontMatterRange.start > 0) around.push(template.frontMatterRange);
  for (const { range } of body.names) around.push(range);
  for (const { inner, range } of body.tags) around.push(inner, range);
  for (const { open, close } of body.blocks)
    around.push({ start: open.end, end: close.start }, { start: open.start, end: close.end });
  for (const { marker, content } of messageRanges(document))
    around.push(content, { start: marker.start, end: Math.max(marker.end, content.end) });
  around.push(template.bodyRange, { start: 0, end: text.length });
  const ranges: TextRange[] = [];
  const holding = around
    .filter(({ start, end }) => start <= offset && offset <= end && end > start)
    .sort((a, b) => a.end - a.start - (b.end - b.start));
  for (const range of holding) {
    const last = ranges.at(-1);
    const grows =
      !last || (range.start <= last.start && range.end >= last.end && range.end - range.start > last.end - last.start);
    if (grows) ranges.push(range);
  }
  return ranges;
}
