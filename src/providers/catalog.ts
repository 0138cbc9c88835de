/** The catalogue: models on the Hugging Face hub that are worth a try. Revisions and hashes come from the hub, not from here. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';

const CatalogSchema = v.object({
  format: v.literal(1),
  models: v.array(
    v.object({
      /** `organisation/name` on the hub. */
      repository: v.pipe(v.string(), v.regex(/^[\w.-]+\/[\w.-]+$/)),
      /** One GGUF file of the repository, where that is what to take. */
      file: v.optional(v.string()),
      label: v.string(),
      description: v.string(),
      /** As people say it: `135M`. */
      parameters: v.string(),
      /** `small` trains on a laptop in minutes, `large` only answers there. */
      size: v.picklist(['small', 'medium', 'large']),
    }),
  ),
});
export type CatalogEntry = v.InferOutput<typeof CatalogSchema>['models'][number];

/** The entries of `<root>/models/catalog.json`. */
export async function readCatalog(root: string): Promise<readonly CatalogEntry[]> {
  return v.parse(CatalogSchema, JSON.parse(await readFile(join(root, 'models', 'catalog.json'), 'utf8'))).models;
}
