/** What every recipe is given and gives: reports, checkpoints, and the one question of whether to go on. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { RewardSettings, SftSettings } from '../core/jobs/job.ts';
import type { NonFinite } from '../engine/nonFinite.ts';
import { scheduleFactor } from '../engine/optimizers/schedules.ts';
import type { ModelConfig } from '../language-model/config.ts';
import type { TrainingProgram, TrainingState } from '../language-model/trainable.ts';

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
  /** Removes the checkpoint of a step, which turned out to be of no use; resolves with the step of the one before, 0 for none. */
  discardCheckpoint(step: number): Promise<number>;
  /** Asked between any two passes through the model, so that the host stays alive; true ends the recipe at the next step. */
  breathe(): Promise<boolean>;
}

/** The same host, with some of its answers given by others. */
export const hostWith = (host: RecipeHost, changes: Partial<RecipeHost>): RecipeHost => ({
  phase: phase => host.phase(phase),
  progress: (step, totalSteps) => host.progress(step, totalSteps),
  metrics: (step, values) => host.metrics(step, values),
  samples: (step, samples) => host.samples(step, samples),
  log: (level, message) => host.log(level, message),
  checkpoint: checkpoint => host.checkpoint(checkpoint),
  discardCheckpoint: step => host.discardCheckpoint(step),
  breathe: () => host.breathe(),
  ...changes,
});

class StopAsked extends Error {}

/**
 * Work that changes no weight, such as measuring: it ends between two passes when the host is told to stop, after `save` made a
 * checkpoint from which it begins again. `work` breathes through the host that it is given.
 */
export async function stoppable<T>(
  host: RecipeHost,
  save: () => Promise<void>,
  work: (host: RecipeHost) => Promise<T>,
): Promise<Outcome<T>> {
  const breathe = async (): Promise<boolean> => {
    if (await host.breathe()) throw new StopAsked();
    return false;
  };
  try {
    return { kind: 'finished', value: await work(hostWith(host, { breathe })) };
  } catch (error) {
    if (!(error instanceof StopAsked)) throw error;
    await save();
    return { kind: 'stopped' };
  }
}

/** What every recipe is given besides its data. */
export interface RecipeOptions {
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly seed: number;
  readonly host: RecipeHost;
  readonly resume?: RecipeCheckpoint;
  readonly threads?: number;
}

/** How the training program of a recipe computes, by the settings that all kinds of jobs share; `initial` are weights of the adapter to start from. */
export const computationOf = (
  { config, weights, seed, threads }: RecipeOptions,
  { tuning, lora, baseProducts, recompute, weightDecay, maxGradNorm }: RecipeSettings,
  initial?: ReadonlyMap<string, Float32Array>,
) => ({
  config,
  weights,
  trainable:
    tuning === 'full'
      ? { kind: 'full' as const, seed }
      : { kind: 'lora' as const, lora, seed, ...(initial ? { initial } : {}) },
  baseProducts,
  recompute: recompute === 'on',
  optimizer: { weightDecay, maxGradNorm },
  ...(threads === undefined ? {} : { threads }),
});

type RecipeSettings = Pick<RewardSettings, 'lora' | 'baseProducts' | 'recompute' | 'weightDecay' | 'maxGradNorm'> &
  Partial<Pick<SftSettings, 'tuning'>>;

/** Whether a recipe came to its end or stopped, with a checkpoint, because it was told to. */
export type Outcome<T> = { readonly kind: 'finished'; readonly value: T } | { readonly kind: 'stopped' };

/** What `requireFinite` asks of a program. */
export type Examinable = Pick<TrainingProgram, 'locateNonFinite' | 'trainable'>;

/** Numbers of the step that was just computed; `kept` is the step of the last checkpoint, 0 for the start. */
export interface StepNumbers {
  readonly step: number;
  readonly loss: number;
  readonly gradNorm: number;
  readonly kept: number;
}

