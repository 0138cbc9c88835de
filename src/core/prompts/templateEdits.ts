/** Changes of a template's front matter as small replacements, so that comments, order and undo stay as they were. */
import { type Document, isMap, isScalar, type Pair, parseDocument, type Scalar, stringify, type YAMLMap } from 'yaml';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Replacement } from '../../base/textChange.ts';
import { splitFrontMatter } from './frontMatter.ts';

export type FrontMatterValue =
  | string
  | number
  | boolean
  | readonly (string | number)[]
  | { readonly [key: string]: string | number }
  | null;

/** Offsets of the YAML between its delimiter lines, or undefined where the file has no front matter. */
export function frontMatterRange(text: string): { start: number; end: number } | undefined {
  const { yaml, body, unclosed } = splitFrontMatter(text);
  return unclosed || body.start === 0 ? undefined : yaml;
}

/**
 * The replacements that set `path` to `value` (null removes the key). Missing maps on the way are made. Throws a HumanError
 * when the front matter is not YAML or something on the way is no map: the user has to mend that first.
 */
export function setFrontMatter(text: string, path: readonly string[], value: FrontMatterValue): Replacement[] {
  const range = frontMatterRange(text);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  if (!range) {
    if (value === null) return [];
    if (splitFrontMatter(text).unclosed) throw cannot(path);
    return [
      { offset: text.startsWith('\uFEFF') ? 1 : 0, length: 0, text: `---${eol}${block(path, value, 0, eol)}---${eol}` },
    ];
  }
  const yaml = text.slice(range.start, range.end);
  const document = parseDocument(yaml);
  if (document.errors.length > 0) throw cannot(path);
  return edit(document, yaml, path, value, eol).map(({ offset, length, text: replacement }) => ({
    offset: offset + range.start,
    length,
    text: replacement,
  }));
}

export const cannot = (path: readonly string[]): HumanError =>
  new HumanError(
    l10n.t('“{0}” cannot be set while the front matter has errors. Correct them in the text first.', path.join('.')),
  );

function edit(
  document: Document.Parsed,
  yaml: string,
  path: readonly string[],
  value: FrontMatterValue,
  eol: string,
): Replacement[] {
  if (document.contents === null || isEmpty(document.contents)) {
    return value === null ? [] : [{ offset: yaml.length, length: 0, text: block(path, value, 0, eol) }];
  }
  let map: unknown = document.contents;
  for (const [depth, key] of path.entries()) {
    if (!isMap(map)) throw cannot(path);
    const pair = map.items.find(item => isScalar(item.key) && item.key.value === key);
    const rest = path.slice(depth + 1);
    if (!pair) return value === null ? [] : [insertion(map, yaml, path.slice(depth), value, eol)];
    if (rest.length === 0) return [value === null ? removal(map, pair, yaml) : replacement(pair, value, yaml)];
    if (isEmpty(pair.value)) {
      if (value === null) return [];
      const at = valueStart(pair, yaml);
      return [{ offset: at, length: 0, text: ` ${flow(rest, value)}` }];
    }
    map = pair.value;
  }
  return [];
}

const isEmpty = (node: unknown): boolean =>
  node === null ||
  node === undefined ||
  (isScalar(node) && (node.value === null || node.value === undefined) && !node.source);

/** Just after the colon of a pair that has no value. */
export function valueStart(pair: Pair<unknown, unknown>, yaml: string): number {
  const end = (pair.key as Scalar).range![1];
  return yaml.indexOf(':', end) + 1;
}

export function replacement(pair: Pair<unknown, unknown>, value: FrontMatterValue, yaml: string): Replacement {
  const node = pair.value as { range?: [number, number, number] } | null;
  if (isEmpty(node) || !node?.range) {
    return { offset: valueStart(pair, yaml), length: 0, text: ` ${yamlInline(value)}` };
  }
  const [start, end] = node.range;
  // A block collection or block scalar stands on its own lines: what replaces it must follow its key.
  const inline = !yaml.slice((pair.key as Scalar).range![1], start).includes('\n');
  const from = inline ? start : valueStart(pair, yaml);
  const kept = /\s*$/.exec(yaml.slice(from, end))![0].length;
  return { offset: from, length: end - from - kept, text: `${inline ? '' : ' '}${yamlInline(value)}` };
}

