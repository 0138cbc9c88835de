/** Pieces of Markdown reports. What models wrote goes through `cell`, so that it is shown and never acts. */

/** A text in a table's cell: one line, nothing in it is Markdown. */
export const cell = (text: string): string => text.replace(/\s+/g, ' ').replace(/[|\\`*_<>[\]#]/g, '\\$&');

/** The start of a long text. */
export const clipped = (text: string, characters: number): string =>
  text.length <= characters ? text : `${text.slice(0, characters).trimEnd()}…`;

/** A paragraph of its own, in which nothing is Markdown; line breaks stay. */
export const quoted = (text: string): string =>
  text
    .split(/\r\n?|\n/)
    .map(line => `> ${line.replace(/[\\`*_<>[\]#|~&!]/g, '\\$&').replace(/^(\s*)([-+=]|\d+[.)])/, '$1\\$2')}  `)
    .join('\n');

/** The first column to the left, the others to the right, or all to the left. Cells are Markdown already. */
export function table(
  [head = [], ...rows]: readonly (readonly string[])[],
  others: 'left' | 'right' = 'right',
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|:--|${(others === 'left' ? ':--|' : '--:|').repeat(head.length - 1)}`, ...rows.map(line)].join(
    '\n',
  );
}
