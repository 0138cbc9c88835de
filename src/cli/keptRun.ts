/** A run of the command line on disk: what was finished before it was interrupted, and what it was asked to do. */
import { relative } from 'node:path';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { CellResult } from '../core/evaluation/runCells.ts';
import type { SamplingOptions } from '../core/generation.ts';
import type { Strategy, Template } from '../core/prompts/template.ts';
import { keptCell, resultOf } from '../core/runs/keptCell.ts';
import { stretches } from '../core/runs/missing.ts';
import { keptText, type RunSpecification, readSpecification, requestText } from '../core/runs/runRecord.ts';
import type { TextGenerator } from '../core/textGenerator.ts';
import { hashOf, keepInput } from '../storage/runInputs.ts';
import { writeRunState } from '../storage/runList.ts';
import { RunStore } from '../storage/runStore.ts';
import type { WorkspaceLayout } from '../storage/workspaceLayout.ts';
import type { Row } from './runOutput.ts';

/** Runs with fewer cells are over before anybody interrupts them. */
const LeastCells = 10;

export interface RunToKeep {
  readonly template: Template;
  readonly strategy: Strategy;
  readonly sampling: SamplingOptions;
  readonly samples: number;
  readonly rows: readonly Row[];
  readonly generator: TextGenerator;
  /** Number of shots and selection, where the command line set them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Values that were given by hand. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Version of Tunesmith. */
  readonly tool: string;
  /** Files of rows and examples that were read. */
  readonly files: { readonly data?: string; readonly bank?: { readonly path: string; readonly rows: number } };
}

interface Counts {
  done: number;
  failed: number;
  graded: number;
  right: number;
}

export class KeptRun {
  readonly #store: RunStore;
  readonly #layout: WorkspaceLayout;
  readonly #of: RunToKeep;
  readonly #column: string;
  readonly #total: number;
  readonly #counts: Counts = { done: 0, failed: 0, graded: 0, right: 0 };

  private constructor(store: RunStore, layout: WorkspaceLayout, of: RunToKeep) {
    this.#store = store;
    this.#layout = layout;
    this.#of = of;
    this.#column = columnId(of);
    this.#total = of.rows.length * of.samples;
  }

  /** Begins to keep a run, or goes on with one. Undefined where there is too little to keep. */
  static async open(layout: WorkspaceLayout, of: RunToKeep, resume?: string): Promise<KeptRun | undefined> {
    const { template, rows, samples } = of;
    const file = relative(layout.root, template.file).replaceAll('\\', '/');
    const { generator, strategy, sampling } = of;
    const prompts = rows.map(({ prompt, expected }) => [
      prompt.messages.map(({ role, content }) => [role, content]),
      prompt.continueLast,
      expected,
    ]);
    const hash = hashOf(JSON.stringify([template.text, generator.model.id, strategy, sampling, samples, prompts]));
    if (resume === undefined) {
      if (rows.length * samples < LeastCells) return undefined;
      const specification = await specificationOf(layout, of, file, hash);
      const store = await RunStore.create(layout, { name: template.name, specification });
      const kept = new KeptRun(store, layout, of);
      const numbers = rows.map((row, index) => rowOf(row, index));
      await store.ask({ columns: [kept.#column], rows: stretches(numbers), repeats: samples });
      await kept.#tell('running');
      return kept;
    }
    if (!/^[\p{L}\p{N}._-]+$/u.test(resume) || resume.startsWith('.'))
      throw new HumanError(l10n.t('“{0}” is no name of a run.', resume));
    const store = await RunStore.open(layout, resume, { write: true });
    const known = readSpecification(store.run.specification);
    if (known?.template.file !== file || known.hash !== hash) {
      await store.close();
      throw new HumanError(
        l10n.t(
          'The run “{0}” was made with another template, model, rows or options, so it cannot go on with these. Use the same, or begin a new run.',
          resume,
        ),
      );
    }
    const kept = new KeptRun(store, layout, of);
    await kept.#tell('running');
    return kept;
  }

  get id(): string {
    return this.#store.run.id;
  }

  /** What came of a cell before; `index` is that of its row among the rows of this run. */
  async finished(index: number, repeat: number): Promise<CellResult | undefined> {
    const cell = await this.#store.cell(this.#key(index, repeat));
    if (!cell || cell.failure !== undefined) return undefined;
    this.#count(cell.right);
    return resultOf(cell, repeat);
  }

  /** Resolves when it is on the disk. What was cancelled or failed is asked again by the one who resumes. */
  async keep(index: number, repeat: number, result: CellResult): Promise<void> {
    if (result.failure !== undefined) {
      this.#counts.failed++;
      this.#counts.done++;
    }
    if (result.failure !== undefined || result.problem || result.generation.finishReason === 'cancelled') return;
    const { template, strategy, sampling, rows, generator } = this.#of;
    const { prompt, expected } = rows[index]!;
    const messages = prompt.messages.map(({ role, content }) => ({ role, content }));
    const id = hashOf(JSON.stringify(messages)).slice(0, 16);
    const asked = { options: sampling, repeat, expected };
    const request = hashOf(requestText(generator.model.id, template, strategy, prompt, asked)).slice(0, 16);
    this.#count(result.correct);
    await this.#store.append(keptCell(this.#key(index, repeat), result, { request, prompt: id }), {
      id,
      messages,
      shots: prompt.shots,
    });
  }

  async close(): Promise<void> {
    const { done, failed } = this.#counts;
    await this.#tell(done - failed < this.#total ? 'stopped' : 'done');
    await this.#store.close();
  }

  #count(right: boolean | undefined): void {
    this.#counts.done++;
    if (right === undefined) return;
    this.#counts.graded++;
    if (right) this.#counts.right++;
  }

  #key(index: number, repeat: number): string {
    return `${this.#column}|${rowOf(this.#of.rows[index]!, index)}|${repeat}`;
  }

  #tell(status: 'running' | 'stopped' | 'done'): Promise<void> {
    return writeRunState(this.#layout, this.id, { status, total: this.#total, ...this.#counts });
  }
}

const columnId = ({ generator }: RunToKeep): string => `${generator.model.id}#current`;

/** The row's place in the file, from 0. */
const rowOf = ({ number }: Row, index: number): number => (number === undefined ? index : number - 1);

async function specificationOf(
  layout: WorkspaceLayout,
  of: RunToKeep,
  file: string,
  hash: string,
): Promise<RunSpecification> {
  const { template, generator, strategy, sampling, samples, settings, inputs, tool, files } = of;
  const { id, label } = generator.model;
  const kept = async (path: string, rows: number): Promise<NonNullable<RunSpecification['data']>> => ({
    file: relative(layout.root, path).replaceAll('\\', '/'),
    rows,
    ...(await keepInput(layout, path)),
  });
  return {
    by: 'command line',
    tool,
    template: { file, hash: hashOf(template.text), text: keptText(template.text) },
    others: [],
    data: files.data === undefined ? null : await kept(files.data, of.rows.length),
    bank: files.bank === undefined ? null : await kept(files.bank.path, files.bank.rows),
    inputs,
    models: [{ id, label, identity: await generator.identity?.().catch(() => undefined) }],
    columns: [
      {
        id: columnId(of),
        model: id,
        modelLabel: label,
        variant: 0,
        label: strategy,
        detail: '',
        controlled: generator.model.controlledSampling,
        strategy,
        sampling: { ...sampling },
        settings,
      },
    ],
    samples,
    hash,
  };
}
