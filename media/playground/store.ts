/** What the playground's page knows: the host's state, kept up to date by its messages, and what only the page decides. */
import { l10n } from '../../src/base/l10n.ts';
import type { Replacement, TextChange } from '../../src/base/textChange.ts';
import { DocumentSync } from '../../src/protocol/documentSync.ts';
import {
  type Board,
  type Cell,
  type CellKey,
  type Column,
  type Detail,
  type Filter,
  type Marks,
  type PlaygroundState,
  type Preview,
  playgroundContract,
  type RowInput,
  type Rows,
  type RunState,
  type Setup,
} from '../../src/protocol/playground.ts';
import type { Remote } from '../../src/protocol/rpc.ts';
import { connect, savedState } from '../common/vscodeApi.ts';

export type Topic =
  | 'template'
  | 'preview'
  | 'models'
  | 'setup'
  | 'columns'
  | 'cells'
  | 'run'
  | 'document'
  | 'page'
  | 'detail';

/** What survives a reload of the window, with the host's own share (`uri`, `setup`). */
interface Saved {
  readonly folded?: readonly string[];
  readonly tab?: string;
  readonly pane?: 'prompt' | 'answers';
  readonly [key: string]: unknown;
}

export const cellKey = (cell: { column: string; row: number; repeat: number }): string =>
  `${cell.column}|${cell.row}|${cell.repeat}`;

/** Only what names the cell: messages take no more. */
const keyOf = ({ column, row, repeat }: CellKey): CellKey => ({ column, row, repeat });

export class Store extends EventTarget {
  readonly host: Remote<typeof playgroundContract.toHost>;
  state: PlaygroundState | undefined;
  preview: Preview | undefined;
  sync: DocumentSync | undefined;
  bodyStart = 0;
  /** Of the rows in view, and no others. */
  readonly cells = new Map<string, Cell>();
  readonly inputs = new Map<number, RowInput>();
  /** Up to two answers that a diff will show. */
  marked: CellKey[] = [];
  /** The cell that is opened beside the matrix, and what the host told of it. */
  opened: { readonly key: CellKey; detail: Detail | undefined } | undefined;
  #window: readonly number[] = [];
  #asking = false;
  #asked: string | undefined;
  /** Goes up when a cell of the row changes. */
  readonly rowVersions = new Map<number, number>();
  folded = new Set<string>();
  /** Model whose columns are shown, where models and variants both are more than one. */
  tab: string | undefined;
  pane: 'prompt' | 'answers' = 'prompt';
  /** A sentence about something that did not work, until the next try. */
  problem: string | undefined;

  constructor() {
    super();
    const channel = connect(playgroundContract, {
      restart: () => void this.ask(this.start()),
      document: document => {
        this.#open(document);
        this.changed('document');
      },
      changed: ({ version, change, bodyStart, own }) => {
        this.bodyStart = bodyStart;
        this.sync?.remote(version, change as TextChange, own);
      },
      template: template => this.#patch({ template }, 'template'),
      preview: preview => {
        this.preview = preview;
        this.changed('preview');
      },
      models: models => this.#patch({ models }, 'models'),
      setup: setup => {
        this.#patch({ setup }, 'setup');
        this.#save();
      },
      columns: columns => this.#patch({ columns }, 'columns'),
      cells: ({ cells, append, clear }) => {
        if (clear) this.#forget();
        for (const cell of cells) this.#setCell(cell);
        for (const { text, latencyMs, tokens, ...key } of append) {
          const cell = this.cells.get(cellKey(key));
          if (cell) this.#setCell({ ...cell, text: cell.text + text, latencyMs, tokens, status: 'running' });
        }
        this.changed('cells');
      },
      board: board => this.#patch({ board }, 'cells'),
      detail: ({ cell, detail }) => {
        if (!this.opened || cellKey(this.opened.key) !== cellKey(cell)) return;
        this.opened.detail = detail;
        this.changed('detail');
      },
      run: run => {
        const begins = run.running && !this.run$.running;
        this.#patch({ run }, 'run');
        // Where only one pane fits, the answers are what someone who runs wants to see.
        if (begins) this.showPane('answers');
      },
      trust: trusted => this.#patch({ trusted }, 'page'),
      command: command => {
        if (command === 'run') this.run({ kind: 'row', row: this.setup.row });
        else void this.ask(this.host.stop({}));
      },
    });
    this.host = channel.remote;
    const saved = (savedState.get() ?? {}) as Saved;
    this.folded = new Set(saved.folded ?? []);
    this.tab = saved.tab;
    this.pane = saved.pane ?? 'prompt';
  }

