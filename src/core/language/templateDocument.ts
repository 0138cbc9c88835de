/** A template's text with what language features look at: the parsed template, the front matter's entries, the body's names. */
import { builtInVariables, parseTemplate } from '../prompts/promptyFile.ts';
import type { Template, TemplateFormat, TextRange } from '../prompts/template.ts';
import type { BodyModel, NameUse } from './bodyModel.ts';
import { type Entry, entryAt, frontMatterTree } from './frontMatterTree.ts';
import { jinjaBody } from './jinjaBody.ts';
import { mustacheBody } from './mustacheBody.ts';

export interface TemplateDocument {
  readonly text: string;
  readonly template: Template;
  readonly entries: readonly Entry[];
  readonly body: BodyModel;
}

/** Reads a text once for all features; parts are read when first asked for. Never throws for anything that a file can hold. */
export function templateDocument(text: string, file: string): TemplateDocument {
  const template = parseTemplate(text, file);
  let entries: readonly Entry[] | undefined;
  let body: BodyModel | undefined;
  return {
    text,
    template,
    get entries() {
      entries ??= frontMatterTree(text);
      return entries;
    },
    get body() {
      const { start, end } = template.bodyRange;
      body ??= bodyModel(text.slice(start, end), template.format, start);
      return body;
    },
  };
}

/** Reads a stretch of template text; places count from `offset`. Linear in its length. */
export const bodyModel = (source: string, format: TemplateFormat, offset: number): BodyModel =>
  format === 'mustache' ? mustacheBody(source, offset) : jinjaBody(source, offset);

/** Where the front matter declares an input: its key, or its `name` in a list. */
export interface Declaration {
  readonly name: string;
  /** Of the name as written, quotes included. */
  readonly nameRange: TextRange;
  /** The whole input. */
  readonly entry: Entry;
  readonly quoted: boolean;
}

export function declarations({ entries }: TemplateDocument): Declaration[] {
  const inputs = entryAt(entries, ['inputs']);
  return (inputs?.entries ?? []).flatMap((entry): Declaration[] => {
    if (inputs!.kind === 'map') {
      const quoted = entry.keyRange.end - entry.keyRange.start !== entry.key.length;
      return [{ name: entry.key, nameRange: entry.keyRange, entry, quoted }];
    }
    const name = entry.entries.find(({ key }) => key === 'name');
    return typeof name?.value === 'string'
      ? [{ name: name.value, nameRange: name.valueRange, entry, quoted: name.quoted }]
      : [];
  });
}

/** Places of the body that take a value from outside under this name. */
export function usesOf(document: TemplateDocument, name: string): NameUse[] {
  return document.body.names.filter(use => use.name === name && isOutside(document, use));
}

/** A variable whose value comes from outside: not the template's own, and in a Mustache section only where an input has its name. */
export function isOutside({ template }: TemplateDocument, use: NameUse): boolean {
  if (use.kind !== 'variable' || use.binding) return false;
  return use.of === undefined || template.inputs.some(({ name }) => name === use.name);
}

/** What the renderer provides or the template declares. */
export const isDeclared = ({ template }: TemplateDocument, name: string): boolean =>
  builtInVariables.has(name) || template.inputs.some(input => input.name === name);

/** The name that an offset is in or beside. */
export const nameAt = ({ body }: TemplateDocument, offset: number): NameUse | undefined =>
  body.names.find(({ range }) => range.start <= offset && offset <= range.end);