/**
 * A loss or gradient that is no number ends the run: the error names the layer and operator where it first appeared, and
 * what to do. An update with such a gradient is never made, so the last checkpoint stays good.
 */
export async function requireFinite(program: Examinable, numbers: StepNumbers): Promise<void> {
  if (Number.isFinite(numbers.loss) && Number.isFinite(numbers.gradNorm)) return;
  const found = await program.locateNonFinite();
  throw new HumanError([outcomeText(numbers), causeText(found, program), keptText(numbers.kept)].join(' '));
}

const outcomeText = ({ step, loss, gradNorm }: StepNumbers): string =>
  Number.isFinite(loss)
    ? l10n.t('Training stopped at step {0}: the norm of the gradient became {1}.', step, String(gradNorm))
    : l10n.t('Training stopped at step {0}: the loss became {1}.', step, String(loss));

function causeText(found: NonFinite | undefined, { trainable }: Examinable): string {
  if (!found) return l10n.t('No single operator made it: gradients added up too high. Lower the learning rate.');
  const { scope, op, backward, input } = found;
  const layer = scope === '' ? l10n.t('no layer') : scope;
  if (input === undefined) {
    return backward
      ? l10n.t('It first appeared in {0}, operator {1}, in the backward pass. Lower the learning rate.', layer, op)
      : l10n.t('It first appeared in {0}, operator {1}, in the forward pass. Lower the learning rate.', layer, op);
  }
  const [where, cause] = [l10n.t('in {0}, operator {1}', layer, op), input];
  return trainable.has(input)
    ? l10n.t(
        'It first appeared {0}: the trained weight {1} had grown out of range. Lower the learning rate.',
        where,
        cause,
      )
    : l10n.t(
        'It first appeared {0}: {1} holds a value that is no number. Load the model again, or check the data.',
        where,
        cause,
      );
}

const keptText = (kept: number): string =>
  kept > 0
    ? l10n.t('The checkpoint of step {0} is kept.', kept)
    : l10n.t('There was no checkpoint yet: the job starts from the beginning.');

/** A checkpoint is only written when all its numbers are numbers, so that the last one is always good. */
function requireFiniteState(state: TrainingState, kept: number): void {
  for (const [name, array] of state.parameters) {
    if (array.every(Number.isFinite)) continue;
    throw new HumanError(
      [
        l10n.t('Training stopped: the trained weight {0} had grown out of range. Lower the learning rate.', name),
        keptText(kept),
      ].join(' '),
    );
  }
}

/** Writes the checkpoints of one run, and sees to it that the last one is good. */
export class Checkpoints {
  readonly #host: RecipeHost;
  readonly #program: Examinable & Pick<TrainingProgram, 'state'>;
  #kept: number;

  /** `resumed` is the step of the checkpoint that the run began with, 0 for none. */
  constructor(host: RecipeHost, program: Examinable & Pick<TrainingProgram, 'state'>, resumed: number) {
    this.#host = host;
    this.#program = program;
    this.#kept = resumed;
  }

  /** `further` arrays and `values` are the recipe's own. */
  async save(
    step: number,
    further: ReadonlyMap<string, Float32Array> = new Map(),
    values: RecipeCheckpoint['values'] = {},
  ): Promise<void> {
    const state = this.#program.state();
    requireFiniteState(state, this.#kept);
    await this.#host.checkpoint({ step, arrays: new Map([...packState(state), ...further]), values });
    this.#kept = step;
  }

  /** See `requireFinite`. A checkpoint with the very weights that failed is removed: going on from it would fail again. */
  async requireFinite(numbers: {
    readonly step: number;
    readonly loss: number;
    readonly gradNorm: number;
  }): Promise<void> {
    if (Number.isFinite(numbers.loss) && Number.isFinite(numbers.gradNorm)) return;
    if (this.#kept > 0 && this.#kept === numbers.step - 1) this.#kept = await this.#host.discardCheckpoint(this.#kept);
    await requireFinite(this.#program, { ...numbers, kept: this.#kept });
  }
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
