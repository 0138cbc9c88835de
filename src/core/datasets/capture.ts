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
  const inBank = sameQuestion(template, values, known.bank?.rows, 1);
  if (inBank) throw new HumanError(l10n.t('The bank has this question already, in line {0}.', inBank.line));
  const inRows = leakedRow(template, values, known.rows);
  if (inRows) throw new HumanError(leakSentence(inRows.line));
  const fields = inputs.filter(name => values[name] !== undefined).map(name => [name, values[name]]);
  return JSON.stringify({
    ...Object.fromEntries(fields),
    ...(reasoning?.trim() ? { reasoning: reasoning.trim() } : {}),
    answer: answer.trim(),
  });
}

/** The test row that asks what an example with these values would answer, by the template's own threshold. */
export function leakedRow(
  template: Template,
  values: Capture['values'],
  rows: readonly DataRow[] | undefined,
): { readonly line: number } | undefined {
  return sameQuestion(template, values, rows, template.tunesmith.examples?.leakage ?? 1);
}

export const leakSentence = (line: number): string =>
  l10n.t('Row {0} of the test rows asks the same: as an example it would give the answer away.', line);

function sameQuestion(
  template: Template,
  values: Capture['values'],
  rows: readonly DataRow[] | undefined,
  threshold: number,
): { readonly line: number } | undefined {
  if (!rows) return undefined;
  const inputs = template.inputs.map(({ name }) => name);
  const texts = rows.map(row => ({ line: row.line, text: questionText(row.values, inputs) }));
  return new LeakIndex(texts, threshold).find(questionText(values, inputs));
}

/**
 * What a chain of thought says before its short answer, for an example’s field `reasoning`: without the words that lead to the
 * answer, which the template writes itself. Undefined where the answer does not stand in the text or nothing comes before it.
 */
export function reasoningBefore(text: string, answer: string): string | undefined {
  const at = text.lastIndexOf(answer);
  if (at <= 0) return undefined;
  const before = text
    .slice(0, at)
    .replace(/(?:\b(?:so|therefore|thus|hence)\b[,:]?\s*)?(?:\bthe\s+)?(?:final\s+)?answer\s*(?:is)?\s*:?\s*$/i, '')
    .trim();
  return before === '' ? undefined : before;
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
