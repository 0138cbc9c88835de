/** Keeps the playground's answers in the run store of the workspace, and brings the newest back after a reload. */
import * as v from 'valibot';
import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.ts';
import { gradeAnswer, readAnswers } from '../../core/evaluation/answers.ts';
import type { CellResult } from '../../core/evaluation/runCells.ts';
import type { Message } from '../../core/generation.ts';
import type { RenderedPrompt, Template } from '../../core/prompts/template.ts';
import { MessageSchema } from '../../protocol/inference.ts';
import type { Cell } from '../../protocol/playground.ts';
import type { CellMarks } from '../../storage/cellMarks.ts';
import type { RunStore } from '../../storage/runStore.ts';
import type { Services } from '../services.ts';
import { emptyCell, keyOf, placed, type RunColumn } from './playgroundRun.ts';
import { type LoadedTemplate, rowCount, rowExpected } from './playgroundTemplate.ts';

const KeptPromptSchema = v.object({ messages: v.array(MessageSchema) });

export class RunHistory implements Disposable {
  readonly #services: Services;
  readonly #uri: vscode.Uri;
  readonly #prompts = new Map<string, readonly Message[]>();
  readonly #unreadable = new WeakMap<Template, string>();
  #open: Promise<RunStore | undefined> | undefined;
  #marking: Promise<void> = Promise.resolve();
  /** Run whose answers were brought back, until a new one begins. */
  #restored: string | undefined;
  /** Texts of prompts by themselves: shots and instructions are the same in thousands of cells. */
  readonly #texts = new Map<string, string>();

  constructor(services: Services, uri: vscode.Uri) {
    this.#services = services;
    this.#uri = uri;
  }

  /** What the answer in this cell was an answer to; the template may have changed since. */
  promptOf(cell: Cell): readonly Message[] | undefined {
    return this.#prompts.get(keyOf(cell));
  }

  /** Keeps a finished answer. Without a folder on disk there is nowhere to, and nothing is said. */
  async keep(cell: Cell, { text, generation }: CellResult, prompt: RenderedPrompt): Promise<void> {
    const messages = prompt.messages.map(({ role, content }) => ({ role, content: this.#shared(content) }));
    // The start of the answer belongs to the answer, whose text has it already or gets it where it is ranked.
    if (prompt.continueLast) messages.pop();
    this.#prompts.set(keyOf(cell), messages);
    try {
      this.#open ??= this.#create();
      const store = await this.#open;
      const usage = generation.usage && {
        ...generation.usage,
        completionTokens: cell.tokens ?? generation.usage.completionTokens,
      };
      await store?.append({
        key: keyOf(cell),
        generation: Object.assign({ ...generation, text, usage, latencyMs: cell.latencyMs ?? 0 }, { messages }),
      });
    } catch (error) {
      this.#services.logger.error('An answer could not be kept for the next window.', error);
    }
  }

  /** Keeps what the user marked, with the run whose answers are shown. */
  async keepMarks(cells: Iterable<Cell>): Promise<void> {
    const marks: CellMarks = {};
    for (const cell of cells) if (cell.marks) marks[keyOf(cell)] = cell.marks;
    const id = (await this.#open)?.run.id ?? this.#restored;
    if (id === undefined) return;
    const { writeMarks } = await import('../../storage/cellMarks.ts');
    const write = (): Promise<void> => writeMarks(this.#services.layout(this.#uri), id, marks);
    this.#marking = this.#marking.then(write, write);
    await this.#marking;
  }

  #shared(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }

  /** Answers of the newest run of this template that still have a place in the matrix. */
  async restore(columns: readonly RunColumn[], loaded: LoadedTemplate): Promise<Cell[]> {
    if (!this.#hasFolder()) return [];
    try {
      const { listRuns, readRun } = await import('../../storage/runStore.ts');
      const layout = this.#services.layout(this.#uri);
      const path = this.#path();
      const newest = (await listRuns(layout)).find(
        run => (run.specification as { template?: unknown })?.template === path,
      );
      if (!newest) return [];
      const { cells } = await readRun(layout, newest.id);
      const { readMarks } = await import('../../storage/cellMarks.ts');
      const marks = await readMarks(layout, newest.id);
      this.#restored = newest.id;
      const restored: Cell[] = [];
      for (const { key, generation } of cells) {
        const parts = /^(.*)\|(\d+)\|(\d+)$/.exec(key);
        const column = columns.find(({ id }) => id === parts?.[1]);
        const row = Number(parts?.[2]);
        if (!parts || !generation || !column || row >= rowCount(loaded)) continue;
        const prompt = v.safeParse(KeptPromptSchema, generation);
        if (prompt.success) this.#prompts.set(key, prompt.output.messages);
        const cell = await this.#cell(column, row, Number(parts[3]), generation, rowExpected(loaded, row));
        restored.push({ ...cell, marks: marks[key] ?? null });
      }
      return restored;
    } catch (error) {
      this.#services.logger.warn(`Earlier answers could not be read: ${String(error)}`);
      return [];
    }
  }

  dispose(): void {
    void this.#open?.then(store => store?.close()).catch(() => {});
  }

  async #cell(
    column: RunColumn,
    row: number,
    repeat: number,
    { text, latencyMs, firstTokenMs, usage, finishReason, options }: CellResult['generation'],
    expected: unknown,
  ): Promise<Cell> {
    const base: Cell = {
      ...emptyCell({ column: column.id, row, repeat }),
      status: 'done',
      text,
      latencyMs,
      firstTokenMs: firstTokenMs ?? null,
      seed: options.seed,
      tokens: usage?.completionTokens ?? null,
      finishReason,
    };
    if (expected === undefined) return base;
    const { grade } = column.template.tunesmith;
    // A pattern that had to be stopped is not tried on every answer again.
    const before = this.#unreadable.get(column.template);
    if (before !== undefined) return { ...base, error: before };
    const evaluator = await this.#services.evaluator();
    const { answers, problem } = await readAnswers([text], column.template, evaluator.match.bind(evaluator));
    if (problem) {
      this.#unreadable.set(column.template, problem.message);
      return { ...base, error: problem.message };
    }
    const [answer] = answers;
    return {
      ...base,
      answer: answer === undefined ? null : placed(text, answer),
      right: await gradeAnswer(answer, expected, grade, evaluator.match.bind(evaluator)),
    };
  }

  async #create(): Promise<RunStore | undefined> {
    if (!this.#hasFolder()) return undefined;
    const { RunStore } = await import('../../storage/runStore.ts');
    const path = this.#path();
    return RunStore.create(this.#services.layout(this.#uri), {
      name: path.replace(/^.*\//, ''),
      specification: { template: path },
    });
  }

  #hasFolder(): boolean {
    return this.#services.workspaceFolder(this.#uri)?.uri.scheme === 'file';
  }

  #path(): string {
    return vscode.workspace.asRelativePath(this.#uri, false);
  }
}
