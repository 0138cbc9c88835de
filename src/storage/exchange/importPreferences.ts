/** Takes preference data of other programs into the journal, row by row. */
import { createHash } from 'node:crypto';
import { basename, extname } from 'node:path';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { importedModel, isObject, type Loss, type ReadRow } from '../../core/preferences/exchange/exchange.ts';
import type { ExchangeFormatName } from '../../core/preferences/exchange/formatNames.ts';
import { detectFormat, ExchangeFormats } from '../../core/preferences/exchange/formats.ts';
import { joinUnpaired } from '../../core/preferences/exchange/pairFormats.ts';
import type { NewItem, NewJudgement, PreferenceJournal } from '../preferenceJournal.ts';
import type { FileProblem } from '../recordLog.ts';
import { readRows } from './readRows.ts';

export interface ImportOptions {
  /** Found out from the first row when left out. */
  readonly format?: ExchangeFormatName | undefined;
  /** Name of the set; the file's name when left out. */
  readonly set?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((rows: number) => void) | undefined;
}

export interface ImportReport {
  readonly format: ExchangeFormatName;
  readonly set: string;
  readonly rows: number;
  /** Rows that became judgements, and those that said again what was known. */
  readonly judgements: number;
  readonly known: number;
  /** Rows whose answers have the same text, so that there is nothing to compare. */
  readonly identical: number;
  /** What the journal has no place for, and in how many rows. */
  readonly lost: Readonly<Partial<Record<Loss, number>>>;
  /** Rows that could not be read; the first of them by line. */
  readonly wrong: number;
  readonly problems: readonly FileProblem[];
}

const batchRows = 256;
const shownProblems = 20;
/** Rows of KTO that may make one item. */
const mostAnswers = 64;

/** A row that cannot be read is a problem with its line, and the rest is imported. The same file imported again changes nothing. */
export async function importPreferences(
  journal: PreferenceJournal,
  path: string,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const set = options.set ?? basename(path, extname(path));
  const run = new Import(journal, path, set);
  let format = options.format ?? (/\.(csv|parquet)$/i.test(path) ? undefined : options.format);
  for await (const { line, value, wrong } of readRows(path)) {
    options.signal?.throwIfAborted();
    run.rows++;
    if (wrong !== undefined || !isObject(value)) {
      run.refuse(line, wrong ?? l10n.t('This row is not a JSON object. Write it as {"name": "value"}.'));
      continue;
    }
    format ??= formatOf(path, value);
    if (!format)
      throw new HumanError(l10n.t('This is no format of preferences that Tunesmith knows. Name one with --format.'), {
        place: { file: path, line },
      });
    const row = ExchangeFormats[format].read(value);
    if ('wrong' in row) run.refuse(line, row.wrong);
    else if (format === 'kto') await run.unpaired(row);
    else await run.take(row);
    if (run.rows % 1000 === 0) options.onProgress?.(run.rows);
  }
  await run.end();
  if (!format && run.wrong === 0)
    throw new HumanError(l10n.t('There are no rows in this file.'), { place: { file: path } });
  return { format: format ?? 'trl', set, ...run.report() };
}

function formatOf(path: string, row: Readonly<Record<string, unknown>>): ExchangeFormatName | undefined {
  const found = detectFormat(row);
  if (found !== 'trl') return found;
  return /\.csv$/i.test(path) ? 'csv' : /\.parquet$/i.test(path) ? 'parquet' : 'trl';
}

class Import {
  rows = 0;
  wrong = 0;
  readonly #journal: PreferenceJournal;
  readonly #path: string;
  readonly #set: string;
  readonly #problems: FileProblem[] = [];
  readonly #lost = new Map<Loss, number>();
  #judgements = 0;
  #known = 0;
  #identical = 0;
  #batch: ReadRow[] = [];
  #open: ReadRow[] = [];
  #openPrompt = '';

