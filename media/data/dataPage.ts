/** What the page of the data view knows: the host's state, the rows that were fetched, the chosen item; and each thing that it can do. */
import { errorMessage } from '../../src/base/errors.ts';
import {
  type DataDetail,
  type DataFilter,
  type DataRow,
  type DataSort,
  type DataState,
  type Fix,
  preferenceDataContract,
} from '../../src/protocol/preferenceData.ts';
import type {
  ExportChoice,
  PreferenceResult,
  ShownFigures,
  ShownFinding,
  ShownPlan,
  ShownReport,
} from '../../src/protocol/preferenceFigures.ts';
import type { Remote } from '../../src/protocol/rpc.ts';
import { RowPages } from '../common/rowPages.ts';
import { connect, savedState } from '../common/vscodeApi.ts';
import { Question } from './question.ts';

export const noFilter: DataFilter = {
  text: '',
  sets: [],
  models: [],
  splits: [],
  annotators: [],
  who: 'all',
  flags: [],
  kinds: [],
  outcomes: [],
  guidelines: [],
  from: null,
  to: null,
  disagreement: false,
  repeats: false,
  items: null,
};

export const Tabs = ['items', 'charts', 'findings', 'export'] as const;
export type Tab = (typeof Tabs)[number];

/** Items whose prompts are asked for at once. */
const mostPrompts = 500;

interface Saved {
  readonly tab?: Tab;
  readonly filter: DataFilter;
  readonly sort: DataSort;
  readonly item: string | null;
}

export class DataPage extends EventTarget {
  readonly host: Remote<typeof preferenceDataContract.toHost>;
  state: DataState | undefined;
  /** Place of the chosen row; −1 for none. */
  row = -1;
  /** The chosen item in full, as far as it has come. */
  detail: DataDetail | undefined;
  /** A sentence about something that did not work, until the next try. */
  problem: string | undefined;
  /** What is being asked for: the host's own words come a moment later. */
  filter: DataFilter = noFilter;
  tab: Tab = 'items';
  readonly figures = new Question<ShownFigures>(() => this.#changed());
  readonly report = new Question<ShownReport>(() => this.#named());
  readonly plan = new Question<ShownPlan>(() => this.#changed());
  readonly exported = new Question<PreferenceResult<'export'> | null>(() => this.#changed());
  choice: ExportChoice = { format: 'trl', set: null, judges: 'exclude', splits: '', redact: false };
  /** Of prompt and answer together, for findings. */
  maxTokens: number | null = null;
  /** Of items that findings are about, as far as they have come. */
  readonly prompts = new Map<string, string>();
  #exports = 0;
  #item: string | undefined;
  readonly #rows = new RowPages<DataRow>(
    async (from, count) => {
      const { version, rows } = await this.host.rows({ from, count });
      return version === this.state?.version ? rows : undefined;
    },
    () => this.#changed(),
  );

  constructor() {
    super();
    this.host = connect(preferenceDataContract, { state: state => this.#take(state) }).remote;
  }

  async start(): Promise<void> {
    const saved = savedState.get() as Partial<Saved> | undefined;
    this.filter = saved?.filter ?? noFilter;
    this.tab = Tabs.find(tab => tab === saved?.tab) ?? 'items';
    await this.#try(async () => {
      const state = await this.host.open({ filter: saved?.filter ?? null, sort: saved?.sort ?? null });
      this.filter = state.filter;
      this.#take(state);
    });
    if (saved?.item != null) await this.#read(saved.item);
  }

  open(tab: Tab): void {
    this.tab = tab;
    // Splits that one works with are those that one exports by.
    if (tab === 'export' && this.choice.splits === '')
      this.choice = { ...this.choice, splits: this.state?.splits ?? '' };
    this.#save();
    this.#askForTab();
    this.#changed();
  }

  /** What the open tab shows and is not known, or no longer holds. */
  #askForTab(): void {
    const { state } = this;
    if (!state || state.facets.items === 0) return;
    if (this.tab === 'charts' && state.share === 1)
      void this.figures.ask(`${state.version}`, () => this.host.figures({}));
    if (this.tab === 'findings') {
      const { maxTokens } = this;
      void this.report.ask(`${this.#data} ${state.splits} ${maxTokens}`, () => this.host.check({ maxTokens }));
    }
    if (this.tab === 'export') {
      const { choice } = this;
      void this.plan.ask(`${this.#data} ${JSON.stringify(choice)}`, () => this.host.plan(choice));
    }
  }

  /** Changes whenever the journal does. */
  get #data(): string {
    const { items, judgements, pairs, last } = this.state!.facets;
    return [items, judgements, pairs, last, this.state!.undo].join(' ');
  }

  checkAgain(): void {
    this.report.forget();
    this.#askForTab();
  }

  limitTokens(maxTokens: number | null): void {
    this.maxTokens = maxTokens;
    this.#askForTab();
  }

  chooseExport(change: Partial<ExportChoice>): void {
    this.choice = { ...this.choice, ...change };
    this.exported.value = undefined;
    this.#askForTab();
    this.#changed();
  }

  exportNow(allowLeaks: boolean): Promise<void> {
    return this.exported.ask(`${++this.#exports}`, () => this.host.export({ choice: this.choice, allowLeaks }));
  }

  /** The items of a finding, in the table. */
  showItems(items: readonly string[]): void {
    this.tab = 'items';
    void this.show({ ...noFilter, items });
  }

  async fix(findings: readonly ShownFinding[], how: Fix): Promise<void> {
    await this.#try(async () => this.#take(await this.host.fix({ findings: [...findings], how })));
  }

  async judge(item: string): Promise<void> {
    await this.#try(async () => void (await this.host.judge({ item })));
  }

  /** Asks for the prompts of what was found. */
  #named(): void {
    const findings = this.report.value?.findings ?? [];
    const unknown = [...new Set(findings.flatMap(({ items }) => items))].filter(id => !this.prompts.has(id));
    for (const id of unknown) this.prompts.set(id, id);
    for (let i = 0; i < unknown.length; i += mostPrompts)
      void this.host.prompts({ items: unknown.slice(i, i + mostPrompts) }).then(
        found => {
          for (const [id, prompt] of Object.entries(found)) this.prompts.set(id, prompt);
          this.#changed();
        },
        () => {},
      );
    this.#changed();
  }

