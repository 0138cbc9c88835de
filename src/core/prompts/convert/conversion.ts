/** What every conversion between prompt formats gives, and how a `.prompty` file is written from its parts. */
import { stringify } from 'yaml';
import { HumanError } from '../../../base/errors.ts';

/** Something that could not be carried over, one sentence. */
export interface Note {
  readonly message: string;
  /** 1-based line in the source, where it has one. */
  readonly line?: number;
}

export interface Conversion {
  readonly text: string;
  readonly notes: readonly Note[];
  /** Data that belongs beside the result, by file name. */
  readonly files?: readonly { readonly name: string; readonly text: string }[];
}

export interface PromptyParts {
  readonly frontMatter: Readonly<Record<string, unknown>>;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

/** The text of a `.prompty` file. Contents are template source already. */
export function writePrompty({ frontMatter, messages }: PromptyParts): string {
  const kept = Object.fromEntries(Object.entries(frontMatter).filter(([, value]) => !isEmpty(value)));
  const yaml = Object.keys(kept).length === 0 ? '' : stringify(kept, { lineWidth: 0 });
  const body = messages.map(({ role, content }) => `${role}:\n${content.replace(/\n*$/, '\n')}`).join('\n');
  return `---\n${yaml}---\n${body}`;
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  (value !== null && typeof value === 'object' && Object.values(value).every(item => item === undefined));

/** Text as Jinja source that renders to it: what would start a tag, or a message, is written as a text of its own. */
export function literalJinja(text: string): string {
  return text
    .replace(/\{[{%#]/g, opener => `{{ "${opener}" }}`)
    .replace(/^[ \t]*#?[ \t]*(system|user|assistant|developer)(\[[^\]\n]*\])?[ \t]*:[ \t\r]*$/gim, line =>
      line.includes('"') ? `{{ '${line.trim()}' }}` : `{{ "${line.trim()}" }}`,
    );
}

const variable = /\{\{[ \t]*([A-Za-z_]\w*)[ \t]*\}\}/g;

/** Source of formats that only replace `{{name}}`, as Jinja; and the names. */
export function fromPlainVariables(text: string): { readonly jinja: string; readonly names: readonly string[] } {
  const names = new Set<string>();
  let jinja = '';
  let done = 0;
  for (const match of text.matchAll(variable)) {
    jinja += literalJinja(text.slice(done, match.index)) + `{{ ${match[1]} }}`;
    names.add(match[1]!);
    done = match.index + match[0].length;
  }
  return { jinja: jinja + literalJinja(text.slice(done)), names: [...names] };
}

export const refuse = (message: string, file: string, line?: number): never => {
  throw new HumanError(message, { place: line === undefined ? { file } : { file, line } });
};
