/** The outline: sections of the front matter, inputs, and the messages of the prompt. */
import { l10n } from '../../base/l10n.ts';
import type { TextRange } from '../prompts/template.ts';
import type { Entry } from './frontMatterTree.ts';
import { shortValue } from './shortValue.ts';
import type { TemplateDocument } from './templateDocument.ts';

export interface TemplateSymbol {
  readonly name: string;
  readonly detail: string;
  readonly kind: 'section' | 'key' | 'input' | 'message' | 'shots';
  readonly range: TextRange;
  /** Where the cursor goes. */
  readonly selection: TextRange;
  readonly children: readonly TemplateSymbol[];
}

export function symbols(document: TemplateDocument): TemplateSymbol[] {
  return [...document.entries.map(entry => ofEntry(document, entry)), ...messages(document)];
}

function ofEntry(document: TemplateDocument, entry: Entry): TemplateSymbol {
  const isInput = entry.path[0] === 'inputs' && entry.path.length === 2;
  const input = isInput ? document.template.inputs.find(({ range }) => range.start === entry.range.start) : undefined;
  // What an input is made of would drown the outline.
  const children = isInput ? [] : entry.entries.map(child => ofEntry(document, child));
  const isItem = entry.keyRange.end === entry.keyRange.start;
  const value =
    entry.kind === 'scalar' && entry.value !== null && entry.value !== undefined ? shortValue(entry.value) : '';
  const item = entry.entries.find(({ key }) => key === 'name' || key === 'label')?.value;
  return {
    name: input?.name ?? (isItem ? String(item ?? (value || entry.key)) : entry.key),
    detail: input?.kind ?? (isItem ? '' : value),
    kind: isInput ? 'input' : entry.entries.length > 0 ? 'section' : 'key',
    range: entry.range,
    selection: isItem ? { start: entry.range.start, end: entry.range.start } : entry.keyRange,
    children,
  };
}

/** A message reaches to the next role; text before the first one is a system message. */
export function messageRanges({ template, text }: TemplateDocument): {
  readonly role: string;
  readonly marker: TextRange;
  readonly content: TextRange;
}[] {
  const { bodyRange, roles } = template;
  const found = roles.map(({ role, range }, index) => {
    const end = roles[index + 1]?.range.start ?? bodyRange.end;
    return { role, marker: range, content: trimmed(text, { start: Math.min(range.end, end), end }) };
  });
  const first = trimmed(text, { start: bodyRange.start, end: roles[0]?.range.start ?? bodyRange.end });
  const marker = { start: first.start, end: first.start };
  return first.end > first.start ? [{ role: 'system', marker, content: first }, ...found] : found;
}

function trimmed(text: string, { start, end }: TextRange): TextRange {
  const inside = text.slice(start, end);
  const from = start + (inside.length - inside.trimStart().length);
  return { start: Math.min(from, end), end: Math.max(Math.min(from, end), start + inside.trimEnd().length) };
}

function messages(document: TemplateDocument): TemplateSymbol[] {
  const { text, body } = document;
  return messageRanges(document).map(({ role, marker, content }) => {
    const range = { start: marker.start, end: Math.max(marker.end, content.end) };
    const shots = body.names.find(
      use =>
        use.name === 'shots' &&
        use.kind === 'variable' &&
        content.start <= use.range.start &&
        use.range.end <= content.end,
    );
    const children: TemplateSymbol[] = shots
      ? [
          {
            name: 'shots',
            detail: l10n.t('worked examples'),
            kind: 'shots',
            range: shots.range,
            selection: shots.range,
            children: [],
          },
        ]
      : [];
    const firstLine = text.slice(content.start, content.end).split(/\r?\n/, 1)[0]!;
    return { name: role, detail: shortValue(firstLine), kind: 'message', range, selection: marker, children };
  });
}
