/** What every recipe is given and gives: reports, checkpoints, and the one question of whether to go on. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { scheduleFactor } from '../engine/optimizers/schedules.ts';
import type { TrainingState } from '../language-model/trainable.ts';

export interface RecipeSample {
  readonly prompt: string;
  readonly answer: string;
  readonly reward?: number;
}

/** Arrays by name and plain values: all that a recipe needs to go on to the same bytes. */
export interface RecipeCheckpoint {
  readonly step: number;
  readonly arrays: ReadonlyMap<string, Float32Array>;
  readonly values: Readonly<Record<string, unknown>>;
}

/** The host's side: files, clock and controls stay there. */
export interface RecipeHost {
  phase(phase: string): void;
  /** `step` of `totalSteps` is done. */
  progress(step: number, totalSteps: number): void;
  metrics(step: number, values: Readonly<Record<string, number>>): void;
  samples(step: number, samples: readonly RecipeSample[]): void;
  log(level: 'info' | 'warning' | 'error', message: string): void;
  checkpoint(checkpoint: RecipeCheckpoint): Promise<void>;
  /** Asked between any two passes through the model, so that the host stays alive; true ends the recipe at the next step. */
  breathe(): Promise<boolean>;
}

/** Whether a recipe came to its end or stopped, with a checkpoint, because it was told to. */
export type Outcome<T> = { readonly kind: 'finished'; readonly value: T } | { readonly kind: 'stopped' };

/** A loss or gradient that is no number ends the run with what to do; the last checkpoint stays as it is. */
export function requireFinite(loss: number, gradNorm: number, step: number): void {
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
  throw new HumanError(
    l10n.t(
      'Training went out of hand at step {0}: the loss is no longer a number. The last checkpoint is kept. Lower the learning rate and start again.',
      step,
    ),
  );
}

/** Warm-up and linear decay to 0, as TRL's default: the learning rate of step 0, 1, … */
export const learningRateAt = (
  settings: { readonly learningRate: number; readonly warmupRatio: number },
  step: number,
  totalSteps: number,
): number =>
  settings.learningRate *
  scheduleFactor({ kind: 'linear', warmupSteps: Math.ceil(settings.warmupRatio * totalSteps), totalSteps }, step);

/** The recipe's own part of a checkpoint: trained weights and optimizer, as arrays by name. */
export function packState(state: TrainingState): Map<string, Float32Array> {
  const arrays = new Map<string, Float32Array>();
  for (const [name, array] of state.parameters) arrays.set(`parameter:${name}`, array);
  arrays.set('optimizer:m', state.optimizer.m);
  arrays.set('optimizer:v', state.optimizer.v);
  arrays.set('optimizer:step', Float32Array.of(state.optimizer.step));
  return arrays;
}

export function unpackState(arrays: ReadonlyMap<string, Float32Array>): TrainingState {
  const parameters = new Map<string, Float32Array>();
  for (const [name, array] of arrays) {
    if (name.startsWith('parameter:')) parameters.set(name.slice('parameter:'.length), array);
  }
  const [m, v, step] = ['m', 'v', 'step'].map(name => arrays.get(`optimizer:${name}`));
  if (!m || !v || !step) {
    throw new HumanError(l10n.t('The checkpoint is incomplete. Start the job again from the beginning.'));
  }
  return { parameters, optimizer: { m, v, step: step[0]! } };
}
