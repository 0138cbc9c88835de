/** First contents of a bank or a file of rows that a template names and nobody wrote yet: one row with the template's inputs. */
import { exampleValues } from '../prompts/inputValues.ts';
import type { TemplateDocument } from './templateDocument.ts';

/** JSON Lines, or CSV by the path's ending. */
export function newDataFile({ template }: TemplateDocument, kind: 'bank' | 'rows', path: string): string {
  const given = exampleValues(template.inputs);
  const row: Record<string, unknown> = Object.fromEntries(template.inputs.map(({ name }) => [name, given[name] ?? '']));
  if (kind === 'bank') {
    if (template.tunesmith.reasoning.strategy === 'few-shot-cot') row.reasoning = '';
    row.answer = '';
  } else if (template.tunesmith.expected !== undefined) row[template.tunesmith.expected] = '';
  if (!/\.csv$/i.test(path)) return `${JSON.stringify(row)}\n`;
  const cells = (values: readonly unknown[]): string => values.map(cell).join(',');
  return `${cells(Object.keys(row))}\n${cells(Object.values(row))}\n`;
}

function cell(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
