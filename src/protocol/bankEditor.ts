/** The contract of the example bank's table: the host holds the file and its order, the page shows a window of rows. */
import * as v from 'valibot';
import type { Contract } from './rpc.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const none = v.object({});

/** What is shown: it changes the order on the screen and never the file. */
export const BankViewSchema = v.object({
  filter: v.string(),
  sort: v.nullable(v.object({ field: v.string(), descending: v.boolean() })),
  badOnly: v.boolean(),
});
export type BankView = v.InferOutput<typeof BankViewSchema>;

export const BankStateSchema = v.object({
  /** Goes up with every change of the file or the view; rows and edits belong to one version. */
  version: count,
  file: v.string(),
  /** Rows of the file, and of those the shown ones. */
  total: count,
  shown: count,
  fields: v.array(v.string()),
  /** More fields than a table can show. */
  hiddenFields: count,
  bad: count,
  leaks: count,
  view: BankViewSchema,
  /** The template whose inputs the rows are for; null where none is known. */
  template: v.nullable(v.string()),
  /** The model that counts tokens; null where none can. */
  tokensBy: v.nullable(v.string()),
});
export type BankState = v.InferOutput<typeof BankStateSchema>;

export const BankRowSchema = v.object({
  /** 0-based line in the file. */
  line: count,
  /** By field, cut where they are long; null where the row has no such field. */
  cells: v.array(v.nullable(v.string())),
  /** The text of a line that cannot be read. */
  raw: v.nullable(v.string()),
  marks: v.array(v.object({ kind: v.picklist(['error', 'warning', 'leak']), message: v.string() })),
});
export type BankRow = v.InferOutput<typeof BankRowSchema>;

const lines = v.array(count);
export const BankEditSchema = v.variant('kind', [
  v.object({ kind: v.literal('cell'), line: count, field: v.string(), text: v.string() }),
  v.object({ kind: v.literal('line'), line: count, text: v.string() }),
  /** Below a line, or at the end. */
  v.object({ kind: v.literal('add'), after: v.nullable(count) }),
  v.object({ kind: v.literal('duplicate'), lines }),
  v.object({ kind: v.literal('remove'), lines }),
  v.object({ kind: v.literal('move'), lines, step: v.picklist([-1, 1]) }),
  /** Cells of a spreadsheet, from a place in the view on. */
  v.object({ kind: v.literal('paste'), at: count, field: v.string(), text: v.string() }),
]);
export type BankEdit = v.InferOutput<typeof BankEditSchema>;

export const bankContract = {
  toHost: {
    ready: { params: none, result: BankStateSchema },
    view: { params: BankViewSchema, result: BankStateSchema },
    /** Rows of the view from a place on; of the version that the reply names. */
    rows: {
      params: v.object({ from: count, count: v.pipe(count, v.maxValue(500)) }),
      result: v.object({ version: count, rows: v.array(BankRowSchema) }),
    },
    /** A cell as a whole. */
    cell: { params: v.object({ line: count, field: v.string() }), result: v.string() },
    /** Tokens of rows, by line; −1 where they cannot be counted. */
    tokens: { params: v.object({ lines: v.pipe(lines, v.maxLength(500)) }), result: v.array(v.number()) },
    /** The state after it, and where the row to choose then stands; null when the file had changed, and nothing was done. */
    edit: {
      params: v.object({ version: count, edit: BankEditSchema }),
      result: v.nullable(v.object({ state: BankStateSchema, at: count })),
    },
    /** Asks for the name of a new field. */
    addField: { params: none, result: v.nullable(v.string()) },
    /** Rows on the clipboard, as a spreadsheet takes them. */
    copy: { params: v.object({ lines }), result: v.null() },
    /** The file as text, at a line. */
    openText: { params: v.object({ line: v.nullable(count) }), result: v.null() },
  },
  toWebview: {
    changed: { params: BankStateSchema },
  },
} as const satisfies Contract;
