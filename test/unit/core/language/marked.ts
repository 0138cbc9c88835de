/** Templates in tests: `┃` marks the cursor; a workspace in memory answers what features ask of their host. */

import type { Replacement } from '../../../../src/base/textChange.ts';
import type { LanguageHost, NamedRows } from '../../../../src/core/language/host.ts';
import { type TemplateDocument, templateDocument } from '../../../../src/core/language/templateDocument.ts';

export interface Marked {
  readonly document: TemplateDocument;
  readonly offset: number;
}

/** The template without its mark. */
export function marked(text: string): Marked {
  const offset = text.indexOf('┃');
  if (offset === -1) throw new Error('no ┃ in the text');
  return { document: templateDocument(text.replace('┃', ''), 'dir/my template.prompty'), offset };
}

export const rowsOf = (...rows: readonly Record<string, unknown>[]): NamedRows => ({
  count: rows.length,
  fields: Object.keys(rows[0] ?? {}),
  current: rows[0] ?? {},
});

export const memoryHost = (given: { bank?: NamedRows; rows?: NamedRows; tokens?: boolean } = {}): LanguageHost => ({
  models: async () => [
    { id: 'local:pebble', label: 'pebble', detail: '4M, bundled', contextLength: 512 },
    { id: 'openai:gpt-x', label: 'gpt-x', detail: 'api.example' },
  ],
  dataFiles: async () => [{ path: './banks/a.jsonl' }, { path: '../data/rows.csv' }],
  exists: async () => false,
  bank: async () => given.bank,
  rows: async () => given.rows,
  countTokens: async text => (given.tokens ? { tokens: text.split(/\s+/).length, model: 'pebble' } : undefined),
});

export function replaced(text: string, edits: readonly Replacement[]): string {
  return [...edits]
    .sort((a, b) => b.offset - a.offset)
    .reduce((result, edit) => result.slice(0, edit.offset) + edit.text + result.slice(edit.offset + edit.length), text);
}
