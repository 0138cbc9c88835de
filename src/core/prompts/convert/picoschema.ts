/** Picoschema (dotprompt's short schemas) as inputs of a template: `name?: string, what it is`, `tags(array): string`, `kind(enum): [a, b]`. */
import { isRecord } from '../frontMatter.ts';

const kinds: Readonly<Record<string, string>> = {
  number: 'float',
  integer: 'integer',
  boolean: 'boolean',
  string: 'string',
};

/** Undefined for what is no Picoschema (a JSON Schema has `type` and `properties`). */
export function inputsOfPicoschema(schema: unknown): Record<string, Record<string, unknown>> | undefined {
  if (!isRecord(schema)) return undefined;
  if (isRecord(schema.properties)) return inputsOfJsonSchema(schema);
  const inputs: Record<string, Record<string, unknown>> = {};
  for (const [key, value] of Object.entries(schema)) {
    const match = /^([^?(\s]+)(\?)?(?:\(([^),]*)(?:,\s*([^)]*))?\))?$/.exec(key);
    if (!match) continue;
    const [, name, optional, outer, note] = match;
    inputs[name!] = { ...typeOf(value, outer, note), ...(optional ? {} : { required: true }) };
  }
  return inputs;
}

function typeOf(value: unknown, outer: string | undefined, note: string | undefined): Record<string, unknown> {
  const [word = '', rest] = typeof value === 'string' ? splitOnce(value) : [];
  const description = note ?? rest;
  const told = description === undefined || description === '' ? {} : { description };
  if (outer === 'enum' || (outer === undefined && Array.isArray(value)))
    return { kind: 'string', ...(Array.isArray(value) ? { enumValues: value } : {}), ...told };
  if (outer === 'array') return { kind: 'array', ...told };
  if (outer === 'object' || isRecord(value)) return { kind: 'object', ...told };
  return { kind: kinds[word] ?? 'string', ...told };
}

function splitOnce(text: string): [string, string | undefined] {
  const comma = text.indexOf(',');
  return comma === -1 ? [text.trim(), undefined] : [text.slice(0, comma).trim(), text.slice(comma + 1).trim()];
}

function inputsOfJsonSchema(schema: Record<string, unknown>): Record<string, Record<string, unknown>> {
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  return Object.fromEntries(
    Object.entries(schema.properties as Record<string, unknown>).map(([name, value]) => {
      const { type, description, enum: values, default: initial } = isRecord(value) ? value : {};
      const kind = type === 'array' || type === 'object' ? type : (kinds[String(type)] ?? 'string');
      const property = {
        kind,
        description,
        default: initial,
        enumValues: values,
        required: required.has(name) || undefined,
      };
      return [name, Object.fromEntries(Object.entries(property).filter(([, item]) => item !== undefined))];
    }),
  );
}