  async start(): Promise<void> {
    const state = await this.host.ready({});
    this.state = state;
    this.preview = state.preview ?? undefined;
    if (state.run.total > 0 && (savedState.get() as Saved | undefined)?.pane === undefined) this.pane = 'answers';
    this.#forget();
    if (state.document) this.#open(state.document);
    this.#save();
    for (const topic of ['template', 'preview', 'setup', 'columns', 'cells', 'run', 'document', 'page'] as const)
      this.changed(topic);
  }

  get setup(): Setup {
    return (
      this.state?.setup ?? { models: [], variants: [{ kind: 'current' }], samples: 1, row: 0, probabilities: false }
    );
  }

  get run$(): RunState {
    return this.state?.run ?? { running: false, done: 0, total: 0, failed: 0, secondsLeft: null };
  }

  /** The columns that are shown: all, or those of the chosen tab. */
  get columns(): readonly Column[] {
    const columns = this.state?.columns ?? [];
    if (!this.tabs) return columns;
    return columns.filter(column => column.model === this.activeTab);
  }

  /** Models as tabs, where both models and variants are compared. */
  get tabs(): readonly { id: string; label: string }[] | undefined {
    const columns = this.state?.columns ?? [];
    const models = new Map(columns.map(column => [column.model, column.modelLabel]));
    const variants = new Set(columns.map(column => column.variant));
    if (models.size < 2 || variants.size < 2) return undefined;
    return [...models].map(([id, label]) => ({ id, label }));
  }

  get activeTab(): string | undefined {
    const tabs = this.tabs;
    return tabs?.find(tab => tab.id === this.tab)?.id ?? tabs?.[0]?.id;
  }

  get board(): Board {
    return this.state?.board ?? { filter: 'all', rows: [], cells: 0, rankable: 0 };
  }

  /** Rows of the matrix: those with answers that pass the filter. */
  get rows(): readonly number[] {
    return this.board.rows;
  }