  constructor(journal: PreferenceJournal, path: string, set: string) {
    this.#journal = journal;
    this.#path = path;
    this.#set = set;
  }

  report() {
    return {
      rows: this.rows,
      judgements: this.#judgements,
      known: this.#known,
      identical: this.#identical,
      lost: Object.fromEntries(this.#lost),
      wrong: this.wrong,
      problems: this.#problems,
    };
  }

  refuse(line: number, message: string): void {
    this.wrong++;
    if (this.#problems.length < shownProblems) this.#problems.push({ file: this.#path, line, message });
  }

  async take(row: ReadRow): Promise<void> {
    for (const loss of row.lost ?? []) this.#lost.set(loss, (this.#lost.get(loss) ?? 0) + 1);
    if (new Set(row.answers.map(({ text }) => text)).size < 2) {
      this.#identical++;
      return;
    }
    if (this.#batch.push(row) === batchRows) await this.#flush();
  }

  async unpaired(row: ReadRow): Promise<void> {
    const prompt = JSON.stringify(row.messages);
    if (prompt !== this.#openPrompt || this.#open.length === mostAnswers) await this.#closeOpen();
    this.#openPrompt = prompt;
    this.#open.push(row);
  }

  async end(): Promise<void> {
    await this.#closeOpen();
    await this.#flush();
  }

  async #closeOpen(): Promise<void> {
    const open = this.#open;
    this.#open = [];
    if (open.length === 1) this.#lost.set('lone answers', (this.#lost.get('lone answers') ?? 0) + 1);
    else if (open.length > 1) await this.take(joinUnpaired(open));
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    if (batch.length === 0) return;
    const items = await this.#journal.addItems(
      batch.map(
        (row): NewItem => ({
          set: this.#set,
          messages: [...row.messages],
          answers: row.answers.map(({ text, model, source }) => ({
            text,
            model: model ?? importedModel,
            ...(source === undefined ? {} : { source }),
          })),
        }),
      ),
    );
    const judgements: NewJudgement[] = [];
    const ids = new Set<string>();
    for (const [i, row] of batch.entries()) {
      const judgement = this.#judgement(row, items[i]!);
      if (ids.has(judgement.id) || this.#journal.state.hasJudgement(judgement.id)) this.#known++;
      else judgements.push(judgement);
      ids.add(judgement.id);
    }
    await this.#journal.addJudgements(judgements);
    this.#judgements += judgements.length;
  }

  #judgement(
    row: ReadRow,
    item: { readonly id: string; readonly answers: readonly { readonly id: string; readonly text: string }[] },
  ): NewJudgement & { readonly id: string } {
    const byText = new Map(item.answers.map(({ id, text }) => [text, id]));
    const idOf = (number: number): string => byText.get(row.answers[number]!.text)!;
    const unique = (ids: readonly string[]): string[] => [...new Set(ids)];
    const judgement: NewJudgement = {
      item: item.id,
      ranking: row.ranking.map(group => unique(group.map(idOf))),
      shown: row.shown ? unique(row.shown.map(idOf)) : row.kind === 'accept-reject' ? [...byText.values()] : [],
      verdict: row.verdict ?? 'ranked',
      flags: [...(row.flags ?? [])],
      milliseconds: row.milliseconds ?? 0,
      author: row.annotator ?? basename(this.#path),
      ...(row.kind === undefined ? {} : { kind: row.kind }),
      ...(row.kind === 'accept-reject' ? { accepted: acceptedOf(row).map(idOf) } : {}),
      ...(row.judge === undefined ? {} : { judge: row.judge }),
      ...(row.note === undefined ? {} : { note: row.note }),
    };
    // Named by what it says, so that the same row imported again is the same record.
    const id = `m${createHash('sha256').update(JSON.stringify(judgement)).digest('hex').slice(0, 20)}`;
    return { ...judgement, id };
  }
}

const acceptedOf = (row: ReadRow): readonly number[] => (row.verdict === 'ranked' ? (row.ranking[0] ?? []) : []);
