/** Turns the text of a Prompty 1 file into version 2 by small replacements, so that formatting, comments and undo stay. */
import { type Document, isAlias, isMap, isScalar, isSeq, type Pair, parseDocument, visit } from 'yaml';
import type { Replacement } from '../../base/textChange.ts';
import { splitFrontMatter } from './frontMatter.ts';
import { yamlInline } from './templateEdits.ts';

/** What follows a key in YAML, as it was parsed. */
type Entry = { readonly key: string; readonly keyRange: Range; readonly value: unknown; readonly pair: Pair };
type Range = readonly [start: number, end: number];

const modelKeys = { api: 'apiType', configuration: 'connection', parameters: 'options' };
const optionKeys = {
  max_tokens: 'maxOutputTokens',
  max_completion_tokens: 'maxOutputTokens',
  top_p: 'topP',
  top_k: 'topK',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
  stop: 'stopSequences',
};
const connectionKeys = {
  azure_endpoint: 'endpoint',
  base_url: 'endpoint',
  api_key: 'apiKey',
  api_version: 'apiVersion',
};
const propertyKeys = { type: 'kind', enum: 'enumValues' };
const kinds: Readonly<Record<string, string>> = { number: 'float', list: 'array', dict: 'object', bool: 'boolean' };
const providers: Readonly<Record<string, string>> = {
  azure_openai: 'foundry',
  azure: 'foundry',
  serverless: 'foundry',
};

/**
 * The replacements in `text` that make it a version 2 file. None where it is one already, where its YAML is broken, or where
 * what is old cannot be moved safely (a `sample` that names a file). Never throws.
 */
export function migrateToV2(text: string): Replacement[] {
  const place = splitFrontMatter(text);
  const { start, end } = place.yaml;
  if (place.unclosed || end - start > 1 << 16) return [];
  try {
    const yaml = text.slice(start, end);
    const document = parseDocument(yaml, { prettyErrors: false, logLevel: 'silent' });
    if (document.errors.length > 0 || !isMap(document.contents)) return [];
    const migration = new Migration(yaml, document, text.includes('\r\n') ? '\r\n' : '\n');
    return migration.run().map(edit => ({ ...edit, offset: edit.offset + start }));
  } catch {
    return [];
  }
}

class Migration {
  readonly #yaml: string;
  readonly #document: Document;
  readonly #eol: string;
  readonly #edits: Replacement[] = [];

  constructor(yaml: string, document: Document, eol: string) {
    this.#yaml = yaml;
    this.#document = document;
    this.#eol = eol;
  }

  run(): Replacement[] {
    const root = entries(this.#document.contents);
    this.#model(find(root, 'model'));
    for (const name of ['inputs', 'outputs']) this.#properties(find(root, name));
    this.#sample(find(root, 'sample'), find(root, 'inputs'));
    this.#template(find(root, 'template'));
    // What is put before a key comes before the key's own new name.
    return this.#edits.sort((a, b) => a.offset - b.offset || a.length - b.length);
  }

  #model(model: Entry | undefined): void {
    const fields = entries(model?.value);
    this.#rename(fields, modelKeys);
    this.#rename(entries((find(fields, 'parameters') ?? find(fields, 'options'))?.value), optionKeys);
    const configuration = find(fields, 'configuration');
    if (configuration) this.#connection(configuration, fields);
  }

