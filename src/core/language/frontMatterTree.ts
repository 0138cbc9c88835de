/** The front matter as a tree of entries that know their places, for every feature that points at a key or a value. */
import { isMap, isScalar, isSeq } from 'yaml';
import { readFrontMatter, splitFrontMatter } from '../prompts/frontMatter.ts';
import type { TextRange } from '../prompts/template.ts';

export interface Entry {
  /** The key, or the index of an item in a list. */
  readonly key: string;
  /** From the top of the front matter, this key last. */
  readonly path: readonly string[];
  /** Empty, before the item, for items of a list. */
  readonly keyRange: TextRange;
  /** Empty, after the key, where there is no value. */
  readonly valueRange: TextRange;
  /** Key and value. */
  readonly range: TextRange;
  readonly kind: 'map' | 'list' | 'scalar';
  /** Of a scalar. */
  readonly value?: string | number | boolean | null;
  /** Written between quotes. */
  readonly quoted: boolean;
  readonly entries: readonly Entry[];
}

/** The entries of a template's front matter; none where it is broken beyond reading. */
export function frontMatterTree(text: string): readonly Entry[] {
  const place = splitFrontMatter(text);
  const root = readFrontMatter(text, place, () => {});
  return root.fields.map(({ key, keyRange, valueRange, node }) =>
    entryOf(key, [key], keyRange, valueRange, node, place.yaml.start),
  );
}

function entryOf(
  key: string,
  path: readonly string[],
  keyRange: TextRange,
  valueRange: TextRange,
  node: unknown,
  offset: number,
): Entry {
  const base = {
    key,
    path,
    keyRange,
    valueRange,
    range: { start: keyRange.start, end: Math.max(keyRange.end, valueRange.end) },
  };
  if (isMap(node)) {
    const entries = node.items.map(({ key: name, value }) => {
      const at = shifted(rangeOf(name), offset);
      const text = isScalar(name) ? String(name.value) : String(name);
      const end = value ? shifted(rangeOf(value), offset) : { start: at.end, end: at.end };
      return entryOf(text, [...path, text], at, end, value, offset);
    });
    return { ...base, kind: 'map', quoted: false, entries };
  }
  if (isSeq(node)) {
    const entries = node.items.map((item, index) => {
      const at = shifted(rangeOf(item), offset);
      return entryOf(String(index), [...path, String(index)], { start: at.start, end: at.start }, at, item, offset);
    });
    return { ...base, kind: 'list', quoted: false, entries };
  }
  const scalar = isScalar(node) ? node : undefined;
  const value = scalar?.value as Entry['value'];
  return { ...base, kind: 'scalar', value, quoted: /^QUOTE/.test(scalar?.type ?? ''), entries: [] };
}

const rangeOf = (node: unknown): TextRange => {
  const [start, end] = (node as { range?: readonly [number, number, number] } | null)?.range ?? [0, 0];
  return { start, end };
};

const shifted = ({ start, end }: TextRange, by: number): TextRange => ({ start: start + by, end: end + by });

/** The entry at a path, by keys and indices. */
export function entryAt(entries: readonly Entry[], path: readonly string[]): Entry | undefined {
  let found: Entry | undefined;
  let level = entries;
  for (const key of path) {
    found = level.find(entry => entry.key === key);
    if (!found) return undefined;
    level = found.entries;
  }
  return found;
}

/** The innermost entry whose key or value holds an offset, with those around it, outermost first. */
export function entriesAround(entries: readonly Entry[], offset: number): readonly Entry[] {
  const around: Entry[] = [];
  for (let level = entries; ; ) {
    const next = level.find(({ range }) => range.start <= offset && offset <= range.end);
    if (!next) return around;
    around.push(next);
    level = next.entries;
  }
}

/** Every entry, parents before their children. */
export function* allEntries(entries: readonly Entry[]): Generator<Entry> {
  for (const entry of entries) {
    yield entry;
    yield* allEntries(entry.entries);
  }
}
