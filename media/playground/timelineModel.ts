/** What the page knows of the template's runs, and which of them is looked at. */
import type { RunSummary } from '../../src/protocol/playgroundRuns.ts';
import type { PagePort } from './pagePort.ts';

export class TimelineModel {
  readonly #page: PagePort;
  /** All runs of the template, newest first; undefined until they are asked for. */
  runs: RunSummary[] | undefined;
  /** The run that is looked at, and the one that others are compared with: both outlive the timeline's closing. */
  place: { readonly selected?: string; readonly base?: string } = {};

  constructor(page: PagePort) {
    this.#page = page;
  }

  async ask(): Promise<void> {
    const runs = await this.#page.ask(this.#page.host.runs({}));
    if (!runs) return;
    this.runs = runs;
    this.#page.changed('history');
  }

  mark(marks: { id: string; starred: boolean; note: string }): void {
    this.runs = this.runs?.map(run => (run.id === marks.id ? { ...run, ...marks } : run));
    this.#page.changed('history');
    void this.#page.ask(this.#page.host.markRun(marks));
  }

  async delete(id: string): Promise<void> {
    await this.#page.ask(this.#page.host.deleteRun({ id }));
    await this.ask();
  }
}
