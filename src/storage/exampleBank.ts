/** Appends examples to a bank's file. */
import { readFile } from 'node:fs/promises';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { appendix } from '../core/datasets/capture.ts';
import { diskError, nodeDisk } from './fileSystem.ts';

/** Puts one line (without its end) behind the last of a JSON Lines bank; what stands there stays byte for byte, and the line is on the disk on return. */
export async function appendExample(path: string, line: string): Promise<void> {
  if (/\.csv$/i.test(path))
    throw new HumanError(l10n.t('Examples are added to JSON Lines banks only; this one is CSV.'), {
      place: { file: path },
    });
  try {
    const bytes = await readFile(path);
    const file = await nodeDisk.openForAppend(path);
    try {
      await file.write(new TextEncoder().encode(appendix(bytes.toString('utf8'), line)), bytes.length);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw diskError(error, path);
  }
}