  /** `type` becomes the model's `provider`, the name of the deployment its `id`; what is left is the connection. */
  #connection(configuration: Entry, model: readonly Entry[]): void {
    const fields = entries(configuration.value);
    this.#rename(fields, connectionKeys);
    const type = find(fields, 'type');
    const id = ['azure_deployment', 'model', 'name'].map(name => find(fields, name)).find(entry => entry !== undefined);
    const moved: string[] = [];
    const name = scalarText(type?.value);
    const gone: Entry[] = [];
    if (type && name !== undefined && !find(model, 'provider')) {
      moved.push(`provider: ${yamlInline(providers[name] ?? name)}`);
      gone.push(type);
    }
    if (id && isScalar(id.value) && !find(model, 'id')) {
      moved.push(`id: ${this.#source(id.value)}`);
      gone.push(id);
    }
    const kind = find(fields, 'kind') ? [] : ['kind: key'];
    if (moved.length > 0) this.#insertBefore(configuration, moved, isFlow(this.#parentOf(configuration)));
    // The discriminator that version 2 wants takes the place of the first line that goes.
    const [first, ...rest] = gone;
    if (first) {
      if (kind.length > 0) this.#replace(this.#span(first), kind[0]!);
      else this.#remove(first, configuration.value);
      for (const entry of rest) this.#remove(entry, configuration.value);
    } else if (fields[0]) this.#insertBefore(fields[0], kind, isFlow(configuration.value));
  }

  #properties(section: Entry | undefined): void {
    const items: readonly unknown[] = isSeq(section?.value)
      ? section.value.items
      : entries(section?.value).map(entry => entry.value);
    for (const item of items) {
      const fields = entries(item);
      this.#rename(fields, propertyKeys);
      const sample = find(fields, 'sample');
      if (sample) this.#replace(sample.keyRange, find(fields, 'default') ? 'example' : 'default');
      const kind = find(fields, 'type') ?? find(fields, 'kind');
      const better = kinds[scalarText(kind?.value) ?? ''];
      if (better && kind) this.#replace(rangeOf(kind.value), better);
      if (isMap(item)) this.#properties(find(fields, 'properties'));
    }
  }

  /** Sample values of their own mapping become defaults; of inputs that are not declared, the inputs themselves. */
  #sample(sample: Entry | undefined, inputs: Entry | undefined): void {
    if (!sample || !isMap(sample.value)) return;
    if (hasAnchor(sample.value)) return;
    const values = entries(sample.value);
    const odd = values.some(({ value }) => isMap(value));
    if (!inputs && !odd) {
      this.#replace(sample.keyRange, 'inputs');
      return;
    }
    const declared = declaredInputs(inputs?.value);
    const added: string[] = [];
    for (const { key, value, pair } of values) {
      const text = this.#source(value);
      const target = declared.get(key);
      if (target === undefined)
        added.push(`${keyText(pair)}: ${isMap(value) ? `{kind: object, default: ${text}}` : text}`);
      else if (isMap(target)) this.#giveDefault(target, text);
      else if (target !== null) return;
    }
    if (inputs && added.length > 0 && !this.#append(inputs, added)) return;
    if (!inputs) {
      const lines = added.map(line => `  ${line}`).join(this.#eol);
      this.#replace([sample.keyRange[0], this.#span(sample)[1]], `inputs:${this.#eol}${lines}`);
      return;
    }
    this.#removeKeepingComments(sample);
  }

  #giveDefault(property: unknown, text: string): void {
    const fields = entries(property);
    if (find(fields, 'default') || find(fields, 'sample')) return;
    const last = fields.at(-1);
    if (!last) {
      this.#replace(rangeOf(property), `{default: ${text}}`);
      return;
    }
    this.#insertAfter(last, [`default: ${text}`], isFlow(property));
  }

  /** Adds undeclared inputs at the end of `inputs`, in its own style. */
  #append(inputs: Entry, added: readonly string[]): boolean {
    const { value } = inputs;
    if (isSeq(value)) {
      if (value.flow || value.items.length === 0) return false;
      const first = rangeOf(value.items[0])[0];
      const dash = this.#yaml.lastIndexOf('-', first);
      const indent = ' '.repeat(this.#column(dash));
      const end = this.#lineEnd(rangeOf(value.items.at(-1))[1]);
      const lines = added.map(line => {
        const colon = line.indexOf(':');
        const rest = line.slice(colon + 2);
        const kept = rest.startsWith('{kind: object,') ? `, ${rest.slice(1, -1)}` : `, default: ${rest}`;
        return `${indent}- {name: ${line.slice(0, colon)}${kept}}${this.#eol}`;
      });
      this.#insert(end, this.#breakBefore(end) + lines.join(''));
      return true;
    }
    const last = entries(value).at(-1);
    if (!last) {
      this.#replace([inputs.keyRange[1] + 1, rangeOf(value)[1] || inputs.keyRange[1] + 1], ` {${added.join(', ')}}`);
      return true;
    }
    this.#insertAfter(last, added, isFlow(value));
    return true;
  }

  #template(template: Entry | undefined): void {
    if (!template) return;
    const name = scalarText(template.value);
    if (name !== undefined) {
      this.#replace(rangeOf(template.value), `{format: {kind: ${formatName(name)}}, parser: {kind: prompty}}`);
      return;
    }
    const fields = entries(template.value);
    const type = find(fields, 'type');
    if (type) this.#replace(type.keyRange, 'format');
    for (const entry of [type ?? find(fields, 'format'), find(fields, 'parser')]) {
      const value = scalarText(entry?.value);
      if (entry && value !== undefined) this.#replace(rangeOf(entry.value), `{kind: ${formatName(value)}}`);
    }
  }

  #rename(fields: readonly Entry[], names: Readonly<Record<string, string>>): void {
    for (const { key, keyRange } of fields) {
      const name = Object.hasOwn(names, key) ? names[key] : undefined;
      if (name !== undefined && !find(fields, name)) this.#replace(keyRange, name);
    }
  }

  /** A value on one line: as it is written where it is, else written anew. */
  #source(value: unknown): string {
    if (value === null || value === undefined) return 'null';
    const [start, end] = rangeOf(value);
    const text = this.#yaml.slice(start, end).trimEnd();
    const plain = isScalar(value) && value.type !== 'BLOCK_FOLDED' && value.type !== 'BLOCK_LITERAL';
    const simple = (plain || isFlow(value)) && !text.includes('\n') && !/^[^"'[{].*[,\]}{[]/.test(text);
    if (isAlias(value)) return `${text} `;
    return simple ? text : yamlInline((value as { toJS(document: Document): unknown }).toJS(this.#document));
  }

  #parentOf(entry: Entry): unknown {
    let parent: unknown;
    visit(this.#document, {
      Map: (_, map) => {
        if (!map.items.includes(entry.pair as (typeof map.items)[number])) return undefined;
        parent = map;
        return visit.BREAK;
      },
    });
    return parent;
  }

  #insertBefore(entry: Entry, lines: readonly string[], inFlow: boolean): void {
    const at = entry.keyRange[0];
    const glue = inFlow ? ', ' : this.#eol + ' '.repeat(this.#column(at));
    this.#insert(at, lines.map(line => line + glue).join(''));
  }

  #insertAfter(entry: Entry, lines: readonly string[], inFlow: boolean): void {
    if (inFlow) {
      this.#insert(this.#span(entry)[1], lines.map(line => `, ${line.trimEnd()}`).join(''));
      return;
    }
    const indent = ' '.repeat(this.#column(entry.keyRange[0]));
    const end = this.#lineEnd(this.#span(entry)[1]);
    this.#insert(end, this.#breakBefore(end) + lines.map(line => indent + line.trimEnd() + this.#eol).join(''));
  }

  #breakBefore(offset: number): string {
    return offset > 0 && this.#yaml[offset - 1] !== '\n' ? this.#eol : '';
  }

  /** Takes an entry out, with its line where it has one for itself. */
  #remove(entry: Entry, map: unknown): void {
    const [start, end] = this.#span(entry);
    if (isFlow(map)) {
      const after = /^\s*,\s*/.exec(this.#yaml.slice(end))?.[0].length ?? 0;
      const before = after === 0 ? (/,\s*$/.exec(this.#yaml.slice(0, start))?.[0].length ?? 0) : 0;
      this.#replace([start - before, end + after], '');
      return;
    }
    this.#replace([start - this.#column(start), this.#lineEnd(end)], '');
  }

  /** Takes a block out but leaves the comments that stand in it. */
  #removeKeepingComments(entry: Entry): void {
    const [start, end] = this.#span(entry);
    const lineEnd = this.#lineEnd(end);
    const comments: string[] = [];
    for (const line of this.#yaml.slice(start, lineEnd).split(/\r?\n/)) {
      const comment = /(?:^|\s)(#(?=[^\n]*$)[^"'\n]*)$/.exec(line)?.[1];
      if (comment) comments.push(comment + this.#eol);
    }
    this.#replace([start, lineEnd], comments.join(''));
  }

  /** Key to the last character of the value. */
  #span({ keyRange, value }: Entry): Range {
    const [, end] = value === null || value === undefined ? keyRange : rangeOf(value);
    const trimmed = this.#yaml.slice(keyRange[0], Math.max(end, keyRange[1])).trimEnd().length;
    const last = keyRange[0] + trimmed;
    // A key without a value still has its colon.
    return [keyRange[0], this.#yaml[last] === ':' ? last + 1 : last];
  }

  #column(offset: number): number {
    return offset - (this.#yaml.lastIndexOf('\n', offset - 1) + 1);
  }

  #lineEnd(offset: number): number {
    if (offset > 0 && this.#yaml[offset - 1] === '\n') return offset;
    const end = this.#yaml.indexOf('\n', offset);
    return end === -1 ? this.#yaml.length : end + 1;
  }

  #insert(offset: number, text: string): void {
    this.#edits.push({ offset, length: 0, text });
  }

  #replace([start, end]: Range, text: string): void {
    this.#edits.push({ offset: start, length: end - start, text });
  }
}