  get sort(): DataSort {
    return this.state?.sort ?? { by: 'time', descending: true };
  }

  get shown(): number {
    return this.state?.found.items ?? 0;
  }

  get isFiltered(): boolean {
    return JSON.stringify(this.filter) !== JSON.stringify(noFilter);
  }

  /** A row of the table, if it has come; else it is asked for. */
  rowAt(index: number): DataRow | undefined {
    return this.#rows.at(index);
  }

  /** Asks for rows that will be shown soon. */
  ahead(index: number): void {
    if (index >= 0 && index < this.shown) this.rowAt(index);
  }

  choose(row: number): void {
    if (this.shown === 0) return;
    this.row = Math.max(0, Math.min(this.shown - 1, row));
    this.#changed();
    const { row: chosen } = this;
    void this.#rows.soon(chosen).then(found => {
      if (found && found.id !== '' && this.row === chosen) void this.#read(found.id);
    });
  }

  close(): void {
    this.row = -1;
    this.#item = undefined;
    this.detail = undefined;
    this.#save();
    this.#changed();
  }

  async show(filter: Partial<DataFilter>, sort: Partial<DataSort> = {}): Promise<void> {
    this.filter = { ...this.filter, ...filter };
    const asked = this.filter;
    this.row = -1;
    this.#changed();
    await this.#try(async () => {
      const state = await this.host.show({ filter: asked, sort: { ...this.sort, ...sort } });
      if (this.filter === asked) this.#take(state);
    });
    this.#save();
  }

  async setSplits(splits: string): Promise<void> {
    await this.#try(async () => this.#take(await this.host.setSplits({ splits })));
  }

  async deleteJudgement(item: string, judgement: string): Promise<void> {
    await this.#try(async () => this.#take(await this.host.deleteJudgement({ item, judgement })));
  }

  async undo(): Promise<void> {
    await this.#try(async () => this.#take(await this.host.undo({})));
  }

  async copy(item: string): Promise<void> {
    await this.#try(async () => void (await this.host.copy({ item })));
  }

  async #read(item: string): Promise<void> {
    this.#item = item;
    await this.#try(async () => {
      const detail = await this.host.detail({ item });
      if (this.#item !== item) return;
      this.detail = detail ?? undefined;
      if (!detail) this.#item = undefined;
    });
    this.#save();
    this.#changed();
  }

  #take(state: DataState): void {
    const before = this.state;
    if (before && state.version < before.version) return;
    const isNew = state.version !== before?.version;
    this.state = state;
    if (isNew) {
      const same = JSON.stringify([before?.filter, before?.sort]) === JSON.stringify([state.filter, state.sort]);
      this.#rows.clear(same);
      // The journal changed: so may the item that is shown.
      if (before && same && this.#item !== undefined) void this.#read(this.#item);
    } else this.#rows.grow(state.found.items);
    if (this.row >= state.found.items && state.share === 1) this.row = -1;
    this.#askForTab();
    this.#changed();
  }

  #save(): void {
    savedState.set({ tab: this.tab, filter: this.filter, sort: this.sort, item: this.#item ?? null } satisfies Saved);
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.problem = undefined;
    try {
      await work();
    } catch (error) {
      this.problem = errorMessage(error);
      this.#changed();
    }
  }

  #changed(): void {
    this.dispatchEvent(new Event('changed'));
  }
}