  /** The matrix shows these rows now. One question at a time is under way, and the last one counts. */
  show(rows: readonly number[]): void {
    this.#window = rows;
    if (!this.#asking) void this.#askWindow();
  }

  async #askWindow(): Promise<void> {
    this.#asking = true;
    try {
      for (;;) {
        const rows = this.#window;
        const name = rows.join();
        if (name === this.#asked) return;
        this.#asked = name;
        const answer = await this.host.window({ rows: [...rows] });
        const shown = new Set(rows);
        for (const [key, cell] of this.cells) if (!shown.has(cell.row)) this.cells.delete(key);
        for (const row of this.rowVersions.keys()) if (!shown.has(row)) this.rowVersions.delete(row);
        for (const row of this.inputs.keys()) if (!shown.has(row)) this.inputs.delete(row);
        for (const input of answer.inputs) this.inputs.set(input.row, input);
        for (const cell of answer.cells) this.#setCell(cell);
        for (const row of rows) if (!this.rowVersions.has(row)) this.#touch(row);
        this.changed('cells');
      }
    } catch (error) {
      this.#asked = undefined;
      this.#problem(error instanceof Error ? error.message : String(error));
    } finally {
      this.#asking = false;
    }
  }

  filter(filter: Filter): void {
    void this.ask(this.host.filter({ filter }));
  }

  mark(cell: Cell, patch: Partial<Marks>): void {
    const marks = { ...(cell.marks ?? { starred: false, pinned: false, note: '' }), ...patch };
    void this.ask(this.host.mark({ cell: keyOf(cell), marks }));
  }

  /** Marks a cell for the diff, or takes the mark away; of three the first goes. */
  toggleMarked(cell: CellKey): void {
    const key = cellKey(cell);
    const without = this.marked.filter(other => cellKey(other) !== key);
    this.marked = without.length < this.marked.length ? without : [...this.marked, keyOf(cell)].slice(-2);
    for (const { row } of [cell, ...this.marked, ...without]) this.#touch(row);
    this.changed('cells');
  }

  isMarked(cell: CellKey): boolean {
    return this.marked.some(other => cellKey(other) === cellKey(cell));
  }

  /** Of two marked answers; of one marked and this one; of this one and the same row's in the first column. */
  diff(cell: CellKey | undefined): void {
    const others = this.marked.filter(other => !cell || cellKey(other) !== cellKey(cell));
    const first = this.columns[0];
    const pair =
      this.marked.length === 2
        ? this.marked
        : cell && others.length > 0
          ? [others[0]!, cell]
          : cell && first && first.id !== cell.column
            ? [{ ...cell, column: first.id }, cell]
            : undefined;
    if (!pair) {
      this.#problem(l10n.t('Mark two answers with Space, then press d.'));
      return;
    }
    void this.ask(this.host.diff({ left: keyOf(pair[0]!), right: keyOf(pair[1]!) }));
  }

  async open(key: CellKey): Promise<void> {
    this.opened = { key: keyOf(key), detail: undefined };
    this.changed('detail');
    const detail = await this.ask(this.host.detail(keyOf(key)));
    if (!detail || !this.opened || cellKey(this.opened.key) !== cellKey(key)) return;
    this.opened.detail ??= detail;
    this.changed('detail');
  }

  close(): void {
    this.opened = undefined;
    this.changed('detail');
  }

  #forget(): void {
    for (const row of this.rowVersions.keys()) this.#touch(row);
    this.cells.clear();
    this.#asked = undefined;
    if (this.#window.length > 0 && !this.#asking) void this.#askWindow();
  }

  samples(column: string, row: number): Cell[] {
    const found: Cell[] = [];
    for (let repeat = 0; ; repeat++) {
      const cell = this.cells.get(cellKey({ column, row, repeat }));
      if (!cell) return found;
      found.push(cell);
    }
  }

  updateSetup(patch: Partial<Setup>): void {
    const setup = { ...this.setup, ...patch };
    this.#patch({ setup }, 'setup');
    this.#save();
    void this.ask(this.host.setup(setup));
  }

  set(path: readonly string[], value: string | number | string[] | null): void {
    void this.ask(this.host.set({ path: [...path], value }));
  }

  /** `fresh` asks the models anew, where else earlier answers to the same prompt are shown. */
  run(rows: Rows, { fresh = false } = {}): void {
    this.pane = 'answers';
    this.changed('page');
    void this.ask(fresh ? this.host.runFresh(rows) : this.host.run(rows));
  }

  /** The user typed in the prompt; offsets are those of the body. */
  typed(change: TextChange): void {
    const at = this.bodyStart;
    this.sync?.local(at === 0 || change.length === 0 ? change : shifted(change, at));
  }

  fold(section: string, folded: boolean): void {
    if (folded) this.folded.add(section);
    else this.folded.delete(section);
    this.#save();
    this.changed('page');
  }

  showTab(id: string): void {
    this.tab = id;
    this.#save();
    this.changed('columns');
  }

  showPane(pane: 'prompt' | 'answers'): void {
    this.pane = pane;
    this.#save();
    this.changed('page');
  }

  /** Waits for the host; what it refuses is shown as a line of the page. */
  async ask<T>(reply: Promise<T>): Promise<T | undefined> {
    try {
      const result = await reply;
      this.#problem(undefined);
      return result;
    } catch (error) {
      this.#problem(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  on(topics: readonly Topic[], listener: () => void): () => void {
    for (const topic of topics) this.addEventListener(topic, listener);
    return () => {
      for (const topic of topics) this.removeEventListener(topic, listener);
    };
  }

  changed(topic: Topic): void {
    this.dispatchEvent(new Event(topic));
  }

  #problem(problem: string | undefined): void {
    if (this.problem === problem) return;
    this.problem = problem;
    this.changed('page');
  }

  #open(document: { version: number; text: string; bodyStart: number }): void {
    this.bodyStart = document.bodyStart;
    this.sync = new DocumentSync(document, {
      send: (version, change) => this.host.edit({ version, change: [...change] }),
      apply: replacements => this.#applied(replacements),
      refused: error =>
        this.#problem(error instanceof Error ? error.message : l10n.t('The file takes no changes. Is it read-only?')),
    });
  }

  #applied(replacements: readonly Replacement[]): void {
    this.dispatchEvent(new CustomEvent('remote-edit', { detail: replacements }));
  }

  #patch(patch: Partial<PlaygroundState>, topic: Topic): void {
    if (!this.state) return;
    this.state = { ...this.state, ...patch };
    this.changed(topic);
  }

  #setCell(cell: Cell): void {
    this.cells.set(cellKey(cell), cell);
    this.#touch(cell.row);
  }

  #touch(row: number): void {
    this.rowVersions.set(row, (this.rowVersions.get(row) ?? 0) + 1);
  }

  #save(): void {
    const saved: Saved = {
      ...((savedState.get() as Saved | undefined) ?? {}),
      folded: [...this.folded],
      tab: this.tab,
      pane: this.pane,
      setup: this.setup,
      uri: this.state?.uri ?? null,
    };
    savedState.set(saved);
  }
}

/** The same change, further on in a longer text. */
function shifted(change: TextChange, by: number): TextChange {
  const [first, ...rest] = change;
  return typeof first === 'number' && first > 0 ? [first + by, ...rest] : [by, ...change];
}
