/** `metadata.tunesmith.axes`: what of a template is varied, each axis a list. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { triggers, triggerText } from '../evaluation/triggers.ts';
import { type Field, isRecord, type Report, type Section } from './frontMatter.ts';
import { type Axes, type AxisName, AxisNames, Strategies, type TextChoice } from './template.ts';

/** More values on one axis are refused: columns multiply. */
const longestAxis = 50;

const axisNames: readonly (keyof Axes)[] = AxisNames;

export function readAxes(section: Section | undefined, report: Report): Axes {
  if (!section) return {};
  const { fields } = section;
  for (const { key, range } of fields) {
    if (axisNames.some(name => name === key)) continue;
    report('error', 'unknown-value', l10n.t('“{0}” must be one of {1}.', key, axisNames.join(', ')), range);
  }
  const read = <T>(
    name: keyof Axes,
    item: (value: unknown) => T | undefined,
    wanted: string,
  ): { readonly [key: string]: readonly T[] } => {
    const field = section.field(name);
    const list = field && readList(field, item, wanted, report);
    return list ? { [name]: list } : {};
  };
  const number = (min: number, max: number, whole: boolean) => (value: unknown) =>
    typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value))
      ? value
      : undefined;
  const texts = (name: 'persona' | 'prefix' | 'suffix' | 'trigger') =>
    read(name, value => (name === 'trigger' ? triggerChoice(value) : choiceOf(value)), l10n.t('a list of texts'));
  return {
    ...texts('persona'),
    ...texts('prefix'),
    ...texts('suffix'),
    ...texts('trigger'),
    ...read('strategy', value => Strategies.find(one => one === value), l10n.t('a list of {0}', Strategies.join(', '))),
    ...read('shots', number(0, 1000, true), l10n.t('a list of whole numbers from {0} to {1}', 0, 1000)),
    ...read('temperature', number(0, 100, false), l10n.t('a list of numbers from {0} to {1}', 0, 100)),
    ...read(
      'model',
      value => (typeof value === 'string' && value !== '' ? value : undefined),
      l10n.t('a list of texts'),
    ),
  };
}

/** Axes as a command line gives them: `name=value`, once for each value. Throws a HumanError for what is none. */
export function axesOf(words: readonly string[]): Axes {
  const axes: Record<string, unknown[]> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    const name = axisNames.find(one => one === word.slice(0, at));
    if (!name)
      throw new HumanError(l10n.t('--axis must be name=value with one of {0}, not “{1}”.', axisNames.join(', '), word));
    const text = word.slice(at + 1);
    const value = valueOn(name, text);
    if (value === undefined) throw new HumanError(l10n.t('“{0}” is no value of the axis “{1}”.', text, name));
    axes[name] = [...(axes[name] ?? []), value];
  }
  return axes as Axes;
}

function valueOn(axis: keyof Axes, text: string): unknown {
  switch (axis) {
    case 'shots':
      return /^\d{1,4}$/.test(text) && Number(text) <= 1000 ? Number(text) : undefined;
    case 'temperature':
      return text.trim() !== '' && Number(text) >= 0 && Number(text) <= 100 ? Number(text) : undefined;
    case 'strategy':
      return Strategies.find(one => one === text);
    case 'model':
      return text === '' ? undefined : text;
    case 'trigger':
      return triggerChoice(text);
    case 'persona':
    case 'prefix':
    case 'suffix':
      return choiceOf(text);
  }
}

/** A list, or a mapping of short names to texts; undefined with a diagnostic where it is neither. */
function readList<T>(
  field: Field,
  item: (value: unknown) => T | undefined,
  wanted: string,
  report: Report,
): readonly T[] | undefined {
  const wrong = (message: string): undefined => void report('error', 'wrong-type', message, field.valueRange);
  const written: unknown[] | undefined = Array.isArray(field.value)
    ? field.value
    : isRecord(field.value)
      ? Object.entries(field.value).map(([label, text]) => ({ label, text }))
      : undefined;
  const items = written?.map(item);
  if (!items || items.length === 0 || items.some(one => one === undefined))
    return wrong(l10n.t('“{0}” must be {1}.', field.key, wanted));
  if (items.length > longestAxis)
    return wrong(l10n.t('“{0}” has {1} values; {2} are the most.', field.key, items.length, longestAxis));
  const keys = items.map(one => JSON.stringify(isRecord(one) ? one.label : one));
  const repeated = keys.find((key, i) => keys.indexOf(key) !== i);
  if (repeated !== undefined) return wrong(l10n.t('“{0}” has {1} twice. Remove one.', field.key, repeated));
  return items as readonly T[];
}

/** A value of an axis as it is written; numbers and names stand as texts. Undefined for what is none. */
export function choiceOn(axis: AxisName, value: unknown): TextChoice | undefined {
  if (axis === 'trigger') return triggerChoice(value);
  if (axis === 'persona' || axis === 'prefix' || axis === 'suffix') return choiceOf(value);
  return typeof value === 'string' || typeof value === 'number'
    ? { label: String(value), text: String(value) }
    : undefined;
}

/** The axes that a template has, in the order in which variants are made, each with its values as texts. */
export const listedAxes = (axes: Axes): { readonly axis: AxisName; readonly values: readonly TextChoice[] }[] =>
  AxisNames.flatMap(axis => {
    const values = axes[axis]?.map(value => (typeof value === 'object' ? value : choiceOn(axis, value)!));
    return values && values.length > 0 ? [{ axis, values }] : [];
  });

/** `text`, or `{label, text}`; null and the empty text add nothing. */
function choiceOf(value: unknown): TextChoice | undefined {
  if (value === null || value === '') return { label: l10n.t('none'), text: '' };
  if (typeof value === 'string') return { label: shortened(value), text: value };
  if (!isRecord(value) || typeof value.label !== 'string' || value.label === '') return undefined;
  const text = value.text ?? '';
  return typeof text === 'string' ? { label: value.label, text } : undefined;
}

/** Also by the name of a known trigger. */
function triggerChoice(value: unknown): TextChoice | undefined {
  const choice = choiceOf(value);
  if (!choice) return undefined;
  const known = triggers.find(({ name, phrase }) => name === choice.text || phrase === choice.text);
  return typeof value === 'string' && known
    ? { label: known.name, text: known.phrase }
    : { ...choice, text: triggerText(choice.text) };
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 40 ? `${line.slice(0, 39)}…` : line;
}
