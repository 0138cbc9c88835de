/** Loads a template for the command line: file, references that the flags approve, example bank. */
import { relative } from 'node:path';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { ExampleBank } from '../core/datasets/bank.ts';
import type { DataRow } from '../core/datasets/rows.ts';
import type { Values } from '../core/prompts/inputValues.ts';
import { firstError, toHumanError } from '../core/prompts/promptyFile.ts';
import {
  checkReferences,
  endpointOf,
  originOf,
  type Reference,
  referencesOf,
  resolveReferences,
} from '../core/prompts/references.ts';
import type { Template } from '../core/prompts/template.ts';
import { readReferencedFile, readTemplate, readTemplateBank, readTemplateRows } from '../storage/templateFiles.ts';
import { type Cli, workspaceAbove } from './cli.ts';

export interface LoadOptions {
  /** The prompts stay on this computer. */
  readonly local: boolean;
  readonly allowEndpoint: readonly string[];
}

/** The template as it is written; its errors are thrown with file and line, its warnings go to stderr. */
export async function loadTemplate(cli: Cli, path: string): Promise<Template> {
  const template = await readTemplate(path);
  const error = firstError(template, template.diagnostics);
  if (error) throw error;
  for (const diagnostic of template.diagnostics)
    if (diagnostic.severity === 'warning') cli.note(toHumanError(template, diagnostic).describe());
  return template;
}

/** With `${env:}` and `${file:}` in place, as far as the flags allow it; else a HumanError that names the flag. */
export async function withReferences(cli: Cli, template: Template, options: LoadOptions): Promise<Template> {
  const references = referencesOf(template).filter(({ kind }) => kind !== 'endpoint');
  if (references.length === 0) return template;
  const allowedFiles = new Set(cli.options.allowFile ?? []);
  const { needsApproval, refused } = checkReferences(references, {
    trusted: true,
    approvedEnv: new Set(cli.options.allowEnv ?? []),
    // A file's content that stays on this computer needs no question.
    approvedFiles: new Set(
      references.flatMap(({ ...r }) =>
        r.kind === 'file' && (options.local || allowedFiles.has(r.file)) ? [r.file] : [],
      ),
    ),
    approvedOrigins: new Set(),
  });
  const place = { file: template.file, line: 1 };
  if (refused[0]) throw new HumanError(refused[0].reason, { place });
  if (needsApproval[0]) throw new HumanError(question(needsApproval[0]), { place });
  const env = new Map<string, string | undefined>();
  const files = new Map<string, string | undefined>();
  for (const reference of references) {
    if (reference.kind === 'env') env.set(reference.name, cli.terminal.env[reference.name]);
    if (reference.kind === 'file') files.set(reference.file, await readReferencedFile(template.file, reference.file));
  }
  const resolved = resolveReferences(template, { env, files });
  const error = firstError(template, resolved.diagnostics);
  if (error) throw error;
  return resolved.template;
}

function question(reference: Reference): string {
  switch (reference.kind) {
    case 'env':
      return l10n.t(
        'The template wants the environment variable {0}. Pass --allow-env {0} if it may have it.',
        reference.name,
      );
    case 'file':
      return l10n.t('The template wants to send the file {0}. Pass --allow-file {0} if it may.', reference.file);
    case 'endpoint':
      return l10n.t(
        'The template wants to send prompts to {0}. Pass --allow-endpoint {0} if you want that.',
        reference.address,
      );
  }
}

/** The model to use: `--model`, else what the template names, else pebble. */
export function modelOf(template: Template, wanted: string | undefined): { id: string; byTemplate: boolean } {
  if (wanted !== undefined) return { id: wanted, byTemplate: false };
  const { id } = template.model;
  const address = endpointOf(template);
  if (address !== undefined && id !== undefined && originOf(address) !== undefined)
    return { id: `${address}|${id}`, byTemplate: true };
  return { id: id ?? 'pebble', byTemplate: id !== undefined };
}

/** The folder that a template's bank and rows may not leave. */
function workspaceOf(cli: Cli, template: Template): string {
  const { root } = cli.layout;
  const inside = !relative(root, template.file).startsWith('..');
  return inside ? root : workspaceAbove(`${template.file}/..`);
}

export const bankOf = (cli: Cli, template: Template): Promise<ExampleBank | undefined> =>
  readTemplateBank(template, workspaceOf(cli, template));

export async function rowsOf(cli: Cli, template: Template): Promise<readonly DataRow[]> {
  const rows = await readTemplateRows(template, workspaceOf(cli, template));
  if (rows === undefined)
    throw new HumanError(l10n.t('This template names no rows. Add “rows” under metadata.tunesmith, or use --input.'), {
      place: { file: template.file },
    });
  if (rows.length === 0)
    throw new HumanError(l10n.t('“{0}” has no rows.', template.tunesmith.rows ?? ''), {
      place: { file: template.file },
    });
  return rows;
}

/** Values of `--input name=value`; throws a HumanError for what the template does not have. */
export function givenValues(template: Template, inputs: readonly string[]): Values {
  const given = Object.fromEntries(
    inputs.map(text => {
      const at = text.indexOf('=');
      if (at <= 0) throw new HumanError(l10n.t('--input must be name=value, not “{0}”.', text));
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
  const unknown = Object.keys(given).find(
    name => !template.inputs.some(input => input.name === name) && !template.variables.some(use => use.name === name),
  );
  if (unknown === undefined) return given;
  const names = template.inputs.map(input => input.name).join(', ');
  throw new HumanError(l10n.t('The template has no input “{0}”. It has: {1}.', unknown, names));
}
