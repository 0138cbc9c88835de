/** An example bank: worked examples that templates draw shots from. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { type DataRow, readRows } from './rows.ts';

export interface ExampleBank {
  readonly file: string;
  /** Each has `answer`, perhaps `reasoning`, and the fields of the template's inputs. */
  readonly rows: readonly DataRow[];
}

/** Reads a bank. Throws a HumanError with file and line. */
export function readBank(text: string, file: string): ExampleBank {
  const rows = readRows(text, file);
  if (rows.length === 0) {
    throw new HumanError(l10n.t('This example bank is empty. Add one JSON object a line.'), { place: { file } });
  }
  return { file, rows };
}
