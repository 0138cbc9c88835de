/** Reads a `.prompty` file: front matter and body, version 2 or 1, into a Template. What is wrong becomes diagnostics. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { SamplingOptions } from '../generation.ts';
import {
  collect,
  type Field,
  isRecord,
  type Report,
  readFrontMatter,
  type Section,
  splitFrontMatter,
} from './frontMatter.ts';
import { unclosed, unsupportedTags } from './jinja.ts';
import { jinjaVariables, scanJinja } from './jinjaScanner.ts';
import { checkMustache, mustacheVariables } from './mustache.ts';
import { roleMarkers } from './pieces.ts';
import {
  type Diagnostic,
  type InputKind,
  InputKinds,
  lineAt,
  type RoleMarker,
  type Template,
  type TemplateFormat,
  type TemplateInput,
  type TemplateModel,
  type TextRange,
  type VariableUse,
} from './template.ts';
import { readTunesmithSettings } from './tunesmithSettings.ts';

/** Names that the renderer provides. */
export const builtInVariables: ReadonlySet<string> = new Set(['shots']);

/** Parses a template. `file` is only used in messages. Never throws for anything that a file can hold. */
export function parseTemplate(text: string, file: string): Template {
  const diagnostics: Diagnostic[] = [];
  const report = collect(diagnostics);
  const place = splitFrontMatter(text);
  const root = readFrontMatter(text, place, report);

  const model = readModel(root, report);
  const inputs = readInputs(root, report);
  const tunesmith = readTunesmithSettings(root.section('metadata')?.section('tunesmith'), report);
  const templateField = root.field('template');
  const { format, old } = readFormat(root, templateField, report);
  const others = model.old || inputs.old || root.old.size > 0;
  const version = old || others ? 1 : 2;
  if (typeof templateField?.value === 'string' && !others) {
    const message = l10n.t(
      'Prompty 2 has no short form of “template”. Write “template: {format: {kind: {0}}}”.',
      templateField.value,
    );
    report('error', 'old-version', message, templateField.valueRange);
  }
  if (others || (old && typeof templateField?.value !== 'string')) {
    const range =
      place.yaml.end > place.yaml.start ? { start: place.yaml.start, end: place.yaml.start + 1 } : place.body;
    report(
      'information',
      'old-version',
      l10n.t('This template uses keys of Prompty 1; they are read as version 2.'),
      range,
    );
  }

  const { roles, variables } = readBody(text, place.body, format, report);
  const declared = new Set(inputs.list.map(input => input.name));
  for (const use of variables) {
    if (declared.has(use.name) || builtInVariables.has(use.name)) continue;
    const message = l10n.t(
      '“{0}” is not among the template’s inputs. Add it under “inputs”, or correct the name.',
      use.name,
    );
    report('warning', 'undeclared-variable', message, use.range);
  }
  if (text.slice(place.body.start).trim() === '')
    report(
      'warning',
      'no-message',
      l10n.t('The template has no text. Write a line “user:” and the prompt below it.'),
      place.body,
    );

  return {
    file,
    text,
    name: root.string('name') ?? nameFromFile(file),
    displayName: root.string('displayName'),
    description: root.string('description'),
    version,
    format,
    inputs: inputs.list,
    model: model.model,
    tunesmith,
    frontMatter: Object.fromEntries(root.fields.map(field => [field.key, field.value])),
    frontMatterRange: place.yaml,
    bodyRange: place.body,
    roles,
    variables,
    diagnostics: inOrder(diagnostics),
  };
}

