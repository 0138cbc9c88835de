/** Small text files of a model's folder. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { FileFolder } from '../base/randomAccess.ts';
import { fromUtf8 } from '../base/utf8.ts';
import { refuse } from './weights/tensorFile.ts';

/** Larger than any tokenizer.json in use. */
const MAX_TEXT = 256 * 1024 * 1024;

export async function readText(folder: FileFolder, name: string): Promise<string> {
  const file = await folder.open(name);
  try {
    if (file.size > MAX_TEXT)
      throw refuse(file, l10n.t('This file is too large to be what its name says. Download the model again.'));
    return fromUtf8(await file.read(0, file.size));
  } finally {
    await file.close();
  }
}

export async function readJson(folder: FileFolder, name: string): Promise<unknown> {
  const text = await readText(folder, name);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HumanError(l10n.t('This file is not valid JSON: it is damaged. Download the model again.'), {
      cause,
      place: { file: `${folder.path}/${name}` },
    });
  }
}
