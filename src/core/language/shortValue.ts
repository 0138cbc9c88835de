/** Values as one short line, and as safe text inside Markdown. */

/** At most 80 characters on one line; texts as they are, the rest as JSON. */
export function shortValue(value: unknown): string {
  const text = (typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)))
    .replace(/\s+/g, ' ')
    .trim();
  const cut = text.length > 80 ? `${text.slice(0, 79)}…` : text;
  return cut.replaceAll('`', 'ˋ');
}

/** A block that shows a value and nothing that Markdown would read in it. */
export function valueBlock(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? String(value));
  const cut = text.length > 1000 ? `${text.slice(0, 1000)}…` : text;
  return '```text\n' + cut.replaceAll('`', 'ˋ') + '\n```';
}
