/** Makes an answer that was found good into a line of an example bank. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Template } from '../prompts/template.ts';
import { type ExampleBank, questionText } from './bank.ts';
import { LeakIndex } from './leakage.ts';
import type { DataRow } from './rows.ts';

export interface Capture {
  readonly template: Template;
  /** The row that was asked. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The short answer as it was read; else the whole text. */
  readonly answer: string;
  /** What the model wrote before it, where the example is to show reasoning. */
  readonly reasoning?: string;
}

/**
 * The line (without its end) for the bank: the template's inputs, `reasoning`, `answer`. Throws a HumanError for an answer
 * without text, and where the bank or the test rows hold the question already.
 */
export function exampleLine({ template, values, answer, reasoning }: Capture, known: KnownQuestions = {}): string {
  if (answer.trim() === '') throw new HumanError(l10n.t('An answer without text is no example.'));
  const inputs = template.inputs.map(({ name }) => name);
  const question = questionText(values, inputs);
  const find = (rows: readonly DataRow[] | undefined, threshold: number) =>
    rows &&
    new LeakIndex(
      rows.map(row => ({ line: row.line, text: questionText(row.values, inputs) })),
      threshold,
    ).find(question);
  const inBank = find(known.bank?.rows, 1);
  if (inBank) throw new HumanError(l10n.t('The bank has this question already, in line {0}.', inBank.line));
  const inRows = find(known.rows, template.tunesmith.examples?.leakage ?? 1);
  if (inRows)
    throw new HumanError(
      l10n.t('Row {0} of the test rows asks the same: as an example it would give the answer away.', inRows.line),
    );
  const fields = inputs.filter(name => values[name] !== undefined).map(name => [name, values[name]]);
  return JSON.stringify({
    ...Object.fromEntries(fields),
    ...(reasoning?.trim() ? { reasoning: reasoning.trim() } : {}),
    answer: answer.trim(),
  });
}

export interface KnownQuestions {
  readonly bank?: ExampleBank;
  /** Rows that the template is tested on; a row that was only tried by hand is none of them. */
  readonly rows?: readonly DataRow[];
}

/** The text that an append needs: a line break before it where the bank does not end with one. */
export const appendix = (bankText: string, line: string): string => {
  const eol = bankText.includes('\r\n') ? '\r\n' : '\n';
  return `${bankText === '' || bankText.endsWith('\n') ? '' : eol}${line}${eol}`;
};
