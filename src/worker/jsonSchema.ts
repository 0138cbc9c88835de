/** JSON Schema (2020-12, 2019-09, draft 7) by Ajv: which texts are JSON that a schema allows. */
import { Ajv, type AnySchema, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';

let last: { readonly text: string; readonly validate: ValidateFunction } | undefined;

/** Throws a HumanError when the schema is none. Formats are not checked; references may only go into the schema itself. */
export function matchSchema(schema: unknown, texts: readonly string[]): boolean[] {
  const text = JSON.stringify(schema);
  if (last?.text !== text) last = { text, validate: compile(schema) };
  const { validate } = last;
  return texts.map(candidate => {
    try {
      return validate(JSON.parse(candidate)) === true;
    } catch {
      return false;
    }
  });
}

function compile(schema: unknown): ValidateFunction {
  // Without `$schema` the newest version; what draft 7 alone has is named by it.
  const version = (schema as { readonly $schema?: unknown } | null)?.$schema;
  const options = { strict: false, validateFormats: false, logger: false } as const;
  try {
    const ajv = typeof version === 'string' && version.includes('draft-0') ? new Ajv(options) : new Ajv2020(options);
    return ajv.compile(schema as AnySchema);
  } catch (error) {
    throw new HumanError(l10n.t('This JSON Schema cannot be used: {0}.', (error as Error).message));
  }
}
