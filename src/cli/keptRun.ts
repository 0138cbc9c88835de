/** A run of the command line on disk: what was finished before it was interrupted, and what it was asked to do. */
import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { CellResult } from '../core/evaluation/runCells.ts';
import type { Template } from '../core/prompts/template.ts';
import { RunStore } from '../storage/runStore.ts';
import type { WorkspaceLayout } from '../storage/workspaceLayout.ts';

/** Runs with fewer cells are over before anybody interrupts them. */
const LeastCells = 10;

const SpecificationSchema = v.object({
  by: v.literal('command line'),
  file: v.string(),
  /** Of everything that the cells depend on. */
  hash: v.string(),
});

/** What a cell's result has beside its generation; written by this file and guarded by a checksum. */
type Rest = Pick<CellResult, 'answer' | 'votes' | 'correct' | 'stages' | 'cached'>;

export class KeptRun {
  readonly #store: RunStore;

  private constructor(store: RunStore) {
    this.#store = store;
  }

  /**
   * Begins to keep a run, or goes on with one. `depends` is everything beside the template that its cells depend on. Undefined where
   * there is too little to keep.
   */
  static async open(
    layout: WorkspaceLayout,
    template: Template,
    { resume, cells, depends }: { readonly resume?: string; readonly cells: number; readonly depends: unknown },
  ): Promise<KeptRun | undefined> {
    const file = relative(layout.root, template.file).replaceAll('\\', '/');
    const hash = createHash('sha256')
      .update(JSON.stringify([template.text, depends]))
      .digest('hex');
    if (resume === undefined) {
      if (cells < LeastCells) return undefined;
      const specification = { by: 'command line', file, hash };
      return new KeptRun(await RunStore.create(layout, { name: template.name, specification }));
    }
    if (!/^[\p{L}\p{N}._-]+$/u.test(resume) || resume.startsWith('.'))
      throw new HumanError(l10n.t('“{0}” is no name of a run.', resume));
    const store = await RunStore.resume(layout, resume);
    const known = v.safeParse(SpecificationSchema, store.run.specification);
    if (!known.success || known.output.file !== file || known.output.hash !== hash) {
      await store.close();
      throw new HumanError(
        l10n.t(
          'The run “{0}” was made with another template, model, rows or options, so it cannot go on with these. Use the same, or begin a new run.',
          resume,
        ),
      );
    }
    return new KeptRun(store);
  }

  get id(): string {
    return this.#store.run.id;
  }

  /** What came of a cell before. */
  finished(key: string): CellResult | undefined {
    const generation = this.#store.cells.get(key)?.generation as
      | (CellResult['generation'] & { rest?: Rest })
      | undefined;
    if (!generation?.rest) return undefined;
    const { rest, ...made } = generation;
    return { ...rest, text: made.text, generation: made };
  }

  /** Resolves when it is on the disk. What was cancelled or failed is asked again by the one who resumes. */
  async keep(key: string, { text, generation, failure, problem, ...rest }: CellResult): Promise<void> {
    if (failure !== undefined || problem || generation.finishReason === 'cancelled') return;
    await this.#store.append({ key, generation: { ...generation, text, rest } as CellResult['generation'] });
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
