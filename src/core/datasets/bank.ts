/** An example bank: worked examples that templates draw shots from. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { type DataRow, readRows } from './rows.ts';

export interface Leak {
  /** The test row's 1-based line in its file. */
  readonly line: number;
  /** Jaccard similarity of words and pairs of words, 0 … 1; 1 for equal texts. */
  readonly similarity: number;
}

export interface ExampleBank {
  readonly file: string;
  /** Each has `answer`, perhaps `reasoning`, and the fields of the template's inputs. */
  readonly rows: readonly DataRow[];
  /** Examples that say what a test row says, by their index: they are never shown (leakage.ts). */
  readonly leaks?: ReadonlyMap<number, Leak>;
  /** Lines that cannot be read: they are passed over, and said. */
  readonly badLines?: { readonly count: number; readonly line: number; readonly message: string };
}

/** Reads a bank, without its bad lines where it has good ones. Throws a HumanError with file and line where nothing can be used. */
export function readBank(text: string, file: string): ExampleBank {
  let count = 0;
  let first: HumanError | undefined;
  const rows = readRows(text, file, error => {
    first ??= error;
    count++;
  });
  if (rows.length === 0) {
    throw (
      first ?? new HumanError(l10n.t('This example bank is empty. Add one JSON object a line.'), { place: { file } })
    );
  }
  if (!first) return { file, rows };
  return { file, rows, badLines: { count, line: first.place.line!, message: first.message } };
}

/** What an example or a row asks: the values of the template's inputs, one a line. */
export const questionText = (values: Readonly<Record<string, unknown>>, inputs: readonly string[]): string =>
  inputs
    .map(name => values[name])
    .filter(value => value !== undefined && value !== null)
    .map(value => (typeof value === 'string' ? value : JSON.stringify(value)))
    .join('\n');
