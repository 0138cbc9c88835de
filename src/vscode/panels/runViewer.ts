/** Shows a past run, or the answers that differ between two, in the matrix, in place of those of now. */
import type * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.ts';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { readRows } from '../../core/datasets/rows.ts';
import { parseTemplate } from '../../core/prompts/promptyFile.ts';
import { diffOutputs, type OutputCell, type OutputPair, pairColumns } from '../../core/runs/outputDiff.ts';
import type { RunColumnRecord, RunSpecification } from '../../core/runs/runRecord.ts';
import type { Cell, CellKey, Column, RowInput } from '../../protocol/playgroundCells.ts';
import type { Viewing } from '../../protocol/playgroundRuns.ts';
import { hashOf, readInput } from '../../storage/runInputs.ts';
import type { WorkspaceLayout } from '../../storage/workspaceLayout.ts';
import { type BoardPage, CellBoard, type CellTexts, type TextSource } from './cellBoard.ts';
import { columnScores } from './columnScores.ts';
import { asText, type LoadedTemplate, rowExpected, rowValues } from './loadedTemplate.ts';
import { type KeptDetail, OpenRun } from './openRun.ts';
import { keyOf } from './playgroundRun.ts';

/** One run with its cells, without their texts. */
interface Side {
  readonly run: OpenRun;
  readonly cells: Map<string, Cell & { readonly digest: string }>;
  readonly columns: readonly RunColumnRecord[];
  readonly past: LoadedTemplate | undefined;
}

/** Where runs are looked for, and for whom they are shown. */
export interface ViewPlace {
  readonly layout: WorkspaceLayout;
  /** Of the template. */
  readonly uri: vscode.Uri;
  /** BCP 47; of dates. */
  readonly language: string;
}

/** What is shown, until it is closed. */
export class RunViewer implements Disposable {
  readonly viewing: Viewing;
  readonly board: CellBoard;
  readonly #columns: Column[];
  readonly #past: LoadedTemplate | undefined;
  readonly #sides: readonly Side[];
  readonly #places: ReadonlyMap<string, { readonly run: OpenRun; readonly key: string }>;

