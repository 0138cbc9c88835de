/** A block of cells as spreadsheets put it on the clipboard: tabs between cells, quotes around cells with breaks in them. */

/** Rows of cells. A quote that opens a cell and never closes is text like any other. */
export function parseTsv(text: string): string[][] {
  const source = text.replace(/(\r\n|\r|\n)$/, '');
  const rows: string[][] = [[]];
  let at = 0;
  for (;;) {
    const quoted = source[at] === '"' ? closedCell(source, at) : undefined;
    let end = quoted?.end ?? at;
    if (!quoted) while (end < source.length && !/[\t\r\n]/.test(source[end]!)) end++;
    rows.at(-1)!.push(quoted?.cell ?? source.slice(at, end));
    if (end >= source.length) return rows;
    if (source[end] === '\t') at = end + 1;
    else {
      at = end + (source.startsWith('\r\n', end) ? 2 : 1);
      rows.push([]);
    }
  }
}

/** The quoted cell that opens at `at`, where it ends before a tab, a break or the end. */
function closedCell(source: string, at: number): { readonly cell: string; readonly end: number } | undefined {
  let cell = '';
  let from = at + 1;
  for (;;) {
    const quote = source.indexOf('"', from);
    if (quote === -1) return undefined;
    cell += source.slice(from, quote);
    const next = source[quote + 1];
    if (next !== '"') return next === undefined || /[\t\r\n]/.test(next) ? { cell, end: quote + 1 } : undefined;
    cell += '"';
    from = quote + 2;
  }
}

/** Rows as a spreadsheet takes them in. */
export const toTsv = (rows: readonly (readonly string[])[]): string =>
  rows
    .map(row => row.map(cell => (/["\t\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join('\t'))
    .join('\n');
