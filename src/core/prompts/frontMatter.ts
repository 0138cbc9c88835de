/** YAML front matter read with ranges: typed look-ups that turn whatever is wrong into diagnostics, never exceptions. */
import { type Document, isAlias, isMap, isScalar, type Node, type Pair, parseDocument } from 'yaml';
import { l10n } from '../../base/l10n.ts';
import type { Diagnostic, DiagnosticCode, Severity, TextRange } from './template.ts';

export type Report = (severity: Severity, code: DiagnosticCode, message: string, range: TextRange) => void;

export interface FrontMatterPlace {
  /** Between the delimiter lines. */
  readonly yaml: TextRange;
  readonly body: TextRange;
  readonly unclosed?: boolean;
}

/** Longer front matter is refused rather than parsed. */
const longest = 1 << 16;
const deepest = 64;

/** Cuts a file at its `---` (or `+++`) lines; a file without them is all body. */
export function splitFrontMatter(text: string): FrontMatterPlace {
  const none = { yaml: { start: 0, end: 0 }, body: { start: 0, end: text.length } };
  const first = /\S/.exec(text.replace(/^\uFEFF/, ' '))?.index ?? text.length;
  const delimiter = text.slice(first, first + 3);
  if (delimiter !== '---' && delimiter !== '+++') return none;
  const lineEnd = text.indexOf('\n', first);
  const opener = (lineEnd === -1 ? text.slice(first) : text.slice(first, lineEnd)).trim();
  if (opener !== delimiter) return none;
  const start = lineEnd === -1 ? text.length : lineEnd + 1;
  for (let at = start; at < text.length; ) {
    const next = text.indexOf('\n', at);
    const end = next === -1 ? text.length : next;
    if (end - at <= 80 && text.slice(at, end).trim() === delimiter) {
      return { yaml: { start, end: at }, body: { start: Math.min(end + 1, text.length), end: text.length } };
    }
    at = end + 1;
  }
  return { yaml: { start, end: text.length }, body: { start: text.length, end: text.length }, unclosed: true };
}

/** Parses the YAML part. The section is empty where it is not a mapping. */
export function readFrontMatter(text: string, place: FrontMatterPlace, report: Report): Section {
  const { start, end } = place.yaml;
  if (place.unclosed) {
    report('error', 'front-matter', l10n.t('The front matter is not closed. Add a line with “---”.'), {
      start: Math.max(0, start - 4),
      end: start,
    });
  }
  if (end - start > longest) {
    report('error', 'front-matter', l10n.t('The front matter is longer than 64 kB. Move data into files.'), place.yaml);
    return new Section(undefined, undefined, start, report);
  }
  const yaml = text.slice(start, end);
  if (nestsTooDeeply(yaml)) {
    report('error', 'yaml', l10n.t('This YAML is broken: {0}.', l10n.t('it is nested too deeply')), place.yaml);
    return new Section(undefined, undefined, start, report);
  }
  try {
    // The library compares every two keys to find doubles; Section does it in linear time.
    const document = parseDocument(yaml, { prettyErrors: false, logLevel: 'silent', uniqueKeys: false });
    for (const error of document.errors.slice(0, 20)) {
      const [from, to] = error.pos;
      const message = l10n.t('This YAML is broken: {0}.', error.message.replace(/\.$/, ''));
      report('error', 'yaml', message, { start: start + from, end: start + Math.max(to, from + 1) });
    }
    const { contents } = document;
    if (contents !== null && !isMap(contents) && document.errors.length === 0) {
      report('error', 'front-matter', l10n.t('The front matter must be a mapping of keys to values.'), place.yaml);
    }
    return new Section(contents, document, start, report);
  } catch (error) {
    const reason = error instanceof RangeError ? l10n.t('it is nested too deeply') : String(error);
    report('error', 'yaml', l10n.t('This YAML is broken: {0}.', reason), place.yaml);
    return new Section(undefined, undefined, start, report);
  }
}

/** A look at indicators alone, before the parser recurses over them: its time grows with the square of the depth. */
function nestsTooDeeply(yaml: string): boolean {
  let depth = 0;
  for (const char of yaml) {
    if (char === '[' || char === '{') depth++;
    else if (char === ']' || char === '}') depth = Math.max(0, depth - 1);
    if (depth > deepest) return true;
  }
  return /(?:[?:-][ \t]+){64}/.test(yaml);
}

export interface Field {
  readonly key: string;
  readonly value: unknown;
  readonly keyRange: TextRange;
  /** Key and value. */
  readonly range: TextRange;
  readonly valueRange: TextRange;
  readonly node: unknown;
}

/** One YAML mapping. Look-ups take the current name first, then older ones, and remember when an older one was met. */
export class Section {
  readonly fields: readonly Field[];
  /** Names of the first version's keys that were met. */
  readonly old = new Set<string>();
  readonly #document: Document | undefined;
  readonly #offset: number;
  readonly #report: Report;

