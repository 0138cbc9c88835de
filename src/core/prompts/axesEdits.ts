/** Changes of `metadata.tunesmith.axes` that leave comments, order and layout of what stays as they were. */
import { isMap, isScalar, isSeq, type Pair, parseDocument, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Replacement } from '../../base/textChange.ts';
import { triggers } from '../evaluation/triggers.ts';
import { choiceOn } from './axesSettings.ts';
import type { AxisName, TextChoice } from './template.ts';
import {
  cannot,
  frontMatterRange,
  lineEnd,
  rangeEnd,
  removal,
  replacement,
  setFrontMatter,
  valueStart,
  yamlInline,
} from './templateEdits.ts';

const axesPath = ['metadata', 'tunesmith', 'axes'] as const;

/**
 * The file with these values on an axis; without any the axis goes, and `axes` with the last one. Only what differs from before is
 * written anew. Throws a HumanError where the front matter has errors that the person has to mend first.
 */
export function setAxis(text: string, axis: AxisName, values: readonly TextChoice[]): string {
  const path = [...axesPath, axis];
  const found = locate(text, axis);
  if (values.length === 0) return applied(text, setFrontMatter(text, found?.only ? axesPath : path, null));
  if (!found?.list || found.list.items.length === 0) return created(text, axis, values);
  const before = choicesIn(found.list, axis);
  const same = (one: TextChoice | undefined, other: TextChoice | undefined): boolean =>
    one !== undefined && one.label === other?.label && one.text === other.text;
  let head = 0;
  while (head < Math.min(before.length, values.length) && same(before[head], values[head])) head++;
  let tail = 0;
  const most = Math.min(before.length, values.length) - head;
  while (tail < most && same(before[before.length - 1 - tail], values[values.length - 1 - tail])) tail++;
  const wanted = values.slice(head, values.length - tail);
  const old = before.length - head - tail;
  let result = text;
  for (let i = 0; i < Math.max(old, wanted.length); i++) {
    // What is too many goes from the end, so that places before it stay.
    const edit =
      i >= wanted.length
        ? removed(head + old - 1 - (i - wanted.length))
        : i < old
          ? changed(head + i, wanted[i]!)
          : added(head + i, wanted[i]!);
    result = edited(result, axis, edit);
  }
  return result;
}

type List = YAMLMap<unknown, unknown> | YAMLSeq<unknown>;
interface Found {
  /** Where the axis is written as a list or as a mapping. */
  readonly list?: List;
  /** No other axis is there. */
  readonly only: boolean;
  readonly yaml: string;
  readonly start: number;
  readonly eol: string;
}

