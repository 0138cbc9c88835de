/**
 * What a template's front matter wants from outside: `${env:NAME}`, `${file:path}` and the endpoint of `model.connection`.
 * Nothing is resolved before it is approved; who asks, and reads files, is the host.
 */
import { parse as parseYamlText } from 'yaml';
import { parseJson } from '../../base/jsonLines.ts';
import { l10n } from '../../base/l10n.ts';
import { isRecord } from './frontMatter.ts';
import type { Diagnostic, Template, TemplateInput } from './template.ts';

export type Reference =
  | { readonly kind: 'env'; readonly name: string; readonly fallback?: string }
  | { readonly kind: 'file'; readonly file: string }
  /** A template may say where its prompts are to go; `address` may hold references itself. */
  | { readonly kind: 'endpoint'; readonly address: string };

/** What the host knows of the user's will. */
export interface ReferencePolicy {
  /** An untrusted workspace gets nothing. */
  readonly trusted: boolean;
  readonly approvedEnv: ReadonlySet<string>;
  readonly approvedFiles: ReadonlySet<string>;
  readonly approvedOrigins: ReadonlySet<string>;
}

export interface ReferenceCheck {
  readonly approved: readonly Reference[];
  /** Each is a question for the user; answered with yes, it belongs into the policy. */
  readonly needsApproval: readonly Reference[];
  /** Refused outright, with the reason. */
  readonly refused: readonly { readonly reference: Reference; readonly reason: string }[];
}

const pattern = /\$\{(env|file):([^}]*)\}/gi;

/** Everything that the used parts of the front matter (inputs, connection) refer to, each once. */
export function referencesOf(template: Template): Reference[] {
  const found = new Map<string, Reference>();
  const add = (reference: Reference): void => {
    const key = JSON.stringify(reference);
    if (!found.has(key)) found.set(key, reference);
  };
  const visit = (value: unknown): void => {
    if (typeof value === 'string') for (const { reference } of parse(value)) add(reference);
    else if (Array.isArray(value)) value.forEach(visit);
    else if (isRecord(value)) Object.values(value).forEach(visit);
  };
  for (const input of template.inputs) {
    visit(input.default);
    visit(input.example);
  }
  visit(template.model.id);
  visit(template.model.connection ?? template.model.connectionFile);
  const address = endpointOf(template);
  if (address !== undefined) add({ kind: 'endpoint', address });
  return [...found.values()];
}

/** The address that the template names for its model, as written. */
export function endpointOf(template: Template): string | undefined {
  const connection = template.model.connection;
  const address = connection?.endpoint ?? connection?.azure_endpoint ?? connection?.base_url ?? connection?.target;
  return typeof address === 'string' && address !== '' ? address : undefined;
}

function* parse(text: string): Generator<{ reference: Reference; start: number; end: number }> {
  for (const match of text.matchAll(pattern)) {
    const place = { start: match.index, end: match.index + match[0].length };
    const inner = match[2]!;
    if (match[1]!.toLowerCase() === 'file') yield { reference: { kind: 'file', file: inner }, ...place };
    else {
      const colon = inner.indexOf(':');
      const name = colon === -1 ? inner : inner.slice(0, colon);
      const fallback = colon === -1 ? undefined : inner.slice(colon + 1);
      yield { reference: fallback === undefined ? { kind: 'env', name } : { kind: 'env', name, fallback }, ...place };
    }
  }
}

/** Sorts references by what may be done with them. */
export function checkReferences(references: readonly Reference[], policy: ReferencePolicy): ReferenceCheck {
  const approved: Reference[] = [];
  const needsApproval: Reference[] = [];
  const refused: { reference: Reference; reason: string }[] = [];
  for (const reference of references) {
    const reason = refusal(reference, policy);
    if (reason !== undefined) refused.push({ reference, reason });
    else (isApproved(reference, policy) ? approved : needsApproval).push(reference);
  }
  return { approved, needsApproval, refused };
}

function refusal(reference: Reference, { trusted }: ReferencePolicy): string | undefined {
  if (reference.kind === 'env') {
    if (!/^[A-Za-z_]\w*$/.test(reference.name))
      return l10n.t('“{0}” is no name of an environment variable.', reference.name);
    return trusted
      ? undefined
      : l10n.t('The environment variable “{0}” is not read in an untrusted workspace.', reference.name);
  }
  if (reference.kind === 'file') {
    if (!isInside(reference.file))
      return l10n.t('“{0}” must be a file in or below the template’s folder.', reference.file);
    return trusted ? undefined : l10n.t('The file “{0}” is not read in an untrusted workspace.', reference.file);
  }
  return trusted ? undefined : l10n.t('The address “{0}” is not used in an untrusted workspace.', reference.address);
}