  private constructor(options: {
    readonly page: BoardPage;
    readonly viewing: Viewing;
    readonly columns: readonly Omit<Column, 'score' | 'failed' | 'paired'>[];
    readonly sides: readonly Side[];
    readonly past: LoadedTemplate | undefined;
    /** What is shown in the place of which cell of which run. */
    readonly shown: readonly { readonly cell: Cell; readonly run: OpenRun; readonly key: string }[];
    readonly scored: boolean;
  }) {
    const { page, viewing, columns, sides, past, shown, scored } = options;
    this.viewing = viewing;
    this.#sides = sides;
    this.#past = past;
    this.#places = new Map(shown.map(({ cell, run, key }) => [keyOf(cell), { run, key }]));
    this.board = new CellBoard(page, () => {});
    this.board.putKept(
      shown.map(({ cell }) => cell),
      new PlacedTexts(this.#places),
    );
    const scores = columnScores(scored ? this.board.all() : [], columns);
    this.#columns = columns.map(column => ({ ...column, ...scores.get(column.id)! }));
  }

  static async ofRun(place: ViewPlace, id: string, page: BoardPage): Promise<RunViewer> {
    const side = await readSide(place, id);
    const cells = [...side.cells.values()];
    return new RunViewer({
      page,
      viewing: { kind: 'run', runs: [id], title: timeOf(side, place), detail: noteOf(side) },
      columns: side.columns.map(shownColumn),
      sides: [side],
      past: side.past,
      shown: cells.map(({ digest: _, ...cell }) => ({ cell, run: side.run, key: keyOf(cell) })),
      scored: true,
    });
  }

  /** Only the cells whose answer changed, the earlier beside the later one. */
  static async ofDiff(
    place: ViewPlace,
    ids: { readonly before: string; readonly after: string },
    page: BoardPage,
  ): Promise<RunViewer> {
    const before = await readSide(place, ids.before);
    const after = await readSide(place, ids.after);
    const sameRows = hashOfRows(before) === hashOfRows(after);
    const side = ({ columns, cells, past }: Side) => ({
      columns: columns.map(({ id }) => id),
      cells: [...cells.values()].map(outputCell),
      ...(sameRows || !past ? {} : { rows: rowTexts(past) }),
    });
    const { changed, paired, gained, lost } = diffOutputs(side(before), side(after));
    const pairs = pairColumns(
      before.columns.map(({ id }) => id),
      after.columns.map(({ id }) => id),
    );
    // Runs of the same minute are told apart by their seconds.
    const exact = timeOf(before, place) === timeOf(after, place);
    const nameOf = (run: Side): string => timeOf(run, place, exact ? 'medium' : 'short');
    return new RunViewer({
      page,
      viewing: {
        kind: 'diff',
        runs: [ids.before, ids.after],
        title: `${nameOf(before)} ↔ ${nameOf(after)}`,
        detail: diffWords(changed.length, paired, gained, lost),
      },
      columns: diffColumns(before, after, pairs, changed, nameOf),
      sides: [before, after],
      past: after.past,
      shown: changed.flatMap(pair => shownPair(before, after, pair)),
      scored: false,
    });
  }

  get columns(): Column[] {
    return this.#columns;
  }

  /** The row's inputs as the run had them, in the order of the template's inputs of now. */
  input(row: number, now: LoadedTemplate): RowInput {
    const past = this.#past;
    if (!past) return { row, values: now.template.inputs.map(() => ''), expected: null };
    const values = rowValues(past, row);
    const expected = rowExpected(past, row);
    return {
      row,
      values: now.template.inputs.map(input => asText(values[input.name])),
      expected: expected === undefined ? null : asText(expected),
    };
  }

  async kept(key: CellKey): Promise<KeptDetail> {
    const place = this.#places.get(keyOf(key));
    return place ? place.run.detail(place.key) : { prompt: [], tokens: null, turns: [] };
  }

  dispose(): void {
    this.board.dispose();
    for (const { run } of this.#sides) void run.close();
  }
}

/** Texts of cells that stand in other places than where they were made. */
class PlacedTexts implements TextSource {
  readonly #places: ReadonlyMap<string, { readonly run: OpenRun; readonly key: string }>;
  constructor(places: ReadonlyMap<string, { readonly run: OpenRun; readonly key: string }>) {
    this.#places = places;
  }

  async texts(keys: readonly string[]): Promise<ReadonlyMap<string, CellTexts>> {
    const texts = new Map<string, CellTexts>();
    const wanted = new Map<OpenRun, { shown: string; key: string }[]>();
    for (const shown of keys) {
      const place = this.#places.get(shown);
      if (!place) continue;
      const list = wanted.get(place.run);
      if (list) list.push({ shown, key: place.key });
      else wanted.set(place.run, [{ shown, key: place.key }]);
    }
    for (const [run, list] of wanted) {
      const found = await run.texts(list.map(({ key }) => key));
      for (const { shown, key } of list) {
        const text = found.get(key);
        if (text) texts.set(shown, text);
      }
    }
    return texts;
  }
}

async function readSide({ layout, uri }: ViewPlace, id: string): Promise<Side> {
  if (!/^[\p{L}\p{N}._-]+$/u.test(id) || id.startsWith('.')) {
    throw new HumanError(l10n.t('“{0}” is no name of a run.', id));
  }
  const cells: Side['cells'] = new Map();
  const run = await OpenRun.read(layout, id, cell => {
    const { status, text, error } = cell;
    // The text itself stays on the disk.
    const light = { ...cell, text: '', answer: null, votes: [], stages: [] };
    cells.set(keyOf(cell), { ...light, digest: hashOf(`${status}|${text}|${error ?? ''}`).slice(0, 16) });
  });
  const { specification } = run;
  const columns = specification?.columns ?? columnsOfOld(cells.values());
  return { run, cells, columns, past: specification && (await pastInputs(layout, specification, uri)) };
}

/** The template's inputs and rows as they were; undefined where its rows were not kept. */
async function pastInputs(
  layout: WorkspaceLayout,
  { template, data }: RunSpecification,
  uri: vscode.Uri,
): Promise<LoadedTemplate | undefined> {
  const parsed = parseTemplate(template.text, template.file);
  const loaded = { uri, template: parsed, diagnostics: [], waiting: [] };
  if (!data) return loaded;
  const text = await readInput(layout, data.hash, data.file);
  return text === undefined ? undefined : { ...loaded, rows: readRows(text, data.file) };
}

const hashOfRows = ({ run }: Side): string => run.specification?.data?.hash ?? '';

const rowTexts = ({ rows }: LoadedTemplate): string[] | undefined => rows?.map(({ values }) => JSON.stringify(values));

const outputCell = ({ column, row, repeat, digest, right }: Cell & { digest: string }): OutputCell => ({
  column,
  row,
  repeat,
  digest,
  right,
});

/** Runs of the first format say nothing of their columns but the names. */
function columnsOfOld(cells: Iterable<Cell>): RunColumnRecord[] {
  const ids = new Set<string>();
  for (const { column } of cells) ids.add(column);
  return [...ids].map((id, variant) => {
    const at = id.lastIndexOf('#');
    const model = at === -1 ? id : id.slice(0, at);
    const label = id.slice(at + 1);
    return { id, model, modelLabel: model, variant, label, detail: '', controlled: true, strategy: '', sampling: {} };
  });
}

type Place = Omit<Column, 'score' | 'failed' | 'paired'>;

const shownColumn = ({ id, model, modelLabel, variant, label, detail, controlled }: RunColumnRecord): Place => ({
  id,
  model,
  modelLabel,
  variant,
  key: id.slice(model.length + 1),
  orderOf: id.slice(model.length + 1),
  baseline: variant === 0,
  label,
  detail,
  controlled,
});

/** Two columns for each that has something to show. */
function diffColumns(
  before: Side,
  after: Side,
  pairs: ReadonlyMap<string, string>,
  changed: readonly OutputPair[],
  timeOf: (side: Side) => string,
): Place[] {
  const used = new Set(changed.map(pair => pair.after.column));
  return after.columns
    .filter(({ id }) => used.has(id))
    .flatMap((column, index) => {
      const earlier = before.columns.find(({ id }) => id === pairs.get(column.id)) ?? column;
      const name = ({ modelLabel, label }: RunColumnRecord): string => `${modelLabel}, ${label}`;
      // One model for all, so that no tabs part what belongs together.
      const place = { model: '', modelLabel: '', key: '', orderOf: '', baseline: false, controlled: true };
      return [
        {
          ...place,
          id: `before ${column.id}`,
          variant: 2 * index,
          label: timeOf(before),
          detail: name(earlier),
        },
        {
          ...place,
          id: `after ${column.id}`,
          variant: 2 * index + 1,
          label: timeOf(after),
          detail: name(column),
        },
      ];
    });
}

function shownPair(
  before: Side,
  after: Side,
  pair: OutputPair,
): { readonly cell: Cell; readonly run: OpenRun; readonly key: string }[] {
  const { column, row, repeat } = pair.after;
  return [
    { side: before, name: 'before', key: keyOf(pair.before) },
    { side: after, name: 'after', key: keyOf(pair.after) },
  ].flatMap(({ side, name, key }) => {
    const found = side.cells.get(key);
    if (!found) return [];
    const { digest: _, ...cell } = found;
    return [{ cell: { ...cell, column: `${name} ${column}`, row, repeat }, run: side.run, key }];
  });
}

const timeOf = ({ run }: Side, { language }: ViewPlace, timeStyle: 'short' | 'medium' = 'short'): string =>
  new Date(run.createdAt).toLocaleString(language, { dateStyle: 'short', timeStyle });

const noteOf = ({ run }: Side): string => run.note ?? '';

function diffWords(changed: number, paired: number, gained: number, lost: number): string {
  const words = [
    changed === 0
      ? l10n.t('none of {0} answers changed', paired)
      : l10n.t('{0} of {1} answers changed', changed, paired),
  ];
  if (gained > 0) words.push(l10n.t('{0} became right', gained));
  if (lost > 0) words.push(l10n.t('{0} became wrong', lost));
  return words.join(', ');
}
