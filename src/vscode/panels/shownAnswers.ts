/** The answers that the page shows: those of now, or a past run, or what differs between two. */
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import type { PlaygroundState, playgroundContract } from '../../protocol/playground.ts';
import type { Board, Cell, Column, Filter, RowInput } from '../../protocol/playgroundCells.ts';
import type { Remote } from '../../protocol/rpc.ts';
import { type BoardPage, CellBoard } from './cellBoard.ts';
import { type LoadedTemplate, rowCount, rowInput } from './loadedTemplate.ts';
import type { KeptDetail } from './openRun.ts';
import type { CellKey } from './playgroundRun.ts';
import type { RunViewer } from './runViewer.ts';

interface ShownTools {
  readonly page: Remote<typeof playgroundContract.toWebview>;
  /** Those of now, with their scores. */
  columns(): Column[];
  loaded(): LoadedTemplate;
  /** What is kept with an answer of now. */
  kept(key: CellKey): Promise<KeptDetail>;
}

export class ShownAnswers implements Disposable {
  readonly #tools: ShownTools;
  readonly #store = new DisposableStore();
  /** The answers of now. */
  readonly now: CellBoard;
  #viewer: RunViewer | undefined;
  /** Rows that the page knows of. */
  #told: readonly number[] | undefined;

  constructor(tools: ShownTools) {
    this.#tools = tools;
    this.now = this.#store.add(
      new CellBoard(this.#pageFor(undefined), () => {
        if (!this.#viewer) tools.page.columns(tools.columns());
      }),
    );
  }

  /** The answers that are shown. */
  get board(): CellBoard {
    return this.#viewer?.board ?? this.now;
  }

  /** The board as the page takes it over when it begins. */
  state(): Board {
    const board = this.board.board();
    this.#told = board.rows;
    return board;
  }

  get columns(): Column[] {
    return this.#viewer?.columns ?? this.#tools.columns();
  }

  get viewing(): PlaygroundState['viewing'] {
    return this.#viewer?.viewing ?? null;
  }

  /** The rows that the page shows from now on. */
  async window(rows: readonly number[]): Promise<{ cells: Cell[]; inputs: RowInput[] }> {
    const viewer = this.#viewer;
    const cells = await this.board.window(rows);
    const total = rowCount(this.#tools.loaded());
    return {
      cells,
      inputs: viewer
        ? rows.map(row => viewer.input(row, this.#tools.loaded()))
        : rows.filter(row => row < total).map(row => rowInput(this.#tools.loaded(), row)),
    };
  }

  filter(filter: Filter): void {
    this.board.filter(filter);
  }

  /** Shows a past run, or what differs between two, in place of the answers of now. */
  async view(open: (page: BoardPage) => Promise<RunViewer>): Promise<void> {
    const boxed: { viewer?: RunViewer } = {};
    const viewer = await open(this.#pageFor(boxed));
    boxed.viewer = viewer;
    this.#viewer?.dispose();
    this.#viewer = viewer;
    this.#showBoard();
  }

  isShowing(run: string): boolean {
    return this.#viewer?.viewing.runs.includes(run) ?? false;
  }

  close(): void {
    if (!this.#viewer) return;
    this.#viewer.dispose();
    this.#viewer = undefined;
    this.#showBoard();
  }

  /** What is kept with a cell that is shown. */
  async kept(key: CellKey): Promise<KeptDetail> {
    return this.#viewer ? this.#viewer.kept(key) : this.#tools.kept(key);
  }

  sendColumns(): void {
    this.#tools.page.columns(this.columns);
  }

  dispose(): void {
    this.#viewer?.dispose();
    this.#store.dispose();
  }

  /** The page, for a board: it hears nothing while another is shown. */
  #pageFor(boxed: { viewer?: RunViewer } | undefined): BoardPage {
    const isShown = (): boolean =>
      boxed ? boxed.viewer !== undefined && boxed.viewer === this.#viewer : !this.#viewer;
    return {
      cells: message => {
        if (isShown()) this.#tools.page.cells(message);
      },
      board: board => {
        if (isShown()) this.#sendBoard(board);
      },
    };
  }

  #sendBoard(board: Board): void {
    const told = this.#told;
    const same = told?.length === board.rows.length && board.rows.every((row, i) => row === told[i]);
    this.#told = board.rows;
    this.#tools.page.board({ ...board, rows: same ? null : board.rows });
  }

  #showBoard(): void {
    this.#tools.page.viewing(this.viewing);
    this.sendColumns();
    this.#sendBoard(this.board.board());
    this.board.restart();
  }
}
