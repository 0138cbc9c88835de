/** The values that a template is rendered with: what was given, else defaults; wrong kinds and missing ones are diagnostics. */
import { l10n } from '../../base/l10n.ts';
import { isRecord } from './frontMatter.ts';
import { builtInVariables } from './promptyFile.ts';
import type { Diagnostic, InputKind, Template, TemplateInput } from './template.ts';

export type Values = Readonly<Record<string, unknown>>;

/** Texts from tables and forms become the declared kind. Values without a declaration pass through. */
export function inputValues(template: Template, given: Values): { values: Values; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const entries = new Map<string, unknown>(Object.entries(given).filter(([, value]) => value !== undefined));
  for (const input of template.inputs) {
    const report = (code: 'missing-input' | 'wrong-type', message: string): void => {
      diagnostics.push({ severity: 'error', code, message, range: input.range });
    };
    if (!entries.has(input.name)) {
      if (input.default !== undefined && input.default !== null) entries.set(input.name, input.default);
      else if (input.required)
        report('missing-input', l10n.t('The input “{0}” has no value. Give it one.', input.name));
      continue;
    }
    const value = convert(entries.get(input.name), input.kind);
    if (value === undefined) {
      report('wrong-type', l10n.t('The input “{0}” must be of kind {1}.', input.name, input.kind));
    } else if (input.enumValues && !input.enumValues.includes(value)) {
      report('wrong-type', l10n.t('The input “{0}” must be one of {1}.', input.name, input.enumValues.join(', ')));
    } else entries.set(input.name, value);
  }
  const declared = new Set(template.inputs.map(input => input.name));
  const missing = new Set<string>();
  for (const use of template.variables) {
    const known = entries.has(use.name) || declared.has(use.name) || builtInVariables.has(use.name);
    if (known || use.guarded || missing.has(use.name)) continue;
    missing.add(use.name);
    diagnostics.push({
      severity: 'error',
      code: 'undefined-variable',
      message: l10n.t('The variable “{0}” has no value. Add it under “inputs”, or correct the name.', use.name),
      range: use.range,
    });
  }
  return { values: Object.fromEntries(entries), diagnostics };
}

/** The value in the declared kind, or undefined where it cannot be one. */
function convert(value: unknown, kind: InputKind): unknown {
  switch (kind) {
    case 'string':
      return typeof value === 'string' ? value : isRecord(value) || Array.isArray(value) ? undefined : String(value);
    case 'integer':
    case 'float': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
      return kind === 'integer' && !Number.isInteger(number) ? undefined : number;
    }
    case 'boolean':
      return value === 'true' ? true : value === 'false' ? false : typeof value === 'boolean' ? value : undefined;
    case 'array':
    case 'thread': {
      const list = parsed(value);
      return Array.isArray(list) ? list : undefined;
    }
    case 'object': {
      const record = parsed(value);
      return isRecord(record) ? record : undefined;
    }
    default:
      return value;
  }
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

/** A first value for each input to try a template with: the example, else the default, else nothing. */
export const exampleValues = (inputs: readonly TemplateInput[]): Values =>
  Object.fromEntries(
    inputs.map(input => [input.name, input.example ?? input.default]).filter(([, value]) => value != null),
  );
