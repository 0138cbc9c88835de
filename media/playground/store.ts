/** What the playground's page knows: the host's state, kept up to date by its messages, and what only the page decides. */
import { l10n } from '../../src/base/l10n.ts';
import type { Replacement, TextChange } from '../../src/base/textChange.ts';
import { DocumentSync } from '../../src/protocol/documentSync.ts';
import {
  type Cell,
  type Column,
  type PlaygroundState,
  type Preview,
  playgroundContract,
  type Rows,
  type RunState,
  type Setup,
} from '../../src/protocol/playground.ts';
import type { Remote } from '../../src/protocol/rpc.ts';
import { connect, savedState } from '../common/vscodeApi.ts';

export type Topic = 'template' | 'preview' | 'models' | 'setup' | 'columns' | 'cells' | 'run' | 'document' | 'page';

/** What survives a reload of the window, with the host's own share (`uri`, `setup`). */
interface Saved {
  readonly folded?: readonly string[];
  readonly tab?: string;
  readonly pane?: 'prompt' | 'answers';
  readonly [key: string]: unknown;
}

export const cellKey = (cell: { column: string; row: number; repeat: number }): string =>
  `${cell.column}|${cell.row}|${cell.repeat}`;

export class Store extends EventTarget {
  readonly host: Remote<typeof playgroundContract.toHost>;
  state: PlaygroundState | undefined;
  preview: Preview | undefined;
  sync: DocumentSync | undefined;
  bodyStart = 0;
  readonly cells = new Map<string, Cell>();
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
        if (clear) {
          for (const cell of this.cells.values()) this.#touch(cell.row);
          this.cells.clear();
        }
        for (const cell of cells) this.#setCell(cell);
        for (const { text, latencyMs, tokens, ...key } of append) {
          const cell = this.cells.get(cellKey(key));
          if (cell) this.#setCell({ ...cell, text: cell.text + text, latencyMs, tokens, status: 'running' });
        }
        this.changed('cells');
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
    this.cells.clear();
    for (const cell of state.cells) this.#setCell(cell);
    if (state.document) this.#open(state.document);
    this.#save();
    for (const topic of ['template', 'preview', 'setup', 'columns', 'cells', 'run', 'document', 'page'] as const)
      this.changed(topic);
  }

  get setup(): Setup {
    return this.state?.setup ?? { models: [], variants: [{ kind: 'current' }], samples: 1, row: 0 };
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

  /** Rows of the matrix: those with answers, and the chosen one. */
  get rows(): number[] {
    const rows = new Set<number>([...this.cells.values()].map(cell => cell.row));
    const total = this.state?.template?.rows.values.length ?? 0;
    if (this.setup.row < total) rows.add(this.setup.row);
    return [...rows].sort((a, b) => a - b);
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

  run(rows: Rows): void {
    this.pane = 'answers';
    this.changed('page');
    void this.ask(this.host.run(rows));
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
