/** A run on disk as the playground uses it: texts, prompts, tokens, conversations and marks of its cells, read when they are seen. */
import type { Message } from '../../core/generation.ts';
import { missingCells } from '../../core/runs/missing.ts';
import {
  type CompactTokens,
  expandTokens,
  type KeptCell,
  partsOf,
  type RunSpecification,
  readSpecification,
} from '../../core/runs/runRecord.ts';
import type { Cell, Detail, Marks } from '../../protocol/playgroundCells.ts';
import { type CellMarks, type RunMarks, readMarks, writeMarks } from '../../storage/cellMarks.ts';
import { RunStore } from '../../storage/runStore.ts';
import type { WorkspaceLayout } from '../../storage/workspaceLayout.ts';
import type { CellTexts, TextSource } from './cellBoard.ts';
import { emptyCell, placed } from './playgroundRun.ts';

/** Records that are read from the disk at once. */
const AtOnce = 16;

export interface KeptDetail {
  readonly prompt: readonly Message[];
  readonly tokens: Detail['tokens'];
  readonly turns: Detail['turns'];
}

export class OpenRun implements TextSource {
  readonly #layout: WorkspaceLayout;
  #store: RunStore;
  #marks: CellMarks;
  #about: RunMarks;
  /** Hash of what each cell was made from. */
  readonly #requests = new Map<string, string>();
  #writable: boolean;
  #marking: Promise<unknown> = Promise.resolve();
  #reads: Promise<unknown> = Promise.resolve();

  private constructor(layout: WorkspaceLayout, store: RunStore, writable: boolean) {
    this.#layout = layout;
    this.#store = store;
    this.#writable = writable;
    this.#marks = {};
    this.#about = { starred: false, note: '' };
  }

  static async create(layout: WorkspaceLayout, name: string, specification: RunSpecification): Promise<OpenRun> {
    return new OpenRun(layout, await RunStore.create(layout, { name, specification }), true);
  }

  /** To be read, until something is added. `onCell` gets each cell of the log, without its text. */
  static async read(
    layout: WorkspaceLayout,
    id: string,
    onCell: (cell: Cell, kept: KeptCell) => void,
  ): Promise<OpenRun> {
    const requests = new Map<string, string>();
    const { marks, run: about } = await readMarks(layout, id);
    const store = await RunStore.open(layout, id, {
      onCell: kept => {
        if (kept.request !== undefined) requests.set(kept.key, kept.request);
        const cell = shownCell(kept);
        if (cell) onCell({ ...cell, marks: marks[kept.key] ?? null }, kept);
      },
    });
    const run = new OpenRun(layout, store, false);
    for (const [key, request] of requests) run.#requests.set(key, request);
    run.#marks = marks;
    run.#about = about;
    return run;
  }

  get id(): string {
    return this.#store.run.id;
  }

  get createdAt(): string {
    return this.#store.run.createdAt;
  }

