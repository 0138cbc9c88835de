/** What the table of an example bank shows: an order over the file's rows, a window of it, and where each edit leads. */
import { l10n } from '../../base/l10n.ts';
import { type BankTable, cellText, type LineEdit, type TableView, wholeView } from './bankTable.ts';
import { toTsv } from './tsv.ts';

/** More columns than this no screen shows; the other fields stay in the file. */
const ShownFields = 40;
/** Code units of a cell that a row brings along; the whole comes when it is edited. */
const CellLength = 400;

export interface ShownRow {
  readonly line: number;
  readonly cells: (string | null)[];
  readonly raw: string | null;
  readonly marks: { kind: 'error' | 'warning' | 'leak'; message: string }[];
}

export type TableEdit =
  | { readonly kind: 'cell'; readonly line: number; readonly field: string; readonly text: string }
  | { readonly kind: 'line'; readonly line: number; readonly text: string }
  | { readonly kind: 'add'; readonly after: number | null }
  | { readonly kind: 'duplicate'; readonly lines: readonly number[] }
  | { readonly kind: 'remove'; readonly lines: readonly number[] }
  | { readonly kind: 'move'; readonly lines: readonly number[]; readonly step: -1 | 1 }
  | { readonly kind: 'paste'; readonly at: number; readonly field: string; readonly text: string };

/** Rows that say which fields a new row has. */
const LookedAt = 1000;
/** Fields that a new row begins with, at most. */
const MostFields = 8;

export class BankView {
  readonly table: BankTable;
  /** Goes up whenever rows or their order change. */
  version = 1;
  view: TableView = wholeView;
  /** Fields that a row must have, by the template that draws from the bank. */
  needed: readonly string[] = [];
  /** Why a row must not be a shot, by the row's text: it stays true when lines move. */
  leaks: ReadonlyMap<string, string> = new Map();
  readonly #fields = new Set<string>();
  #order: number[] | undefined;
  #scanned = 0;

  constructor(table: BankTable, fields: readonly string[] = []) {
    this.table = table;
    for (const field of fields) this.#fields.add(field);
  }

