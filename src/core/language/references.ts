/** Where a name is declared and used: inputs in front matter and prompt, and names of the template's own within their scope. */
import type { TextRange } from '../prompts/template.ts';
import { allEntries, entryAt } from './frontMatterTree.ts';
import { declarations, isOutside, nameAt, type TemplateDocument, usesOf } from './templateDocument.ts';

export interface Occurrences {
  readonly name: string;
  readonly kind: 'input' | 'local';
  /** What is under the cursor. */
  readonly at: TextRange;
  readonly declaration?: TextRange;
  /** Without the declaration, in order. */
  readonly uses: readonly TextRange[];
}

/** Undefined where the cursor is on no name. */
export function occurrencesAt(document: TemplateDocument, offset: number): Occurrences | undefined {
  const declared = declarations(document).find(({ nameRange }) => nameRange.start <= offset && offset <= nameRange.end);
  if (declared) return inputOccurrences(document, declared.name, declared.nameRange);
  const use = nameAt(document, offset);
  if (use?.kind !== 'variable') return undefined;
  if (!use.binding) return isOutside(document, use) ? inputOccurrences(document, use.name, use.range) : undefined;
  const { binding } = use;
  if (binding.range.start < 0) return undefined;
  const uses = document.body.names
    .filter(other => other.binding?.range.start === binding.range.start && other.range.start !== binding.range.start)
    .map(({ range }) => range);
  return { name: use.name, kind: 'local', at: use.range, declaration: binding.range, uses };
}

function inputOccurrences(document: TemplateDocument, name: string, at: TextRange): Occurrences {
  const declaration = declarations(document).find(candidate => candidate.name === name)?.nameRange;
  // Version 1 gives example values in a mapping of their own.
  const samples = (entryAt(document.entries, ['sample'])?.entries ?? []).filter(({ key }) => key === name);
  const uses = [...samples.map(({ keyRange }) => keyRange), ...usesOf(document, name).map(({ range }) => range)];
  return { name, kind: 'input', at, ...(declaration ? { declaration } : {}), uses };
}

/** A file that the template names. */
export interface NamedFile {
  readonly kind: 'bank' | 'rows' | 'file';
  /** As written, relative to the template. */
  readonly path: string;
  readonly range: TextRange;
}

/** Bank, rows and `${file:…}`, in order. */
export function namedFiles(document: TemplateDocument): NamedFile[] {
  const files: NamedFile[] = [];
  const settings = entryAt(document.entries, ['metadata', 'tunesmith']);
  for (const [kind, path] of [
    ['bank', ['examples', 'bank']],
    ['rows', ['rows']],
  ] as const) {
    const entry = settings && entryAt(settings.entries, path);
    if (typeof entry?.value === 'string' && entry.value !== '')
      files.push({ kind, path: entry.value, range: unquoted(entry.valueRange, entry.quoted) });
  }
  for (const { kind, value, valueRange } of allEntries(document.entries)) {
    if (kind !== 'scalar' || typeof value !== 'string') continue;
    const source = document.text.slice(valueRange.start, valueRange.end);
    for (const match of source.matchAll(/\$\{file:([^}\n]+)\}/gi)) {
      const start = valueRange.start + match.index + match[0].length - 1 - match[1]!.length;
      files.push({ kind: 'file', path: match[1]!, range: { start, end: start + match[1]!.length } });
    }
  }
  return files.sort((a, b) => a.range.start - b.range.start);
}

const unquoted = ({ start, end }: TextRange, quoted: boolean): TextRange =>
  quoted ? { start: start + 1, end: end - 1 } : { start, end };
