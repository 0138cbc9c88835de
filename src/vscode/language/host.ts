/** What language features ask for, answered from the editor: models, files beside the template, rows, tokens. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { DataRow } from '../../core/datasets/rows.ts';
import type { LanguageHost, NamedRows } from '../../core/language/host.ts';
import type { Template } from '../../core/prompts/template.ts';
import { setting } from '../config.ts';
import type { Services } from '../services.ts';
import { bankOf, besideTemplate, rowsOf } from '../templateFiles.ts';

/** More files are not offered. */
const MostFiles = 500;
/** Milliseconds that a hover waits for a tokenizer. */
const TokenWait = 800;

/** `row`: the one that is looked at. */
export function languageHost(services: Services, uri: vscode.Uri, template: Template, row = 0): LanguageHost {
  return {
    models: async () => (await services.models(uri)).list(),
    dataFiles: async () => {
      const files = await vscode.workspace.findFiles('**/*.{jsonl,csv}', '{**/node_modules/**,**/.*/**}', MostFiles);
      const paths = files.map(file => relative(uri, file)).filter(name => !name.startsWith('../../../'));
      return paths.sort((a, b) => depth(a) - depth(b) || a.localeCompare(b)).map(name => ({ path: name }));
    },
    exists: async name =>
      vscode.workspace.fs.stat(besideTemplate(uri, name)).then(
        () => true,
        () => false,
      ),
    bank: async () => named((await bankOf(uri, template).catch(() => undefined))?.rows),
    rows: async () => named(await rowsOf(uri, template).catch(() => undefined), row),
    countTokens: text => {
      const late = new Promise<undefined>(resolve => setTimeout(() => resolve(undefined), TokenWait));
      return Promise.race([countTokens(services, uri, template, text).catch(() => undefined), late]);
    },
  };
}

async function countTokens(services: Services, uri: vscode.Uri, template: Template, text: string) {
  const models = await services.models(uri);
  const wanted = template.model.id ?? setting('defaultModel', uri);
  const known = (await models.list()).find(
    ({ id, label, kind }) => kind === 'local' && (id === wanted || label === wanted),
  );
  if (!known) return undefined;
  const generator = await models.get(known.id);
  const tokens = (await generator.countTokens?.([text]))?.[0];
  return tokens === undefined ? undefined : { tokens, model: known.label };
}

/** With `/`, so that the template works on every system. */
function relative(from: vscode.Uri, to: vscode.Uri): string {
  const name = path.posix.relative(path.posix.dirname(from.path), to.path);
  return name.startsWith('.') ? name : `./${name}`;
}

const depth = (name: string): number => name.split('/').length + 10 * name.split('../').length;

function named(rows: readonly DataRow[] | undefined, row = 0): NamedRows | undefined {
  if (!rows) return undefined;
  const fields = new Set(rows.slice(0, 20).flatMap(({ values }) => Object.keys(values)));
  return { count: rows.length, fields: [...fields], current: (rows[row] ?? rows[0])?.values ?? {} };
}