  /** Reads the next lines; false when all are read. Large files are read in turns, so that nothing waits for them. */
  scan(lines: number): boolean {
    if (this.#scanned >= this.table.lineCount) return false;
    this.table.collectFields(this.#fields, this.#scanned, this.#scanned + lines);
    this.#scanned += lines;
    return true;
  }

  addField(name: string): void {
    this.#fields.add(name);
    this.version++;
  }

  get fields(): string[] {
    return [...this.#fields].slice(0, ShownFields);
  }

  get hiddenFields(): number {
    return Math.max(0, this.#fields.size - ShownFields);
  }

  get order(): readonly number[] {
    this.#order ??= this.table.order(this.view);
    return this.#order;
  }

  /** Rows of the file, shown or not. */
  get total(): number {
    return this.#count(line => !this.table.isBlank(line), this.table.lineCount);
  }

  /** Lines that cannot be read, of those read so far. */
  get bad(): number {
    return this.#count(line => this.table.parsed(line).problem !== undefined, this.#scanned);
  }

  get leaking(): number {
    return this.leaks.size === 0 ? 0 : this.#count(line => this.leaks.has(this.table.text(line)), this.table.lineCount);
  }

  show(view: TableView): void {
    this.view = view;
    this.#order = undefined;
    this.version++;
  }

  /** The document changed. A row that is edited stays where it is shown; the order is made anew when rows come or go. */
  follow(changes: readonly LineEdit[]): void {
    const before = this.table.lineCount;
    this.table.apply(changes);
    for (const { startLine, text } of changes) {
      this.table.collectFields(this.#fields, startLine, startLine + text.split('\n').length);
    }
    if (this.table.lineCount !== before || this.#isWhole()) this.#order = undefined;
    this.version++;
  }

  rows(from: number, count: number): ShownRow[] {
    const fields = this.fields;
    return this.order.slice(from, from + count).map(line => this.#row(line, fields));
  }

  /** A cell in full; of a line that cannot be read, its text. */
  cell(line: number, field: string): string {
    const { values } = this.table.parsed(line);
    if (!values) return this.table.text(line);
    const value = values[field];
    return value === undefined ? '' : cellText(value);
  }

  /** A row's texts together, to count their tokens. */
  rowText(line: number): string {
    const { values } = this.table.parsed(line);
    return values ? Object.values(values).map(cellText).join('\n') : this.table.text(line);
  }

  /** Rows with a header of their fields. */
  copied(lines: readonly number[]): string {
    const fields = this.fields;
    return toTsv([fields, ...lines.map(line => fields.map(field => this.cell(line, field)))]);
  }

  /** Changes of the file for an edit; none where it changes nothing. */
  edits(edit: TableEdit): LineEdit[] {
    const { table } = this;
    switch (edit.kind) {
      case 'cell':
        return table.setCell(edit.line, edit.field, edit.text);
      case 'line':
        return table.setLine(edit.line, edit.text);
      case 'add':
        return table.insert(edit.after ?? this.#last(), [this.#emptyRow()]);
      case 'duplicate':
        return table.duplicate(edit.lines);
      case 'remove':
        return table.remove(edit.lines);
      case 'move':
        return table.move(edit.lines, edit.step);
      case 'paste':
        return table.paste(this.order.slice(edit.at), this.fields, edit.field, edit.text);
    }
  }

  /** Where the row to choose stands after an edit that was made from `at`. */
  after(edit: TableEdit, at: number): number {
    const last = Math.max(0, this.order.length - 1);
    switch (edit.kind) {
      case 'add':
        return edit.after === null ? last : Math.min(last, at + 1);
      case 'duplicate':
        return Math.min(last, at + 1);
      case 'move':
        return Math.max(0, Math.min(last, at + edit.step));
      default:
        return Math.min(last, at);
    }
  }

  #row(line: number, fields: readonly string[]): ShownRow {
    const { values, problem } = this.table.parsed(line);
    const text = this.table.text(line);
    const marks: ShownRow['marks'] = [];
    if (problem !== undefined) marks.push({ kind: 'error', message: problem });
    const missing = values ? this.needed.filter(name => values[name] === undefined) : [];
    if (missing.length > 0) {
      marks.push({ kind: 'warning', message: l10n.t('The template needs “{0}”.', missing.join('”, “')) });
    }
    const leak = this.leaks.get(text);
    if (leak !== undefined) marks.push({ kind: 'leak', message: leak });
    return {
      line,
      cells: values ? fields.map(field => (values[field] === undefined ? null : short(cellText(values[field])))) : [],
      raw: values ? null : short(text),
      marks,
    };
  }

  /** With the fields that every row has: what some rows go without is optional, and comes when it is typed. */
  #emptyRow(): Record<string, unknown> {
    const names = this.needed.length > 0 ? this.needed : this.fields;
    let always: readonly string[] = names;
    for (let line = 0; line < Math.min(this.table.lineCount, LookedAt); line++) {
      const { values } = this.table.parsed(line);
      if (values) always = always.filter(name => values[name] !== undefined);
    }
    const chosen = always.length > 0 ? always : names.length > 0 ? names.slice(0, 1) : ['input', 'answer'];
    return Object.fromEntries(chosen.slice(0, MostFields).map(name => [name, '']));
  }

  #count(counts: (line: number) => boolean, to: number): number {
    let count = 0;
    for (let line = 0; line < Math.min(to, this.table.lineCount); line++) if (counts(line)) count++;
    return count;
  }

  #last(): number {
    let line = this.table.lineCount - 1;
    while (this.table.isBlank(line)) line--;
    return line;
  }

  #isWhole(): boolean {
    const { filter, sort, badOnly } = this.view;
    return filter.trim() === '' && sort === null && !badOnly;
  }
}

const short = (text: string): string => (text.length > CellLength ? `${text.slice(0, CellLength)}…` : text);
