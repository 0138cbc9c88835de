/** The base model of a job: configuration, weights and tokenizer, from a folder or a GGUF file. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { ModelReference } from '../core/jobs/job.ts';
import type { ModelConfig } from '../language-model/config.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { openModel } from './openModel.ts';

export interface BaseModel {
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly tokenizer: Tokenizer;
}

/** A base model whose weights are still on disk. */
export interface UnreadBaseModel {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** Number of weights. */
  readonly parameters: number;
  read(): Promise<BaseModel>;
  close(): Promise<void>;
}

/** Throws a HumanError that names the file when it is no model that can be used, or no longer the one that was meant. */
export async function openBaseModel({
  base,
  adapter,
  revision,
}: Pick<ModelReference, 'base' | 'adapter' | 'revision'>): Promise<UnreadBaseModel> {
  // A revision is that of base and adapter together.
  const both = revision !== undefined && adapter !== undefined;
  const { files, tokenizer, revision: found } = await openModel({ base, ...(both ? { adapter } : {}) });
  if (revision !== undefined && revision !== found) {
    await files.close();
    throw new HumanError(
      l10n.t(
        'The model’s files have changed since this job was made. Make the job again, so that it uses one model throughout.',
      ),
      { place: { file: base } },
    );
  }
  const { config, parameters } = files;
  return {
    config,
    tokenizer,
    parameters,
    read: async () => ({ config, tokenizer, weights: await files.readWeights() }),
    close: () => files.close(),
  };
}
