/** Writes media/prompty.schema.json from src/core/prompts/promptySchema.ts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promptySchema } from '../src/core/prompts/promptySchema.ts';

const file = join(import.meta.dirname, '../media/prompty.schema.json');
export const schemaText = `${JSON.stringify(promptySchema, undefined, 2)}\n`;
export const shippedText = (): string => readFileSync(file, 'utf8');

if (import.meta.main) writeFileSync(file, schemaText);
