/** Models on this computer, as the store lists them: tuned ones of the workspace and those that the person imported. */
import * as v from 'valibot';
import type { TunedModel } from './jobs/job.ts';

export interface StoredModel {
  /** Name of the folder: unique in the workspace. */
  readonly name: string;
  /** PEFT folder, or where the lineage says `whole` a model's. */
  readonly path: string;
  readonly lineage: TunedModel;
}

export const ImportedModelSchema = v.object({
  format: v.literal(1),
  name: v.string(),
  /** A Hugging Face folder or a `.gguf` file, absolute. */
  path: v.string(),
  addedAt: v.string(),
  /** Repository and revision of the hub that it was downloaded from. */
  repository: v.optional(v.string()),
  revision: v.optional(v.string()),
});
export type ImportedModel = v.InferOutput<typeof ImportedModelSchema>;
export type NewImport = Pick<ImportedModel, 'name' | 'path' | 'repository' | 'revision'>;

/** Where the registry of models learns what there is; `storage/modelStore.ts` is one. */
export interface ModelStore {
  tuned(): Promise<readonly StoredModel[]>;
  imported(): Promise<readonly ImportedModel[]>;
  /** Remembers a model by its path; the same path again keeps its name. */
  addImported(model: NewImport): Promise<ImportedModel>;
  /** Forgets it; its files stay. */
  removeImported(name: string): Promise<void>;
  /** Deletes its folder. */
  removeTuned(name: string): Promise<void>;
}