/** By place; what was met twice on the way (a mapping inside another) once. Broken YAML makes all else about it noise. */
function inOrder(all: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  const broken = all.some(({ code }) => code === 'yaml' || code === 'front-matter');
  return all
    .filter(({ code }) => !broken || code === 'yaml' || code === 'front-matter' || code === 'template-syntax')
    .filter(({ message, range }) => {
      const key = `${range.start} ${range.end} ${message}`;
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => a.range.start - b.range.start);
}

/** The first error as the exception that hosts show: `file:line: sentence`. */
export function firstError(template: Template, diagnostics: readonly Diagnostic[]): HumanError | undefined {
  const error = diagnostics.find(({ severity }) => severity === 'error');
  return error && toHumanError(template, error);
}

export function toHumanError(template: Template, diagnostic: Diagnostic): HumanError {
  const file = diagnostic.file ?? template.file;
  const line = diagnostic.file === undefined ? lineAt(template.text, diagnostic.range.start) : diagnostic.line;
  return new HumanError(diagnostic.message, { place: { file, line } });
}

function nameFromFile(file: string): string {
  const base = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
  return base.replace(/\.prompty$/, '');
}

function readModel(root: Section, report: Report): { model: TemplateModel; old: boolean } {
  const field = root.field('model');
  if (!field) return { model: { apiType: 'chat', options: {} }, old: false };
  if (typeof field.value === 'string') {
    return { model: { id: field.value, apiType: 'chat', options: {}, range: field.range }, old: false };
  }
  const section = root.section('model');
  if (!section) return { model: { apiType: 'chat', options: {}, range: field.range }, old: false };
  const apiType = section.string('apiType', 'api') ?? 'chat';
  if (apiType !== 'chat' && apiType !== 'responses') {
    const range = section.field('apiType', 'api')?.valueRange ?? field.range;
    report('warning', 'unsupported', l10n.t('Only chat prompts can be run; “{0}” is treated as chat.', apiType), range);
  }
  const connectionFile = fileReference(section.field('connection')?.value);
  const connection = connectionFile === undefined ? section.section('connection', 'configuration') : undefined;
  const old = section.old.has('configuration');
  const provider = section.string('provider') ?? (old ? connection?.string('type') : undefined);
  const id = section.string('id') ?? (old ? connection?.string('model', 'azure_deployment', 'name') : undefined);
  const optionsField = section.field('options', 'parameters');
  const options = section.section('options', 'parameters');
  const model: TemplateModel = {
    id,
    provider,
    apiType,
    connection: connection && Object.fromEntries(connection.fields.map(({ key, value }) => [key, value])),
    ...(connectionFile === undefined ? {} : { connectionFile }),
    options: options ? readOptions(options, report) : {},
    range: optionsField?.range ?? field.range,
  };
  return { model, old: section.old.size > 0 || (options?.old.size ?? 0) > 0 };
}

const fileReference = (value: unknown): string | undefined =>
  typeof value === 'string' && /^\$\{(file|env):[^}]*\}$/i.test(value) ? value : undefined;

const knownOptions = 'temperature maxOutputTokens max_tokens topP top_p topK top_k seed stopSequences stop'.split(' ');