function entries(map: unknown): readonly Entry[] {
  if (!isMap(map)) return [];
  return map.items.flatMap(pair => {
    const { key, value } = pair;
    if (!isScalar(key) || !key.range) return [];
    return [{ key: String(key.value), keyRange: [key.range[0], key.range[1]] as const, value, pair: pair as Pair }];
  });
}

const find = (fields: readonly Entry[], name: string): Entry | undefined => fields.find(({ key }) => key === name);

const rangeOf = (node: unknown): Range => {
  const range = (node as { range?: readonly [number, number, number] } | null)?.range;
  return range ? [range[0], range[1]] : [0, 0];
};

const isFlow = (node: unknown): boolean => (node as { flow?: boolean } | null)?.flow === true;
const scalarText = (node: unknown): string | undefined =>
  isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
const formatName = (name: string): string => yamlInline(name === 'jinja' ? 'jinja2' : name);
const keyText = (pair: Pair): string => yamlInline(String((pair.key as { value?: unknown }).value));

/** Each declared input with its mapping, or null where it is a bare default. */
function declaredInputs(inputs: unknown): Map<string, unknown> {
  const declared = new Map<string, unknown>();
  if (isSeq(inputs)) {
    for (const item of inputs.items) {
      const name = scalarText(find(entries(item), 'name')?.value);
      if (name !== undefined) declared.set(name, item);
    }
  } else for (const { key, value } of entries(inputs)) declared.set(key, isMap(value) ? value : null);
  return declared;
}

function hasAnchor(node: unknown): boolean {
  let found = false;
  visit(node as Parameters<typeof visit>[0], {
    Value: (_, value) => {
      if (value.anchor === undefined) return undefined;
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}
