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

/** Throws a HumanError that names the file when it is no model that can be used, or no longer the one that was meant. */
export async function readBaseModel({ base, revision }: Pick<ModelReference, 'base' | 'revision'>): Promise<BaseModel> {
  const { files, tokenizer, revision: found } = await openModel({ base });
  try {
    if (revision !== undefined && revision !== found) {
      throw new HumanError(
        l10n.t(
          'The model’s files have changed since this job was made. Make the job again, so that it uses one model throughout.',
        ),
        { place: { file: base } },
      );
    }
    return { config: files.config, weights: await files.readWeights(), tokenizer };
  } finally {
    await files.close();
  }
}