function isApproved(reference: Reference, policy: ReferencePolicy): boolean {
  switch (reference.kind) {
    case 'env':
      return policy.approvedEnv.has(reference.name);
    case 'file':
      return policy.approvedFiles.has(reference.file);
    case 'endpoint':
      return policy.approvedOrigins.has(originOf(reference.address) ?? '');
  }
}

/** `https://host:port` of an address, or undefined where it is none (a reference may stand in it). */
export function originOf(address: string): string | undefined {
  const match = /^(https?):\/\/([^/?#@\s\\]+)(?:[/?#]|$)/i.exec(address);
  return match ? `${match[1]}://${match[2]}`.toLowerCase() : undefined;
}

/** By its text alone: relative and without `..`. Links are the reader's business (storage/templateFiles.ts). */
export function isInside(path: string): boolean {
  if (path === '' || path.includes('\0') || /^([/\\]|[A-Za-z]:|[A-Za-z][A-Za-z\d+.-]+:)/.test(path)) return false;
  return !path.split(/[/\\]/).includes('..');
}

/** What the host read for approved references. */
export interface ResolvedReferences {
  readonly env: ReadonlyMap<string, string | undefined>;
  /** Contents by path as written. */
  readonly files: ReadonlyMap<string, string | undefined>;
}

/** The template with the values in place. What is missing stays as written and is an error, so that it is never sent. */
export function resolveReferences(
  template: Template,
  resolved: ResolvedReferences,
): { readonly template: Template; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const replace = (text: string, range: TemplateInput['range']): unknown => {
    let result = '';
    let done = 0;
    for (const { reference, start, end } of parse(text)) {
      const place = written(template, text.slice(start, end)) ?? range;
      const value = resolvedValue(reference, resolved);
      if (value === undefined) {
        const message =
          reference.kind === 'env'
            ? l10n.t('The environment variable “{0}” is not set or not approved.', reference.name)
            : l10n.t('The file “{0}” is not there or not approved.', reference.kind === 'file' ? reference.file : '');
        diagnostics.push({ severity: 'error', code: 'approval', message, range: place });
        continue;
      }
      const kind = reference.kind === 'file' && /\.(json|ya?ml)$/i.exec(reference.file)?.[1]?.toLowerCase();
      if (reference.kind === 'file' && kind && start === 0 && end === text.length) {
        const data = kind === 'json' ? parseJson(value) : parseYaml(value);
        if (data !== undefined) return data;
        const message =
          kind === 'json'
            ? l10n.t('The file “{0}” is not valid JSON.', reference.file)
            : l10n.t('The file “{0}” is not valid YAML.', reference.file);
        diagnostics.push({ severity: 'error', code: 'approval', message, range: place });
      }
      result += text.slice(done, start) + value;
      done = end;
    }
    return result + text.slice(done);
  };
  const visit = (value: unknown, range: TemplateInput['range']): unknown => {
    if (typeof value === 'string') return replace(value, range);
    if (Array.isArray(value)) return value.map(item => visit(item, range));
    if (isRecord(value))
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visit(item, range)]));
    return value;
  };
  const inputs = template.inputs.map(input => ({
    ...input,
    default: visit(input.default, input.range),
    example: visit(input.example, input.range),
  }));
  const { id, connection, connectionFile, range = template.frontMatterRange } = template.model;
  const found = visit(connection ?? connectionFile, range);
  const name = visit(id, range);
  if (found !== undefined && !isRecord(found) && diagnostics.length === 0) {
    const message = l10n.t('“{0}” must be {1}.', 'connection', l10n.t('a mapping of keys to values'));
    diagnostics.push({ severity: 'error', code: 'wrong-type', message, range });
  }
  const model = {
    ...template.model,
    ...(isRecord(found) ? { connection: found } : {}),
    ...(typeof name === 'string' ? { id: name } : {}),
  };
  return { template: { ...template, inputs, model }, diagnostics };
}

/** Where the front matter writes a reference as it is; undefined where it stands there with escapes. */
function written(
  { text, frontMatterRange: { start, end } }: Template,
  reference: string,
): TemplateInput['range'] | undefined {
  const at = text.slice(start, end).indexOf(reference);
  return at === -1 ? undefined : { start: start + at, end: start + at + reference.length };
}

/** Undefined where it is no YAML, or grows too large through aliases. */
function parseYaml(text: string): unknown {
  try {
    return parseYamlText(text, { logLevel: 'silent', maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}

const resolvedValue = (reference: Reference, resolved: ResolvedReferences): string | undefined =>
  reference.kind === 'env'
    ? (resolved.env.get(reference.name) ?? reference.fallback)
    : reference.kind === 'file'
      ? resolved.files.get(reference.file)
      : undefined;
