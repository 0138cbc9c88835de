/** From a location on disk to what a child process works with: files, tokenizer, adapter, and a hash of them. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { type ModelFiles, openModelFolder, openModelGguf } from '../language-model/modelFiles.ts';
import { type AdapterFiles, openAdapter } from '../language-model/openAdapter.ts';
import type { ModelLocation } from '../protocol/inference.ts';
import { kindOfPath, modelRevision, openFile, openFolder } from '../storage/modelFolder.ts';
import { createTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';

export interface OpenedModel {
  readonly files: ModelFiles;
  readonly tokenizer: Tokenizer;
  readonly adapter: AdapterFiles | undefined;
  /** Hash of the files' names, sizes and samples of their bytes. */
  readonly revision: string;
  /** Likewise of the base model alone. */
  readonly baseRevision: string;
}

/** Checks everything but the weights' values. The caller closes `files`. Throws a HumanError that says what is wrong. */
export async function openModel(location: ModelLocation): Promise<OpenedModel> {
  const files = await openBase(location.base);
  try {
    const tokenizer = createTokenizer(files.tokenizer);
    if (tokenizer.size > files.config.vocabSize) {
      throw new HumanError(
        l10n.t(
          'The tokenizer has {0} tokens, but the model knows {1}: they do not belong together. Download the model again.',
          tokenizer.size,
          files.config.vocabSize,
        ),
        { place: { file: files.tokenizer.path } },
      );
    }
    const adapter =
      location.adapter === undefined ? undefined : await openAdapter(await openFolder(location.adapter), files.config);
    const baseRevision = await modelRevision({ base: location.base });
    const revision = location.adapter === undefined ? baseRevision : await modelRevision(location);
    return { files, tokenizer, adapter, revision, baseRevision };
  } catch (error) {
    await files.close();
    throw error;
  }
}

async function openBase(path: string): Promise<ModelFiles> {
  switch (await kindOfPath(path)) {
    case 'folder':
      return openModelFolder(await openFolder(path));
    case 'file':
      return openModelGguf(await openFile(path));
    case 'missing':
      throw new HumanError(l10n.t('There is no model here any more. Add it again, or choose another model.'), {
        place: { file: path },
      });
  }
}
