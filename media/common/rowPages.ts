/** Rows of a long table that the host pages on demand: those at hand, those asked for, and no more than a few screens of them. */

/** Rows that are asked for at once; a whole screen and the next. */
const PageSize = 100;
/** Fetched pages that are kept: about the rows of forty screens. */
const KeptPages = 20;

export class RowPages<R> {
  readonly #pages = new Map<number, readonly R[]>();
  readonly #asked = new Map<number, Promise<void>>();
  readonly #ask: (from: number, count: number) => Promise<readonly R[] | undefined>;
  readonly #changed: () => void;

  /** `ask` gives undefined for rows of a state that is not here yet; `changed` is told when rows came. */
  constructor(ask: (from: number, count: number) => Promise<readonly R[] | undefined>, changed: () => void) {
    this.#ask = ask;
    this.#changed = changed;
  }

  /** A row, if it has come; else it is asked for. */
  at(index: number): R | undefined {
    const page = Math.floor(index / PageSize);
    const rows = this.#pages.get(page);
    void this.#fetch(page);
    return rows?.[index - page * PageSize];
  }

  /** The same, waited for. */
  async soon(index: number): Promise<R | undefined> {
    if (!this.at(index)) await this.#fetch(Math.floor(index / PageSize));
    return this.at(index);
  }

  /** Every row may be another now. `inPlace`: they stand where they stood, and can be shown until they come anew. */
  clear(inPlace = false): void {
    if (!inPlace) this.#pages.clear();
    this.#asked.clear();
  }

  /** There are `count` rows now, more than before: the page that was the last one is asked for again. */
  grow(count: number): void {
    for (const [page, rows] of this.#pages)
      if (rows.length < PageSize && page * PageSize + rows.length < count) this.#asked.delete(page);
  }

  #fetch(page: number): Promise<void> {
    const known = this.#asked.get(page);
    if (known) return known;
    const asked = this.#get(page);
    this.#asked.set(page, asked);
    return asked;
  }

  async #get(page: number): Promise<void> {
    const isAsked = (): boolean => this.#asked.get(page) === asking;
    // Known to the map by now: an asynchronous function runs up to its first await at once.
    await Promise.resolve();
    const asking = this.#asked.get(page);
    try {
      const rows = await this.#ask(page * PageSize, PageSize);
      if (!isAsked()) return;
      if (!rows) {
        this.#asked.delete(page);
        return;
      }
      this.#pages.set(page, rows);
      for (const old of this.#pages.keys()) {
        if (this.#pages.size <= KeptPages) break;
        this.#pages.delete(old);
        this.#asked.delete(old);
      }
      this.#changed();
    } catch {
      if (isAsked()) this.#asked.delete(page);
    }
  }
}
