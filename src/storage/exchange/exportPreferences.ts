/**
 * Writes the standing judgements of a journal in another program's format, split by prompt, with a datasheet beside it. Those that
 * are the gold of a job stay: whoever gets the file trains on it.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { annotatorOf } from '../../core/preferences/annotators.ts';
import { datasheet } from '../../core/preferences/exchange/datasheet.ts';
import type { Judged, Loss } from '../../core/preferences/exchange/exchange.ts';
import type { ExchangeFormatName } from '../../core/preferences/exchange/formatNames.ts';
import { ExchangeFormats } from '../../core/preferences/exchange/formats.ts';
import { flatColumns } from '../../core/preferences/exchange/pairFormats.ts';
import { Hygiene, type HygieneReport } from '../../core/preferences/hygiene.ts';
import type { JournalState } from '../../core/preferences/journalState.ts';
import { isNamed, type JudgeFilter, learnable, peopleOnly } from '../../core/preferences/judgeChoice.ts';
import type { ItemRecord } from '../../core/preferences/judgement.ts';
import { judgeReports } from '../../core/preferences/judgeReport.ts';
import { cautionText, judgeVerdict } from '../../core/preferences/judgeReportText.ts';
import { redact } from '../../core/preferences/sensitive.ts';
import { type Split, splitOf } from '../../core/preferences/splits.ts';
import { type Disk, nodeDisk, replaceFile } from '../fileSystem.ts';
import { createRowWriter, type RowWriter } from './writeRows.ts';

export interface ExportOptions {
  readonly format: ExchangeFormatName;
  readonly set?: string | undefined;
  /** Whose judgements; those of people when left out. */
  readonly filter?: JudgeFilter | undefined;
  readonly splits?: readonly Split[] | undefined;
  /** Keys, tokens and personal data give way to their kind. */
  readonly redact?: boolean | undefined;
  readonly disk?: Disk | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ExportedFile {
  readonly path: string;
  readonly split: string | undefined;
  readonly rows: number;
  readonly sha256: string;
}

export interface ExportReport {
  readonly files: readonly ExportedFile[];
  readonly datasheet: string;
  readonly judgements: number;
  /** What the format cannot hold, and of how many judgements. */
  readonly lost: Readonly<Partial<Record<Loss, number>>>;
}

export interface ExportPlan {
  readonly judgements: number;
  /** By split; under an empty name where there are none. */
  readonly rows: Readonly<Record<string, number>>;
  readonly lost: Readonly<Partial<Record<Loss, number>>>;
}

/** Looks over what an export would hold. */
export function checkPreferences(
  state: JournalState,
  options: Pick<ExportOptions, 'set' | 'splits' | 'filter' | 'redact'> & {
    readonly maxTokens?: number | undefined;
    readonly threshold?: number | undefined;
  } = {},
): HygieneReport {
  const get = (id: string): ItemRecord | undefined => {
    const item = state.itemById.get(id);
    return item && options.redact ? redactedItem(item) : item;
  };
  const hygiene = new Hygiene({ ...options, itemById: { get } });
  for (const item of state.eachItem(options.set)) {
    if (item.gold === undefined) hygiene.addItem(options.redact ? redactedItem(item) : item);
  }
  for (const judged of judgedIn(state, options)) hygiene.addJudgement(judged);
  return hygiene.finish();
}