function readOptions(section: Section, report: Report): Partial<SamplingOptions> {
  for (const field of section.fields) {
    if (knownOptions.includes(field.key)) continue;
    report(
      'information',
      'unsupported',
      l10n.t('The option “{0}” is kept in the file but not used.', field.key),
      field.range,
    );
  }
  const options = {
    temperature: section.number({ min: 0, max: 100 }, 'temperature'),
    maxOutputTokens: section.number({ min: 1, whole: true }, 'maxOutputTokens', 'max_tokens'),
    topP: section.number({ min: 0, max: 1 }, 'topP', 'top_p'),
    topK: section.number({ min: 0, whole: true }, 'topK', 'top_k'),
    seed: section.number({ whole: true }, 'seed'),
    stopSequences: section.strings('stopSequences', 'stop'),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function readFormat(root: Section, field: Field | undefined, report: Report): { format: TemplateFormat; old: boolean } {
  if (!field) return { format: 'jinja2', old: false };
  let name: unknown = field.value;
  let old = false;
  let range = field.valueRange;
  if (isRecord(field.value)) {
    const section = root.section('template');
    const format = section?.field('format', 'type');
    old = section?.old.has('type') ?? false;
    range = format?.valueRange ?? range;
    name = isRecord(format?.value) ? format.value.kind : format?.value;
    const parser = section?.field('parser');
    const parserKind = isRecord(parser?.value) ? parser.value.kind : parser?.value;
    if (parser && parserKind !== 'prompty' && parserKind !== undefined)
      report('warning', 'unsupported', l10n.t('Only the parser “prompty” is known; it is used.'), parser.valueRange);
  }
  // Version 2 has no short form.
  old ||= typeof field.value === 'string';
  if (name === undefined || name === 'jinja2' || name === 'jinja') return { format: 'jinja2', old };
  if (name === 'mustache') return { format: 'mustache', old };
  report(
    'error',
    'unknown-value',
    l10n.t('The template format must be jinja2 or mustache, not “{0}”.', String(name)),
    range,
  );
  return { format: 'jinja2', old };
}

function readInputs(root: Section, report: Report): { list: TemplateInput[]; old: boolean } {
  const list: TemplateInput[] = [];
  let old = false;
  const field = root.field('inputs');
  const add = (name: string, from: Section, range: TextRange): void => {
    list.push(readInput(name, from, range, report));
    old ||= from.old.size > 0;
  };
  if (Array.isArray(field?.value)) {
    const items = (field.node as { items?: readonly unknown[] }).items ?? [];
    for (const [index, { section, range }] of items.map(item => root.item(item)).entries()) {
      const name = section.string('name');
      if (name === undefined) {
        report('error', 'wrong-type', l10n.t('Input {0} has no “name”. Add one.', index + 1), range);
      } else add(name, section, range);
    }
  } else if (field) {
    const section = root.section('inputs');
    for (const item of section?.fields ?? []) {
      if (isRecord(item.value) && looksLikeProperty(item.value)) add(item.key, section!.section(item.key)!, item.range);
      else {
        const kind = kindOf(item.value);
        list.push({ name: item.key, kind, required: false, default: item.value ?? undefined, range: item.range });
      }
    }
  }
  // Version 1 gave sample values in one mapping of their own.
  const sample = root.field('sample');
  if (sample && isRecord(sample.value)) {
    old = true;
    for (const [name, value] of Object.entries(sample.value)) {
      const index = list.findIndex(input => input.name === name);
      const before = list[index];
      if (before) list[index] = { ...before, default: before.default ?? value };
      else list.push({ name, kind: kindOf(value), required: false, default: value, range: sample.range });
    }
  }
  return { list, old };
}

const propertyKeys = [
  'kind',
  'type',
  'default',
  'description',
  'required',
  'example',
  'enumValues',
  'sample',
  'items',
  'properties',
];
const looksLikeProperty = (value: Record<string, unknown>): boolean =>
  Object.keys(value).length === 0 || Object.keys(value).some(key => propertyKeys.includes(key));

function readInput(name: string, section: Section, range: TextRange, report: Report): TemplateInput {
  const value = section.field('default', 'sample')?.value;
  const example = section.field('example')?.value;
  const enumField = section.field('enumValues', 'enum');
  if (enumField && !Array.isArray(enumField.value))
    report(
      'error',
      'wrong-type',
      l10n.t('“{0}” must be {1}.', enumField.key, l10n.t('a list of values')),
      enumField.valueRange,
    );
  return {
    name,
    kind: readKind(section, report) ?? kindOf(value ?? example ?? ''),
    description: section.string('description'),
    required: section.boolean('required') ?? false,
    default: value,
    example,
    enumValues: Array.isArray(enumField?.value) ? enumField.value : undefined,
    range,
  };
}

function readKind(section: Section, report: Report): InputKind | undefined {
  const field = section.field('kind', 'type');
  if (!field) return undefined;
  const name = field.value === 'number' ? 'float' : field.value === 'list' ? 'array' : field.value;
  const kind = InputKinds.find(candidate => candidate === name);
  if (!kind) {
    const message = l10n.t('“{0}” must be one of {1}.', field.key, InputKinds.join(', '));
    report('error', 'unknown-value', message, field.valueRange);
  } else if (kind === 'image' || kind === 'file' || kind === 'audio') {
    report('warning', 'unsupported', l10n.t('Inputs of kind “{0}” cannot be sent yet.', kind), field.valueRange);
  }
  return kind;
}

function kindOf(value: unknown): InputKind {
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'float';
  if (typeof value === 'boolean') return 'boolean';
  if (Array.isArray(value)) return 'array';
  return isRecord(value) ? 'object' : 'string';
}

function readBody(
  text: string,
  { start, end }: TextRange,
  format: TemplateFormat,
  report: Report,
): { roles: RoleMarker[]; variables: VariableUse[] } {
  const body = text.slice(start, end);
  const shift = (range: TextRange): TextRange => ({ start: range.start + start, end: range.end + start });
  let roles: RoleMarker[] = [];
  let variables: VariableUse[] = [];
  if (format === 'mustache') {
    roles = roleMarkers(body, 0, body.length);
    try {
      variables = mustacheVariables(body);
      checkMustache(body);
    } catch (error) {
      if (!(error instanceof HumanError)) throw error;
      const at = start + offsetOfLine(body, error.place.line ?? 1);
      report('error', 'template-syntax', error.message, { start: at, end: at + 1 });
    }
  } else {
    const scan = scanJinja(body);
    variables = jinjaVariables(body, scan);
    for (const segment of scan.segments)
      if (segment.kind === 'text') roles.push(...roleMarkers(body, segment.start, segment.end));
    for (const { offset, message } of unsupportedTags(body, scan))
      report('error', 'template-syntax', message, shift({ start: offset, end: offset + 2 }));
    if (scan.problem) {
      const message = unclosed(scan.problem);
      report('error', 'template-syntax', message, shift({ start: scan.problem.offset, end: scan.problem.offset + 2 }));
    }
  }
  return {
    roles: roles.map(marker => ({ ...marker, range: shift(marker.range) })),
    variables: variables.map(use => ({ ...use, range: shift(use.range) })),
  };
}

/** Offset of the first character of a 1-based line. */
export function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (let n = 1; n < line; n++) {
    const next = text.indexOf('\n', offset);
    if (next === -1) return offset;
    offset = next + 1;
  }
  return offset;
}
