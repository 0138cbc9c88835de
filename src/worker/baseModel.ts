/** The base model of a job: configuration, weights and tokenizer, from a folder or a GGUF file. */
import type { LlamaConfig } from '../language-model/config.ts';
import { openModelFolder, openModelGguf } from '../language-model/modelFiles.ts';
import { kindOfPath, openFile, openFolder } from '../storage/modelFolder.ts';
import { createTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';

export interface BaseModel {
  readonly config: LlamaConfig;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly tokenizer: Tokenizer;
}

/** Throws a HumanError that names the file when it is no model that can be used. */
export async function readBaseModel(path: string): Promise<BaseModel> {
  const files =
    (await kindOfPath(path)) === 'file'
      ? await openModelGguf(await openFile(path))
      : await openModelFolder(await openFolder(path));
  try {
    const tokenizer = createTokenizer(files.tokenizer);
    return { config: files.config, weights: await files.readWeights(), tokenizer };
  } finally {
    await files.close();
  }
}
