/** The JSONL file of input rows that belongs beside a converted template. */
export function rowsFile(
  source: string,
  rows: readonly Readonly<Record<string, unknown>>[],
): { name: string; text: string } {
  const base = source.slice(Math.max(source.lastIndexOf('/'), source.lastIndexOf('\\')) + 1);
  const name = `${base.replace(/(\.prompt)?\.(ya?ml|json)$/, '')}.rows.jsonl`;
  return { name, text: rows.map(row => `${JSON.stringify(row)}\n`).join('') };
}