  /** Undefined for runs of the first format. */
  get specification(): RunSpecification | undefined {
    return readSpecification(this.#store.run.specification);
  }

  /** What was wrong with it when it was opened. */
  get note(): string | undefined {
    return this.#store.note;
  }

  get about(): RunMarks {
    return this.#about;
  }

  request(key: string): string | undefined {
    return this.#requests.get(key);
  }

  missing(): { readonly total: number; readonly keys: readonly string[] } {
    return missingCells(this.#store.asked, key => this.#store.keys.has(key));
  }

  /** Resolves when everything that was added so far is on the disk, or was refused. */
  async settled(): Promise<void> {
    // A run that was only read is opened anew for its first answer.
    await this.#reads;
    // What waited for that has gone on to the store before this does.
    await this.#store.settled();
  }

  async texts(keys: readonly string[]): Promise<ReadonlyMap<string, CellTexts>> {
    const texts = new Map<string, CellTexts>();
    for (let start = 0; start < keys.length; start += AtOnce) {
      const some = keys.slice(start, start + AtOnce);
      const cells = await Promise.all(some.map(key => this.#store.cell(key).catch(() => undefined)));
      for (const [i, kept] of cells.entries()) {
        const cell = kept && shownCell(kept);
        if (cell) texts.set(some[i]!, { text: cell.text, answer: cell.answer, votes: cell.votes, stages: cell.stages });
      }
    }
    return texts;
  }

  async detail(key: string): Promise<KeptDetail> {
    const [cell, prompt, turns] = await Promise.all([
      this.#store.cell(key),
      this.#store.prompt(key),
      this.#store.turns(key),
    ]);
    return {
      prompt: prompt?.messages ?? [],
      tokens: cell?.tokens ? shownTokens(cell.tokens) : null,
      turns: turns.map(turn => ({ ...turn })),
    };
  }

  async ask(asked: Parameters<RunStore['ask']>[0]): Promise<void> {
    await this.#toWrite();
    await this.#store.ask(asked);
  }

  async describe(specification: RunSpecification): Promise<void> {
    await this.#toWrite();
    await this.#store.describe(specification);
  }

  async append(cell: KeptCell, prompt?: Parameters<RunStore['append']>[1]): Promise<void> {
    await this.#toWrite();
    await this.#store.append(cell, prompt);
    if (cell.request !== undefined) this.#requests.set(cell.key, cell.request);
    else this.#requests.delete(cell.key);
  }

  /** Takes over a cell of another run as it is, with its conversation. False where that has no such cell. */
  async take(from: OpenRun, key: string, marks: Marks | null): Promise<boolean> {
    const [kept, prompt, turns] = await Promise.all([
      from.#store.cell(key),
      from.#store.prompt(key),
      from.#store.turns(key),
    ]);
    if (!kept) return false;
    await this.append(kept, prompt && kept.prompt !== undefined ? { id: kept.prompt, ...prompt } : undefined);
    if (turns.length > 0)
      await this.say(
        key,
        turns.map(turn => ({ ...turn })),
      );
    if (marks) await this.mark(key, marks);
    return true;
  }

  async say(key: string, turns: Detail['turns']): Promise<void> {
    await this.#toWrite();
    await this.#store.say({ key, turns });
  }

  /** Keeps what the user said of a cell. */
  async mark(key: string, marks: Marks | null): Promise<void> {
    const { [key]: _, ...others } = this.#marks;
    this.#marks = marks ? { ...others, [key]: marks } : others;
    await this.#writeMarks();
  }

  /** Keeps what the user said of the run as a whole. */
  async markRun(about: RunMarks): Promise<void> {
    this.#about = about;
    await this.#writeMarks();
  }

  async close(): Promise<void> {
    await this.#reads;
    await this.#marking.catch(() => {});
    await this.#store.close();
  }

  #writeMarks(): Promise<void> {
    const write = (): Promise<void> => writeMarks(this.#layout, this.id, { marks: this.#marks, run: this.#about });
    const done = this.#marking.then(write, write);
    this.#marking = done;
    return done;
  }

  /** Goes on with a run that was only read. */
  #toWrite(): Promise<void> {
    if (this.#writable) return Promise.resolve();
    const open = async (): Promise<void> => {
      if (this.#writable) return;
      const before = this.#store;
      this.#store = await RunStore.open(this.#layout, before.run.id, { write: true });
      this.#writable = true;
      await before.close();
    };
    const done = this.#reads.then(open);
    this.#reads = done.catch(() => {});
    return done;
  }
}

export const shownTokens = (tokens: CompactTokens): NonNullable<Detail['tokens']> =>
  expandTokens(tokens).map(({ text, logProb, alternatives = [] }) => ({
    text,
    logProb,
    alternatives: alternatives.map(other => ({ text: other.text, logProb: other.logProb })),
  }));

/** A kept cell as the matrix shows it; undefined where its key is none of the matrix. */
export function shownCell(kept: KeptCell): Cell | undefined {
  const parts = partsOf(kept.key);
  if (!parts) return undefined;
  const { text, answer, right, failure, problem } = kept;
  return {
    ...emptyCell(parts),
    status: failure === undefined ? 'done' : 'failed',
    text,
    cached: kept.cached ?? false,
    latencyMs: kept.latencyMs ?? null,
    firstTokenMs: kept.firstTokenMs ?? null,
    tokens: kept.usage?.completionTokens ?? null,
    cost: kept.cost ?? null,
    seed: kept.seed ?? null,
    finishReason: kept.finishReason ?? null,
    error: failure ?? problem ?? null,
    warning: kept.warning ?? null,
    answer: answer === undefined || right === undefined ? null : placed(text, answer),
    right: right ?? null,
    votes: (kept.votes ?? []).slice(0, 20).map(vote => ({ ...vote })),
    stages: (kept.stages ?? []).map(stage => ({ name: stage.name, text: stage.text })),
  };
}
