/** What the bank's page knows: the host's state, the rows that were fetched, the chosen place; and each thing that it can do. */
import { l10n } from '../../src/base/l10n.ts';
import {
  type BankEdit,
  type BankRow,
  type BankState,
  type BankView,
  bankContract,
} from '../../src/protocol/bankEditor.ts';
import type { Remote } from '../../src/protocol/rpc.ts';
import { RowPages } from '../common/rowPages.ts';
import { connect } from '../common/vscodeApi.ts';

export class BankPage extends EventTarget {
  readonly host: Remote<typeof bankContract.toHost>;
  state: BankState | undefined;
  /** Chosen place: a row of the view and a field. */
  row = 0;
  column = 0;
  /** Other end of the chosen rows. */
  anchor = 0;
  /** A sentence about something that did not work, until the next try. */
  problem: string | undefined;
  readonly tokens = new Map<number, number>();
  readonly #rows = new RowPages<BankRow>(
    async (from, count) => {
      const { version, rows } = await this.host.rows({ from, count });
      // Rows of another version belong to a state that is on its way.
      return version === this.state?.version ? rows : undefined;
    },
    () => this.#changed(),
  );
  #edits: Promise<unknown> = Promise.resolve();

  constructor() {
    super();
    this.host = connect(bankContract, { changed: state => this.#take(state) }).remote;
  }

  async start(): Promise<void> {
    await this.#try(async () => this.#take(await this.host.ready({})));
  }

  get view(): BankView {
    return this.state?.view ?? { filter: '', sort: null, badOnly: false };
  }

  /** The file's own order is shown, whole: rows can be moved. */
  get inFileOrder(): boolean {
    const { filter, sort, badOnly } = this.view;
    return filter.trim() === '' && sort === null && !badOnly;
  }

  get chosen(): { readonly from: number; readonly to: number } {
    return { from: Math.min(this.row, this.anchor), to: Math.max(this.row, this.anchor) };
  }

  /** A row of the view, if it has come; else it is asked for. */
  rowAt(index: number): BankRow | undefined {
    return this.#rows.at(index);
  }

  /** The same, waited for. */
  rowSoon(index: number): Promise<BankRow | undefined> {
    return this.#rows.soon(index);
  }

  /** Asks for rows that will be shown soon. */
  ahead(index: number): void {
    if (index >= 0 && index < (this.state?.shown ?? 0)) this.rowAt(index);
  }

  choose(row: number, column = this.column, extend = false): void {
    const last = Math.max(0, (this.state?.shown ?? 1) - 1);
    this.row = Math.max(0, Math.min(last, row));
    this.column = Math.max(0, Math.min((this.state?.fields.length ?? 1) - 1, column));
    if (!extend) this.anchor = this.row;
    this.#changed();
  }

  async show(view: Partial<BankView>): Promise<void> {
    await this.#try(async () => this.#take(await this.host.view({ ...this.view, ...view })));
    this.choose(0);
  }

  /** Edits go one after the other, each on the version that the one before made. */
  edit(edit: BankEdit): Promise<void> {
    const done = this.#edits.then(() => this.#try(() => this.#edit(edit)));
    this.#edits = done;
    return done;
  }

  /** When every edit so far has been made. */
  async settled(): Promise<void> {
    await this.#edits;
  }

  async #edit(edit: BankEdit): Promise<void> {
    const result = await this.host.edit({ version: this.state!.version, edit });
    if (result) {
      // Texts change nothing about where rows stand, and the next cell may be chosen already.
      const inPlace = edit.kind === 'cell' || edit.kind === 'line';
      this.#take(result.state, inPlace);
      // A new row is filled from its first field on.
      if (!inPlace) this.choose(result.at, edit.kind === 'add' ? 0 : this.column);
      return;
    }
    this.#take(await this.host.ready({}));
    throw new Error(l10n.t('The file has changed meanwhile, and this edit was not made. Try again.'));
  }

  /** Lines of the chosen rows in the file. */
  async lines(): Promise<number[]> {
    const { from, to } = this.chosen;
    const lines: number[] = [];
    for (let row = from; row <= Math.min(to, (this.state?.shown ?? 0) - 1); row++) {
      const line = (await this.rowSoon(row))?.line;
      if (line !== undefined) lines.push(line);
    }
    return lines;
  }

  async addField(): Promise<void> {
    const name = await this.host.addField({}).catch(() => null);
    if (name !== null) this.choose(this.row, this.state!.fields.indexOf(name));
  }

  /** Counts the tokens of rows that stand still on the screen. */
  async count(rows: readonly BankRow[]): Promise<void> {
    const missing = rows.filter(({ line }) => !this.tokens.has(line)).map(({ line }) => line);
    if (missing.length === 0 || this.state?.tokensBy == null) return;
    const { version } = this.state;
    const counts = await this.host.tokens({ lines: missing }).catch(() => []);
    if (this.state.version !== version) return;
    for (const [i, count] of counts.entries()) this.tokens.set(missing[i]!, count);
    this.#changed();
  }

  /** `inPlace`: rows stand where they stood, so that those at hand can be shown until they come anew. */
  #take(state: BankState, inPlace = false): void {
    if (state.version !== this.state?.version) {
      this.#rows.clear(inPlace);
      this.tokens.clear();
    }
    this.state = state;
    this.row = Math.min(this.row, Math.max(0, state.shown - 1));
    this.anchor = Math.min(this.anchor, Math.max(0, state.shown - 1));
    this.#changed();
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.problem = undefined;
    try {
      await work();
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
      this.#changed();
    }
  }

  #changed(): void {
    this.dispatchEvent(new Event('changed'));
  }
}
