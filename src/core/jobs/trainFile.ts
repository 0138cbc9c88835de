/** A training job's settings and data as a YAML file (`tunesmith train … --config`): read whole, checked, with the line of a mistake. */
import * as v from 'valibot';
import { LineCounter, parseDocument } from 'yaml';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { type SettingsKind, settingDescriptions } from './settingDescriptions.ts';
import { parseSetting } from './settings.ts';
import type { SettingDescription } from './sharedSettings.ts';

/** A key of the file beside `kind` and `settings`: `switch` is true or false, `words` one text or several. */
export interface TrainFileKey {
  readonly key: string;
  readonly type: 'switch' | 'text' | 'words';
}

export interface TrainFile {
  /** In the order of the file. */
  readonly values: readonly { readonly key: string; readonly value: boolean | string | readonly string[] }[];
  /** Settings as texts, by their keys (`lora.r`), each checked against type and range. */
  readonly settings: Readonly<Record<string, string>>;
  /** 1-based line of a key. */
  lineOf(key: string): number;
}

const longestFile = 1 << 18;
type Path = readonly (string | number)[];

/** Throws a HumanError that names file and line for anything that is not understood. */
export function parseTrainFile(
  text: string,
  file: string,
  kind: SettingsKind,
  keys: readonly TrainFileKey[],
): TrainFile {
  const refuse = (message: string, line?: number): never => {
    throw new HumanError(message, { place: { file, ...(line === undefined ? {} : { line }) } });
  };
  if (text.length > longestFile) refuse(l10n.t('The file is longer than {0} kB.', longestFile >> 10));
  const lines = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'silent', lineCounter: lines });
  const [error] = document.errors;
  if (error)
    refuse(l10n.t('This YAML is broken: {0}.', error.message.replace(/\.$/, '')), lines.linePos(error.pos[0]).line);
  /** Of the value at a path, or of what holds it. */
  const lineAt = (path: Path): number => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
      if (node?.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 20 }) ?? {};
  } catch {
    refuse(l10n.t('This YAML is broken: {0}.', l10n.t('it is nested too deeply')), 1);
  }
  if (Array.isArray(value)) refuse(l10n.t('The file must be a mapping of keys to values.'), 1);
  const descriptions = settingDescriptions(kind);
  const parsed = v.safeParse(schemaOf(kind, keys, descriptions), value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = (issue.path ?? []).map(({ key }) => key as string | number);
    refuse(sentence(path, issue, kind, keys, descriptions), lineAt(path));
  }
  const { kind: _, settings = {}, ...rest } = parsed.output as Record<string, unknown> & { settings?: object };
  const texts: Record<string, string> = {};
  for (const [path, given] of leaves(settings)) {
    const key = path.join('.');
    try {
      parseSetting(descriptions.find(description => description.key === key)!, textOf(given));
    } catch (cause) {
      throw new HumanError((cause as Error).message, { cause, place: { file, line: lineAt(['settings', ...path]) } });
    }
    texts[key] = textOf(given);
  }
  return {
    values: Object.entries(rest).map(([key, given]) => ({
      key,
      value: typeof given === 'boolean' ? given : Array.isArray(given) ? given.map(String) : String(given),
    })),
    settings: texts,
    lineOf: key => lineAt([key]),
  };
}

const text = v.union([v.string(), v.pipe(v.number(), v.finite())]);
const schemas = {
  switch: v.boolean(),
  text,
  words: v.union([text, v.array(text)]),
} satisfies Record<TrainFileKey['type'], v.GenericSchema>;

function schemaOf(kind: SettingsKind, keys: readonly TrainFileKey[], descriptions: readonly SettingDescription[]) {
  const own: Record<string, v.GenericSchema> = { kind: v.optional(v.literal(kind)) };
  for (const { key, type } of keys) own[key] = v.optional(schemas[type]);
  const flat: Record<string, v.GenericSchema> = {};
  const nested: Record<string, Record<string, v.GenericSchema>> = {};
  for (const { key, type } of descriptions) {
    const [first = '', second] = key.split('.');
    const schema = v.optional(
      type === 'list'
        ? v.union([v.string(), v.array(v.string())])
        : type === 'number-or-none'
          ? v.nullable(text)
          : text,
    );
    if (second === undefined) flat[first] = schema;
    else nested[first] = { ...nested[first], [second]: schema };
  }
  for (const [key, entries] of Object.entries(nested)) flat[key] = v.optional(v.strictObject(entries));
  return v.strictObject({ ...own, settings: v.optional(v.strictObject(flat)) });
}

function sentence(
  path: Path,
  issue: v.BaseIssue<unknown>,
  kind: SettingsKind,
  keys: readonly TrainFileKey[],
  descriptions: readonly SettingDescription[],
): string {
  const last = String(path.at(-1) ?? '');
  if (path.length === 0) return l10n.t('The file must be a mapping of keys to values.');
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const known =
      path.length === 1
        ? ['kind', ...keys.map(({ key }) => key), 'settings']
        : siblings(path.slice(1, -1).join('.'), descriptions);
    return l10n.t('There is no “{0}” here. There are: {1}.', last, known.join(', '));
  }
  if (last === 'kind' && path.length === 1)
    return l10n.t('This file is for another kind of job. Its kind must be {0} here, or not be given.', kind);
  if (issue.type === 'strict_object') return l10n.t('“{0}” must be a mapping of keys to values.', last);
  if (issue.type === 'boolean') return l10n.t('“{0}” must be true or false.', last);
  return l10n.t('“{0}” must be a text or a number.', last);
}

const siblings = (inside: string, descriptions: readonly SettingDescription[]): string[] =>
  inside === ''
    ? [...new Set(descriptions.map(({ key }) => key.split('.')[0]!))]
    : descriptions.flatMap(({ key }) => (key.startsWith(`${inside}.`) ? [key.slice(inside.length + 1)] : []));

const textOf = (value: unknown): string =>
  value === null ? 'none' : Array.isArray(value) ? value.join(',') : String(value);

function* leaves(value: object, before: readonly string[] = []): Generator<[readonly string[], unknown]> {
  for (const [key, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    const path = [...before, key];
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) yield* leaves(inner, path);
    else yield [path, inner];
  }
}