function insertion(
  map: YAMLMap,
  yaml: string,
  path: readonly string[],
  value: FrontMatterValue,
  eol: string,
): Replacement {
  if (map.flow) {
    const [start, end] = map.range!;
    const close = yaml.lastIndexOf('}', end - 1);
    const last = map.items.at(-1);
    if (!last)
      return {
        offset: start + 1,
        length: close - start - 1,
        text: `${yamlInline(path[0])}: ${flow(path.slice(1), value)}`,
      };
    const lastEnd = rangeEnd(last);
    return { offset: lastEnd, length: 0, text: `, ${yamlInline(path[0])}: ${flow(path.slice(1), value)}` };
  }
  const first = map.items[0]!;
  const keyStart = (first.key as Scalar).range![0];
  const indent = keyStart - (yaml.lastIndexOf('\n', keyStart - 1) + 1);
  const end = lineEnd(yaml, rangeEnd(map.items.at(-1)!));
  const needsBreak = end > 0 && yaml[end - 1] !== '\n';
  return { offset: end, length: 0, text: (needsBreak ? eol : '') + block(path, value, indent, eol) };
}

export function removal(map: YAMLMap, pair: Pair<unknown, unknown>, yaml: string): Replacement {
  const start = (pair.key as Scalar).range![0];
  const end = rangeEnd(pair);
  if (map.flow) {
    const index = map.items.indexOf(pair as YAMLMap['items'][number]);
    const next = map.items[index + 1];
    if (next) return { offset: start, length: (next.key as Scalar).range![0] - start, text: '' };
    const previous = map.items[index - 1];
    const from = previous ? rangeEnd(previous) : start;
    return { offset: from, length: end - from, text: '' };
  }
  const from = yaml.lastIndexOf('\n', start - 1) + 1;
  // A map's last key takes its line with it, but the map stays: `key: {}`.
  if (map.items.length === 1 && from < start) {
    return { offset: start, length: yaml.slice(start, end).trimEnd().length, text: '{}' };
  }
  return { offset: from, length: lineEnd(yaml, end) - from, text: '' };
}

/** End of a pair's last character, without the white space that follows it. */
export function rangeEnd(pair: Pair<unknown, unknown>): number {
  const value = pair.value as { range?: [number, number, number]; items?: readonly unknown[]; flow?: boolean } | null;
  if (isMap(value) && !value.flow && value.items.length > 0)
    return rangeEnd(value.items.at(-1) as Pair<unknown, unknown>);
  return value?.range?.[1] ?? (pair.key as Scalar).range![1] + 1;
}

/** Just after the line break of the line that `offset` is in; block values end after their own break already. */
export function lineEnd(yaml: string, offset: number): number {
  if (offset > 0 && yaml[offset - 1] === '\n') return offset;
  const end = yaml.indexOf('\n', offset);
  return end === -1 ? yaml.length : end + 1;
}

/** A value on one line, right wherever it stands: in a block, or between the commas of a list or mapping. */
export function yamlInline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(yamlInline).join(', ')}]`;
  if (value !== null && typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, item]) => `${yamlInline(key)}: ${yamlInline(item)}`)
      .join(', ')}}`;
  if (typeof value === 'string' && /[\p{Cc}\u2028\u2029\ufeff]/u.test(value)) return JSON.stringify(value);
  const list = stringify([value], { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false });
  return list.trimEnd().slice(1, -1);
}

/** `{a: {b: value}}` for the keys that are missing inside one line. */
const flow = (path: readonly string[], value: FrontMatterValue): string =>
  path.reduceRight((inner, key) => `{${yamlInline(key)}: ${inner}}`, yamlInline(value));

function block(path: readonly string[], value: FrontMatterValue, indent: number, eol: string): string {
  return path
    .map(
      (key, depth) =>
        `${' '.repeat(indent + depth * 2)}${yamlInline(key)}:${depth === path.length - 1 ? ` ${yamlInline(value)}` : ''}${eol}`,
    )
    .join('');
}
