/** Remembers what playgrounds show: the editor saves a page's own state every few seconds only, and a reload may come before. */
import * as v from 'valibot';
import type { Memento } from 'vscode';
import { type Setup, SetupSchema } from '../../protocol/playground.ts';

const Key = 'tunesmith.openPlaygrounds';
const EntriesSchema = v.array(v.object({ uri: v.string(), setup: v.nullish(SetupSchema) }));
type Entry = v.InferOutput<typeof EntriesSchema>[number];

export class OpenPlaygrounds {
  readonly #memento: Pick<Memento, 'get' | 'update'>;

  constructor(memento: Pick<Memento, 'get' | 'update'>) {
    this.#memento = memento;
  }

  /** A playground shows this template now. */
  put(uri: string, setup: Setup | undefined): void {
    this.#write([...this.#entries().filter(entry => entry.uri !== uri), { uri, setup }]);
  }

  /** Its playground was closed. */
  remove(uri: string): void {
    this.#write(this.#entries().filter(entry => entry.uri !== uri));
  }

  /** Forgets what no playground shows any more: the editor may have come back without them. */
  keep(uris: ReadonlySet<string>): void {
    this.#write(this.#entries().filter(({ uri }) => uris.has(uri)));
  }

  /**
   * What a playground showed that came back without its state; undefined where that is not certain. `others` are templates in other
   * playgrounds; one that came back `alone` showed the last, else the title of the tab decides.
   */
  claim({
    others,
    alone,
    isTitleOf,
  }: {
    readonly others: ReadonlySet<string>;
    readonly alone: boolean;
    readonly isTitleOf: (uri: string) => boolean;
  }): Entry | undefined {
    const free = this.#entries().filter(({ uri }) => !others.has(uri));
    const named = free.filter(({ uri }) => isTitleOf(uri));
    return alone ? (named.at(-1) ?? free.at(-1)) : named.length === 1 ? named[0] : undefined;
  }

  #entries(): Entry[] {
    const kept = v.safeParse(EntriesSchema, this.#memento.get(Key));
    return kept.success ? kept.output : [];
  }

  #write(entries: readonly Entry[]): void {
    void this.#memento.update(Key, entries);
  }
}