function locate(text: string, axis: AxisName, uniqueKeys = true): Found | undefined {
  const range = frontMatterRange(text);
  if (!range) return undefined;
  const yaml = text.slice(range.start, range.end);
  const document = parseDocument(yaml, { uniqueKeys });
  if (document.errors.length > 0) throw cannot([...axesPath, axis]);
  const axes = document.getIn(axesPath);
  const list = isMap(axes) ? axes.get(axis, true) : undefined;
  return {
    ...(isMap(list) || isSeq(list) ? { list: list as List } : {}),
    only: isMap(axes) && axes.items.length === 1 && axes.has(axis),
    yaml,
    start: range.start,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
}

const choicesIn = (list: List, axis: AxisName): (TextChoice | undefined)[] =>
  isMap(list)
    ? list.items.map(({ key, value }) => choiceOn(axis, { label: String(plain(key)), text: plain(value) }))
    : list.items.map(item => choiceOn(axis, plain(item)));

const plain = (node: unknown): unknown =>
  isScalar(node) ? node.value : isMap(node) || isSeq(node) ? node.toJSON() : node;

/** A mapping of short names for texts, one a line; a list for the rest. */
function created(text: string, axis: AxisName, values: readonly TextChoice[]): string {
  const path = [...axesPath, axis];
  if (!isText(axis))
    return applied(text, setFrontMatter(text, path, values.map(value => written(axis, value)) as string[]));
  const found = locate(text, axis);
  const cleared = found?.list ? applied(text, setFrontMatter(text, path, null)) : text;
  const [first, ...rest] = values;
  let result = applied(cleared, setFrontMatter(cleared, [...path, first!.label], first!.text));
  if (first!.text.includes('\n')) result = edited(result, axis, changed(0, first!));
  for (const [i, value] of rest.entries()) result = edited(result, axis, added(i + 1, value));
  return result;
}

const isText = (axis: AxisName): boolean => axis === 'persona' || axis === 'prefix' || axis === 'suffix';

/** A value as it stands in a list: a text whose name follows from it needs no name. */
function written(axis: AxisName, { label, text }: TextChoice): string | number | Record<string, string> {
  if (axis === 'shots' || axis === 'temperature') return Number(text);
  if (axis === 'strategy' || axis === 'model') return text;
  if (axis === 'trigger' && triggers.some(({ name, phrase }) => name === label && phrase === text)) return label;
  return choiceOn(axis, text)?.label === label ? text : { label, text };
}

type Edit = (found: Found & { readonly list: List }, axis: AxisName) => Replacement[];

function edited(text: string, axis: AxisName, edit: Edit): string {
  // Between two of the edits a name may stand twice.
  const found = locate(text, axis, false);
  if (!found?.list) throw cannot([...axesPath, axis]);
  const replacements = edit({ ...found, list: found.list }, axis);
  return applied(
    text,
    replacements.map(one => ({ ...one, offset: one.offset + found.start })),
  );
}

/** From the end, so that offsets before a change stay. */
const applied = (text: string, replacements: readonly Replacement[]): string =>
  [...replacements]
    .sort((a, b) => b.offset - a.offset)
    .reduce(
      (result, { offset, length, text: inserted }) =>
        result.slice(0, offset) + inserted + result.slice(offset + length),
      text,
    );

const changed =
  (index: number, choice: TextChoice): Edit =>
  ({ list, yaml, eol }, axis) => {
    if (isMap(list)) return changedPair(list, index, choice, yaml, eol);
    const item = list.items[index] as Scalar | YAMLMap;
    const value = written(axis, choice);
    if (isMap(item) && typeof value === 'object' && item.has('label') && item.has('text'))
      return item.items.flatMap(pair => {
        const key = plain(pair.key) as 'label' | 'text';
        return plain(pair.value) === choice[key] || value[key] === undefined
          ? []
          : [replacement(pair, choice[key], yaml)];
      });
    const [start, end] = item.range!;
    const kept = /\s*$/.exec(yaml.slice(start, end))![0].length;
    return [{ offset: start, length: end - start - kept, text: yamlInline(value) }];
  };

function changedPair(
  map: YAMLMap,
  index: number,
  { label, text }: TextChoice,
  yaml: string,
  eol: string,
): Replacement[] {
  const pair = map.items[index] as Pair<Scalar, Scalar | null>;
  const [keyStart, keyEnd] = pair.key.range!;
  const edits: Replacement[] = [];
  if (String(plain(pair.key)) !== label)
    edits.push({ offset: keyStart, length: keyEnd - keyStart, text: yamlInline(label) });
  if ((plain(pair.value) ?? '') === text) return edits;
  const lines = map.flow ? undefined : blockText(text, indentOf(keyStart, yaml) + 2, eol);
  if (lines === undefined) return [...edits, replacement(pair, text, yaml)];
  const from = valueStart(pair, yaml);
  const to = from + yaml.slice(from, Math.max(from, rangeEnd(pair))).trimEnd().length;
  return [...edits, { offset: from, length: to - from, text: ` ${lines}` }];
}

const added =
  (index: number, choice: TextChoice): Edit =>
  ({ list, yaml, eol }, axis) => {
    const pair = `${yamlInline(choice.label)}: `;
    const inline = isMap(list) ? pair + yamlInline(choice.text) : yamlInline(written(axis, choice));
    const before = list.items[index - 1];
    if (list.flow) {
      if (before) return [{ offset: endOf(before), length: 0, text: `, ${inline}` }];
      return [{ offset: startOf(list.items[0]), length: 0, text: `${inline}, ` }];
    }
    const indent = indentOf(isMap(list) ? startOf(list.items[0]) : dashBefore(list.items[0], yaml), yaml);
    const lines = isMap(list) ? blockText(choice.text, indent + 2, eol) : undefined;
    const line = `${' '.repeat(indent)}${isMap(list) ? (lines === undefined ? inline : pair + lines) : `- ${inline}`}`;
    const at = before ? lineEnd(yaml, endOf(before)) : lineStart(startOf(list.items[0]), yaml);
    const needsBreak = at > 0 && yaml[at - 1] !== '\n';
    return [{ offset: at, length: 0, text: `${needsBreak ? eol : ''}${line}${eol}` }];
  };

const removed =
  (index: number): Edit =>
  ({ list, yaml }) => {
    if (isMap(list)) return [removal(list, list.items[index]!, yaml)];
    const [item, next, previous] = [list.items[index], list.items[index + 1], list.items[index - 1]];
    if (list.flow) {
      const from = next || !previous ? startOf(item) : endOf(previous);
      return [{ offset: from, length: (next ? startOf(next) : endOf(item)) - from, text: '' }];
    }
    const from = lineStart(dashBefore(item, yaml), yaml);
    return [{ offset: from, length: lineEnd(yaml, endOf(item)) - from, text: '' }];
  };

type Ranged = { readonly range?: readonly [number, number, number] | null };
const startOf = (item: unknown): number =>
  ((item as Pair).key !== undefined && !isScalar(item) && !isMap(item)
    ? ((item as Pair).key as Ranged).range
    : (item as Ranged).range)![0];
function endOf(item: unknown): number {
  if (!isScalar(item) && !isMap(item) && !isSeq(item)) return rangeEnd(item as Pair<unknown, unknown>);
  if (isMap(item) && !item.flow && item.items.length > 0) return rangeEnd(item.items.at(-1) as Pair<unknown, unknown>);
  return (item as Ranged).range![1];
}

const lineStart = (offset: number, yaml: string): number => yaml.lastIndexOf('\n', offset - 1) + 1;
const indentOf = (offset: number, yaml: string): number => offset - lineStart(offset, yaml);
/** Where the dash of a list's item stands. */
const dashBefore = (item: unknown, yaml: string): number => yaml.lastIndexOf('-', startOf(item) - 1);

/** Several lines as they are, below their key; undefined where one line, or quotes, are needed. */
function blockText(text: string, indent: number, eol: string): string | undefined {
  if (!text.includes('\n') || /^[\s]|\n\n$|[^\P{Cc}\n]|[\u2028\u2029\ufeff]/u.test(text)) return undefined;
  const ends = text.endsWith('\n');
  const lines = (ends ? text.slice(0, -1) : text).split('\n');
  const padding = ' '.repeat(indent);
  return `${ends ? '|' : '|-'}${eol}${lines.map(line => (line === '' ? '' : padding + line)).join(eol)}`;
}
