/** A recipe's host that keeps everything in memory, for tests. */
import type { RecipeCheckpoint, RecipeHost, RecipeSample } from '../../src/training/recipe.ts';

export class MemoryHost implements RecipeHost {
  readonly reported: { step: number; values: Readonly<Record<string, number>> }[] = [];
  readonly sampled: { step: number; samples: readonly RecipeSample[] }[] = [];
  readonly checkpoints: RecipeCheckpoint[] = [];
  readonly logs: string[] = [];
  done = 0;
  /** Asks the recipe to stop once this many steps are done. */
  readonly #stopAfter: number;

  constructor(stopAfter = Number.POSITIVE_INFINITY) {
    this.#stopAfter = stopAfter;
  }

  phase(): void {}
  progress(step: number): void {
    this.done = step;
  }
  metrics(step: number, values: Readonly<Record<string, number>>): void {
    this.reported.push({ step, values });
  }
  samples(step: number, samples: readonly RecipeSample[]): void {
    this.sampled.push({ step, samples });
  }
  log(_level: string, message: string): void {
    this.logs.push(message);
  }
  async checkpoint(checkpoint: RecipeCheckpoint): Promise<void> {
    this.checkpoints.push(checkpoint);
  }
  async discardCheckpoint(step: number): Promise<number> {
    while ((this.checkpoints.at(-1)?.step ?? 0) >= step && this.checkpoints.length > 0) this.checkpoints.pop();
    return this.checkpoints.at(-1)?.step ?? 0;
  }
  async breathe(): Promise<boolean> {
    return this.done >= this.#stopAfter;
  }

  /** One metric over the steps. */
  curve(name: string): number[] {
    return this.reported.flatMap(({ values }) => (name in values ? [values[name]!] : []));
  }
}