  constructor(node: unknown, document: Document | undefined, offset: number, report: Report) {
    this.#document = document;
    this.#offset = offset;
    this.#report = report;
    const map = isAlias(node) && document ? node.resolve(document) : node;
    this.fields = isMap(map) ? map.items.map(pair => this.#fieldOf(pair as Pair<Node, Node | null>)) : [];
    const seen = new Set<string>();
    for (const { key, range } of this.fields) {
      if (seen.has(key)) report('error', 'yaml', l10n.t('The key “{0}” appears twice. Remove one.', key), range);
      seen.add(key);
    }
  }

  #fieldOf({ key, value }: Pair<Node, Node | null>): Field {
    const keyRange = key.range ?? [0, 0, 0];
    const valueRange = value?.range ?? [keyRange[1], keyRange[1], keyRange[1]];
    const shift = (start: number, end: number): TextRange => ({ start: this.#offset + start, end: this.#offset + end });
    const range = shift(keyRange[0], Math.max(keyRange[1], valueRange[1]));
    return {
      key: isScalar(key) ? String(key.value) : String(key),
      value: value && this.#document ? plain(value, this.#document, range, this.#report) : null,
      keyRange: shift(keyRange[0], keyRange[1]),
      range,
      valueRange: shift(valueRange[0], valueRange[1]),
      node: value,
    };
  }

  field(name: string, ...older: readonly string[]): Field | undefined {
    for (const candidate of [name, ...older]) {
      const field = this.fields.find(({ key }) => key === candidate);
      if (!field || field.value === null) continue;
      if (candidate !== name) this.old.add(candidate);
      return field;
    }
    return undefined;
  }

  section(name: string, ...older: readonly string[]): Section | undefined {
    const field = this.field(name, ...older);
    if (!field) return undefined;
    if (isRecord(field.value)) return new Section(field.node, this.#document, this.#offset, this.#report);
    return this.#wrong(field, l10n.t('a mapping of keys to values'));
  }

  /** An item of a sequence in this mapping, as a mapping of its own. */
  item(node: unknown): { section: Section; range: TextRange } {
    const [start, end] = (node as { range?: readonly [number, number, number] }).range ?? [0, 0];
    const range = { start: this.#offset + start, end: this.#offset + end };
    return { section: new Section(node, this.#document, this.#offset, this.#report), range };
  }

  string(name: string, ...older: readonly string[]): string | undefined {
    const field = this.field(name, ...older);
    if (!field || typeof field.value === 'string') return field?.value as string | undefined;
    if (typeof field.value === 'number' || typeof field.value === 'boolean') return String(field.value);
    return this.#wrong(field, l10n.t('a text'));
  }

  boolean(name: string): boolean | undefined {
    const field = this.field(name);
    if (!field || typeof field.value === 'boolean') return field?.value as boolean | undefined;
    return this.#wrong(field, l10n.t('true or false'));
  }

  number(limits: NumberLimits, name: string, ...older: readonly string[]): number | undefined {
    const field = this.field(name, ...older);
    if (!field) return undefined;
    const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, whole = false } = limits;
    const value = field.value;
    if (typeof value === 'number' && value >= min && value <= max && (!whole || Number.isSafeInteger(value)))
      return value;
    const kind = whole ? l10n.t('a whole number') : l10n.t('a number');
    const wanted =
      max !== Number.POSITIVE_INFINITY
        ? l10n.t('{0} from {1} to {2}', kind, min, max)
        : min !== Number.NEGATIVE_INFINITY
          ? l10n.t('{0} of at least {1}', kind, min)
          : kind;
    return this.#wrong(field, wanted);
  }

  oneOf<T extends string>(values: readonly T[], name: string): T | undefined {
    const field = this.field(name);
    if (!field) return undefined;
    const found = values.find(value => value === field.value);
    if (found !== undefined) return found;
    this.#report(
      'error',
      'unknown-value',
      l10n.t('“{0}” must be one of {1}.', name, values.join(', ')),
      field.valueRange,
    );
    return undefined;
  }

  strings(name: string, ...older: readonly string[]): readonly string[] | undefined {
    const field = this.field(name, ...older);
    if (!field) return undefined;
    if (typeof field.value === 'string') return [field.value];
    if (Array.isArray(field.value) && field.value.every(item => typeof item === 'string')) return field.value;
    return this.#wrong(field, l10n.t('a list of texts'));
  }

  #wrong(field: Field, wanted: string): undefined {
    const message = l10n.t('“{0}” must be {1}.', field.key, wanted);
    this.#report('error', 'wrong-type', message, field.valueRange);
    return undefined;
  }
}

export interface NumberLimits {
  readonly min?: number;
  readonly max?: number;
  readonly whole?: boolean;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

function plain(node: Node, document: Document, range: TextRange, report: Report): unknown {
  try {
    return node.toJS(document, { maxAliasCount: 100 });
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
    report('error', 'yaml', l10n.t('This YAML is broken: {0}.', reason), range);
    return null;
  }
}

export const collect =
  (into: Diagnostic[]): Report =>
  (severity, code, message, range) => {
    into.push({ severity, code, message, range });
  };
