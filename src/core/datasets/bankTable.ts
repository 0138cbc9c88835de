/** A JSON Lines file as a table to edit: rows, fields, what is wrong with a line, and each edit as changes of lines alone. */
import { l10n } from '../../base/l10n.ts';
import { setJsonField } from './jsonLineEdits.ts';
import { parseTsv } from './tsv.ts';

/** Replaces what stands between two places; lines and characters count from 0, as in an editor's document. */
export interface LineEdit {
  readonly startLine: number;
  readonly startCharacter: number;
  readonly endLine: number;
  readonly endCharacter: number;
  readonly text: string;
}

interface ParsedLine {
  readonly values?: Readonly<Record<string, unknown>>;
  /** Why it is no row. */
  readonly problem?: string;
}

export interface TableView {
  readonly filter: string;
  readonly sort: { readonly field: string; readonly descending: boolean } | null;
  /** Only lines that cannot be read. */
  readonly badOnly: boolean;
}

export const wholeView: TableView = { filter: '', sort: null, badOnly: false };

/** A cell's value as people read and write it: strings as they are, all else as JSON. */
export const cellText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export class BankTable {
  #lines: string[];
  #parsed: (ParsedLine | undefined)[];

  constructor(lines: readonly string[]) {
    this.#lines = [...lines];
    this.#parsed = new Array<ParsedLine | undefined>(lines.length);
  }

  get lineCount(): number {
    return this.#lines.length;
  }

  text(line: number): string {
    return this.#lines[line] ?? '';
  }

  parsed(line: number): ParsedLine {
    this.#parsed[line] ??= parseLine(this.text(line), line === 0);
    return this.#parsed[line]!;
  }

  /** Follows a change of the document. All places are those before any of the changes. */
  apply(changes: readonly LineEdit[]): void {
    const ordered = [...changes].sort(
      (a, b) => b.startLine - a.startLine || b.startCharacter - a.startCharacter || b.endLine - a.endLine,
    );
    for (const { startLine, startCharacter, endLine, endCharacter, text } of ordered) {
      const before = this.text(startLine).slice(0, startCharacter);
      const after = this.text(endLine).slice(endCharacter);
      const lines = (before + text + after).split(/\r\n|\r|\n/);
      splice(this.#lines, startLine, endLine + 1, lines);
      splice(this.#parsed, startLine, endLine + 1, new Array<ParsedLine | undefined>(lines.length).fill(undefined));
    }
  }

  /** Fields in the order in which lines `from` to `to` first name them, added to `known`. */
  collectFields(known: Set<string>, from = 0, to = this.lineCount): void {
    for (let line = from; line < Math.min(to, this.lineCount); line++) {
      const { values } = this.parsed(line);
      for (const name in values) known.add(name);
    }
  }

  /** Lines without anything on them are no rows. */
  isBlank(line: number): boolean {
    return line >= 0 && line < this.lineCount && !/\S/.test(this.text(line));
  }

  /** Lines of the rows that a view shows, in its order. The file's own order does not change. */
  order({ filter, sort, badOnly }: TableView): number[] {
    const wanted = filter.trim().toLowerCase();
    const rows: number[] = [];
    for (let line = 0; line < this.lineCount; line++) {
      if (this.isBlank(line) || (badOnly && this.parsed(line).problem === undefined)) continue;
      if (wanted === '' || this.#contains(line, this.parsed(line), wanted)) rows.push(line);
    }
    return sort ? this.#sorted(rows, sort.field, sort.descending) : rows;
  }

  #contains(line: number, { values }: ParsedLine, wanted: string): boolean {
    if (!values) return this.text(line).toLowerCase().includes(wanted);
    for (const name in values) if (cellText(values[name]).toLowerCase().includes(wanted)) return true;
    return false;
  }

  /** Numbers by size before texts by letters; rows with nothing there come last either way, equal ones stay in order. */
  #sorted(rows: readonly number[], field: string, descending: boolean): number[] {
    const keyed = rows.map(line => {
      const value = this.parsed(line).values?.[field];
      const number =
        typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? +value : NaN;
      const kind = value === undefined || value === '' ? 2 : Number.isNaN(number) ? 1 : 0;
      return { line, kind, number, text: kind === 1 ? cellText(value).toLowerCase() : '' };
    });
    const sign = descending ? -1 : 1;
    keyed.sort((a, b) => {
      if (a.kind === 2 || b.kind === 2) return a.kind - b.kind;
      if (a.kind !== b.kind) return sign * (a.kind - b.kind);
      if (a.kind === 0) return sign * (a.number - b.number);
      return a.text === b.text ? 0 : a.text < b.text ? -sign : sign;
    });
    return keyed.map(({ line }) => line);
  }

  /** Sets one field from what was typed; emptied, the field leaves the row. */
  setCell(line: number, field: string, typed: string): LineEdit[] {
    const { values } = this.parsed(line);
    if (!values) return [];
    return this.#replace(line, setJsonField(this.text(line), field, this.#valueOf(typed, values[field], field)));
  }

  /** Replaces a whole line, such as one that cannot be read. */
  setLine(line: number, text: string): LineEdit[] {
    return this.#replace(line, text.replace(/\r\n|\r|\n/g, ' '));
  }

  /** Adds rows below a line; −1 puts them first. */
  insert(after: number, rows: readonly Readonly<Record<string, unknown>>[]): LineEdit[] {
    return this.#insertText(
      after,
      rows.map(row => JSON.stringify(row)),
    );
  }

  /** Copies rows, byte for byte, each below itself. */
  duplicate(lines: readonly number[]): LineEdit[] {
    return lines.flatMap(line => this.#insertText(line, [this.text(line)]));
  }

  remove(lines: readonly number[]): LineEdit[] {
    return runsOf(lines).map(([first, last]) => {
      if (last + 1 < this.lineCount) return edit(first, 0, last + 1, 0, '');
      // The file's last line takes the break before it along.
      const before = first === 0 ? ([0, 0] as const) : ([first - 1, this.text(first - 1).length] as const);
      return edit(before[0], before[1], last, this.text(last).length, '');
    });
  }

  /** Moves rows one place up or down, past the row beside them; nothing where there is none. */
  move(lines: readonly number[], step: -1 | 1): LineEdit[] {
    return runsOf(lines).flatMap(([first, last]) => {
      let beside = step < 0 ? first - 1 : last + 1;
      while (this.isBlank(beside)) beside += step;
      if (beside < 0 || beside >= this.lineCount) return [];
      const [from, to] = step < 0 ? [beside, last] : [first, beside];
      const all = this.#lines.slice(from, to + 1);
      const text = (step < 0 ? [...all.slice(first - from), ...all.slice(0, first - from)] : [all.pop(), ...all]).join(
        '\n',
      );
      return [edit(from, 0, to, this.text(to).length, text)];
    });
  }

  /**
   * Puts a block of cells from a spreadsheet in. Under a header of known fields they are new rows below `lines[0]`; else they
   * fill the cells from there on, `lines` being the rows that are shown from there down, and what is left becomes new rows.
   */
  paste(lines: readonly number[], fields: readonly string[], field: string, text: string): LineEdit[] {
    const cells = parseTsv(text);
    const header = cells[0] ?? [];
    const end = this.#lastRow();
    if (cells.length > 1 && header.length > 0 && header.every(name => fields.includes(name))) {
      return this.insert(lines[0] ?? end, this.#rows(cells.slice(1), header));
    }
    const names = fields.slice(Math.max(0, fields.indexOf(field)));
    const edits: LineEdit[] = [];
    const fresh: string[][] = [];
    for (const [i, row] of cells.entries()) {
      const line = lines[i];
      if (line === undefined) fresh.push(row);
      else if (this.parsed(line).values) edits.push(...this.#fill(line, names, row));
    }
    return [...edits, ...(fresh.length > 0 ? this.insert(end, this.#rows(fresh, names)) : [])];
  }

  #fill(line: number, names: readonly string[], row: readonly string[]): LineEdit[] {
    const values = this.parsed(line).values!;
    let text = this.text(line);
    for (const [i, typed] of row.entries()) {
      const name = names[i];
      if (name !== undefined) text = setJsonField(text, name, this.#valueOf(typed, values[name], name));
    }
    return this.#replace(line, text);
  }

  #rows(cells: readonly string[][], names: readonly string[]): Record<string, unknown>[] {
    return cells.map(row => {
      const pairs = row.flatMap((typed, i) => {
        const name = names[i];
        const value = name === undefined ? undefined : this.#valueOf(typed, undefined, name);
        return value === undefined ? [] : [[name!, value] as const];
      });
      return Object.fromEntries(pairs);
    });
  }

  /** What was typed, in the type that the cell had, or, where it was empty, that its field has in the first row which has one. */
  #valueOf(typed: string, before: unknown, field: string): unknown {
    const sample = before === '' ? this.#sample(field) : (before ?? this.#sample(field));
    if (typed === '') return typeof before === 'string' ? '' : undefined;
    if (sample === undefined || sample === null || typeof sample === 'string') return typed;
    try {
      return JSON.parse(typed);
    } catch {
      return typed;
    }
  }

  #sample(field: string): unknown {
    for (let line = 0; line < Math.min(this.lineCount, 100); line++) {
      const value = this.parsed(line).values?.[field];
      if (value !== undefined && value !== null && value !== '') return value;
    }
    return undefined;
  }

  #insertText(after: number, rows: readonly string[]): LineEdit[] {
    const text = rows.join('\n');
    if (after < 0) return [edit(0, 0, 0, 0, `${text}\n`)];
    const end = this.text(after).length;
    return [edit(after, end, after, end, `\n${text}`)];
  }

  #replace(line: number, text: string): LineEdit[] {
    return text === this.text(line) ? [] : [edit(line, 0, line, this.text(line).length, text)];
  }

  #lastRow(): number {
    let line = this.lineCount - 1;
    while (this.isBlank(line)) line--;
    return line;
  }
}

function parseLine(raw: string, first: boolean): ParsedLine {
  const text = first ? raw.replace(/^\uFEFF/, '') : raw;
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      return { values: value as Record<string, unknown> };
    }
    return { problem: l10n.t('This row is not a JSON object. Write it as {"name": "value"}.') };
  } catch {
    return { problem: l10n.t('This line is not valid JSON. Each line must hold one whole JSON object.') };
  }
}

const edit = (
  startLine: number,
  startCharacter: number,
  endLine: number,
  endCharacter: number,
  text: string,
): LineEdit => ({ startLine, startCharacter, endLine, endCharacter, text });

/** Lines that follow each other, as first and last, in order. */
function runsOf(lines: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const line of [...new Set(lines)].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && last[1] + 1 === line) last[1] = line;
    else runs.push([line, line]);
  }
  return runs;
}

/** `splice` that takes any number of items. */
function splice<T>(array: T[], start: number, end: number, items: readonly T[]): void {
  if (end - start === items.length) for (const [i, item] of items.entries()) array[start + i] = item;
  else if (items.length < 10_000) array.splice(start, end - start, ...items);
  else {
    const rest = array.slice(end);
    array.length = start;
    for (const item of items) array.push(item);
    for (const item of rest) array.push(item);
  }
}