/** Streams: no more than one row group is in memory. Every file is whole under its name, or none is there. */
export async function exportPreferences(
  state: JournalState,
  path: string,
  options: ExportOptions,
): Promise<ExportReport> {
  const { format, splits, disk = nodeDisk } = options;
  const kind = format === 'csv' || format === 'parquet' ? format : 'jsonl';
  const targets = new Map<string, { readonly path: string; readonly writer: RowWriter; rows: number }>();
  for (const name of splits?.map(split => split.name) ?? ['']) {
    const target = name === '' ? path : withSuffix(path, name);
    targets.set(name, { path: target, writer: await createRowWriter(target, kind, flatColumns, disk), rows: 0 });
  }
  const lost = new Map<Loss, number>();
  const annotators = new Map<string, number>();
  let judgements = 0;
  try {
    for (const judged of judgedIn(state, options)) {
      options.signal?.throwIfAborted();
      judgements++;
      const who = annotatorOf(judged.judgement);
      annotators.set(who, (annotators.get(who) ?? 0) + 1);
      const { rows, lost: losses } = ExchangeFormats[format].write(judged);
      for (const loss of new Set(losses)) lost.set(loss, (lost.get(loss) ?? 0) + 1);
      const target = targets.get(splits ? splitOf(judged.item.messages, splits).name : '')!;
      for (const row of rows) await target.writer.write(row);
      target.rows += rows.length;
    }
    for (const { writer } of targets.values()) await writer.finish();
  } catch (error) {
    for (const { writer } of targets.values()) await writer.abandon();
    throw error;
  }
  const files: ExportedFile[] = [];
  for (const [split, target] of targets)
    files.push({ path: target.path, split: split || undefined, rows: target.rows, sha256: await hashOf(target.path) });
  const sheet = withSuffix(path, 'datasheet').replace(/\.[^.]+$/, '.md');
  const text = datasheet({
    format,
    set: options.set,
    files: files.map(file => ({ ...file, name: basename(file.path) })),
    judgements,
    annotators,
    judges: worthOfJudges(state, options),
    lost,
    redacted: options.redact === true,
    check: checkPreferences(state, options),
  });
  await replaceFile(sheet, text, disk);
  return { files, datasheet: sheet, judgements, lost: Object.fromEntries(lost) };
}

/** What an export would write, and what the format cannot hold, without writing anything. */
export function planExport(state: JournalState, options: ExportOptions): ExportPlan {
  const { format, splits } = options;
  const rows = new Map<string, number>((splits ?? []).map(({ name }) => [name, 0]));
  const lost = new Map<Loss, number>();
  let judgements = 0;
  for (const judged of judgedIn(state, options)) {
    judgements++;
    const written = ExchangeFormats[format].write(judged);
    for (const loss of new Set(written.lost)) lost.set(loss, (lost.get(loss) ?? 0) + 1);
    const split = splits ? splitOf(judged.item.messages, splits).name : '';
    rows.set(split, (rows.get(split) ?? 0) + written.rows.length);
  }
  return { judgements, rows: Object.fromEntries(rows), lost: Object.fromEntries(lost) };
}

function worthOfJudges(state: JournalState, { set, filter = peopleOnly }: ExportOptions): [string, string][] {
  if (filter.judges === 'exclude') return [];
  return judgeReports(state, { set, only: judge => isNamed(filter, judge) }).map(report => {
    const cautions = report.cautions.map(caution => cautionText(caution, report));
    return [report.judge, [judgeVerdict(report), ...cautions].join(' ')];
  });
}

function* judgedIn(
  state: JournalState,
  { set, filter = peopleOnly, redact: redacts }: Pick<ExportOptions, 'set' | 'filter' | 'redact'>,
): Generator<Judged> {
  for (const { judgement, item } of learnable(state, filter)) {
    if (set !== undefined && item.set !== set) continue;
    if (!redacts) yield { item, judgement };
    else {
      const { note } = judgement;
      const said = note === undefined ? judgement : { ...judgement, note: redact(note) };
      yield { item: redactedItem(item), judgement: said };
    }
  }
}

const redactedItem = (item: ItemRecord): ItemRecord => ({
  ...item,
  messages: item.messages.map(({ role, content }) => ({ role, content: redact(content) })),
  answers: item.answers.map(answer => ({ ...answer, text: redact(answer.text) })),
});

const withSuffix = (path: string, suffix: string): string =>
  join(dirname(path), `${basename(path, extname(path))}-${suffix}${extname(path)}`);

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}
