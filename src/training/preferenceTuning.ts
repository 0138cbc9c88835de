/**
 * Tunes a policy on given answers, without sampling: DPO (Rafailov et al. 2023) and IPO (Azar et al. 2023) on pairs, KTO
 * (Ethayarajh et al. 2024) on labelled answers, in the dialects of TRL's `dpo_trainer.py` and `kto_trainer.py`.
 * Departures: the policy is a LoRA adapter and the reference the same weights without it, whose log-probabilities are
 * computed once and kept; rows that are too long are left out instead of cut; the batches are drawn once and come in a new
 * order every epoch; KTO's mismatched answer is that of another prompt wherever there is one.
 */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { Rng } from '../base/rng.ts';
import { rewardSteps } from '../core/jobs/estimate.ts';
import type { DpoSettings, KtoSettings } from '../core/jobs/job.ts';
import type { Interval } from '../core/statistics/intervals.ts';
import { createTrainingProgram, predictFrom, type TrainingProgram } from '../language-model/trainable.ts';
import type { LabelledData } from './labelledData.ts';
import type { PairData } from './pairData.ts';
import { dpoMethod, type Example, ktoMethod, type Method, type Row } from './preferenceMethods.ts';
import {
  Checkpoints,
  computationOf,
  learningRateAt,
  type Outcome,
  type RecipeHost,
  type RecipeOptions,
  stoppable,
  unpackState,
} from './recipe.ts';
import { chunks } from './rewardModel.ts';
import { inParts } from './rollout.ts';

export type PreferenceTask =
  | { readonly kind: 'dpo'; readonly settings: DpoSettings; readonly data: PairData }
  | { readonly kind: 'kto'; readonly settings: KtoSettings; readonly data: LabelledData };

export interface PreferenceOptions extends RecipeOptions {
  readonly task: PreferenceTask;
}

export interface PreferenceResult {
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Held-out pairs (KTO: a good and a bad answer of one prompt) whose better answer has strictly the higher implicit reward. */
  readonly accuracy: Interval | undefined;
  readonly metrics: Readonly<Record<string, number>>;
}

/** The name under which a checkpoint keeps the reference. */
const referenceName = 'reference';

/** Throws a HumanError for settings that contradict each other. */
export function checkPreferenceSettings({ kind, settings }: Pick<PreferenceTask, 'kind' | 'settings'>): void {
  if (kind === 'dpo' && (settings as DpoSettings).loss === 'ipo' && (settings as DpoSettings).labelSmoothing > 0) {
    throw new HumanError(l10n.t('Label smoothing is for the sigmoid loss. Set it to 0, or choose the sigmoid loss.'));
  }
}

export async function trainPreferences(options: PreferenceOptions): Promise<Outcome<PreferenceResult>> {
  const { task, seed, host, resume } = options;
  checkPreferenceSettings(task);
  const { settings } = task;
  const method = task.kind === 'dpo' ? dpoMethod(task.settings) : ktoMethod(task.settings);
  const rng = Rng.seeded(seed);
  const order = rng.stream('batches');
  const train =
    task.kind === 'dpo'
      ? dpoMethod.examples(order.shuffled(task.data.train))
      : ktoMethod.examples(order.shuffled(task.data.train));
  const heldOut = task.kind === 'dpo' ? dpoMethod.examples(task.data.heldOut) : ktoMethod.examples(task.data.heldOut);
  const program = await createTrainingProgram({
    ...computationOf(options, settings),
    head: 'lm',
    inputs: method.inputs,
    loss: method.loss,
  });
  const scorer: Scorer = { program, method, host, rowsAtOnce: settings.microBatchSize };
  try {
    // 1. The reference: log-probabilities of all answers under the frozen base.
    const all = [...train, ...heldOut];
    let step = 0;
    if (resume) {
      program.restore(unpackState(resume.arrays));
      step = resume.step;
    }
    host.phase(l10n.t('Computing the reference'));
    const checkpoints = new Checkpoints(host, program, step);
    const computed = await stoppable(
      host,
      () => checkpoints.save(step),
      async own =>
        resume?.arrays.get(referenceName) ??
        Float32Array.from(await logProbsOf(rowsOf(all), { ...scorer, host: own }, false)),
    );
    if (computed.kind === 'stopped') return computed;
    const reference = computed.value;
    setReferences(all, reference);

    // 2. Steps: batches that stay together, in an order of their own for every epoch.
    host.phase(l10n.t('Training'));
    const batches = chunks(train, settings.batchSize);
    const steps = rewardSteps(train.length, settings);
    const checkpointEvery = Math.max(1, Math.ceil(steps / 5));
    const save = () => checkpoints.save(step, new Map([[referenceName, reference]]));
    while (step < steps) {
      if (await host.breathe()) {
        await save();
        return { kind: 'stopped' };
      }
      const epoch = Math.floor(step / batches.length);
      const batch = rng.stream('epoch', epoch).shuffled(batches)[step % batches.length]!;
      const learningRate = learningRateAt(settings, step, steps);
      const metrics = await preferenceStep(batch, learningRate, scorer);
      step++;
      const { loss, grad_norm: gradNorm } = metrics as { loss: number; grad_norm: number };
      await checkpoints.requireFinite({ step, loss, gradNorm });
      host.metrics(step, { ...metrics, epoch: step / batches.length });
      host.progress(step, steps);
      if (step % checkpointEvery === 0 && step < steps) await save();
    }

    // 3. Implicit rewards on prompts that were never trained on.
    const held = await stoppable(host, save, own => logProbsOf(rowsOf(heldOut), { ...scorer, host: own }, true));
    if (held.kind === 'stopped') return held;
    const measured = method.measure(heldOut, ratiosOf(heldOut, held.value));
    return {
      kind: 'finished',
      value: {
        parameters: program.state().parameters,
        shapes: program.shapes,
        accuracy: measured?.accuracy,
        metrics: { ...measured?.metrics, train_rows: train.length, steps },
      },
    };
  } finally {
    await program.dispose();
  }
}

interface Scorer {
  readonly program: TrainingProgram;
  readonly method: Method;
  readonly host: RecipeHost;
  readonly rowsAtOnce: number;
}

/** Forward, backward and update over one batch; metrics under TRL's names. */
async function preferenceStep(
  batch: readonly Example[],
  learningRate: number,
  scorer: Scorer,
): Promise<Record<string, number>> {
  const { program, method, host, rowsAtOnce } = scorer;
  const mismatched = batch.flatMap(example => (example.mismatched ? [example.mismatched] : []));
  const logProbs = await logProbsOf(mismatched, scorer, true);
  const z = method.anchor(mismatched.map(({ reference }, index) => logProbs[index]! - reference));
  const totals: Record<string, number> = {};
  let loss = 0;
  const size = Math.max(1, Math.floor(rowsAtOnce / method.rowsPerExample));
  await inParts(batch, longestRow, size, host, async part => {
    const examples = part.map(index => batch[index]!);
    const rows = examples.flatMap(example => example.rows);
    const result = await program.gradients({
      ...sequences(rows),
      inputs: method.feed(examples, batch.length, z),
    });
    loss += result.loss;
    for (const [name, value] of Object.entries(result.metrics)) totals[name] = (totals[name] ?? 0) + value;
  });
  const { gradNorm } = program.apply(learningRate);
  return {
    loss,
    ...method.metrics(batch, totals, z),
    num_tokens: batch.reduce((all, { rows }) => all + rows.reduce((sum, { ids }) => sum + ids.length, 0), 0),
    grad_norm: gradNorm,
    learning_rate: learningRate,
  };
}

const longestRow = ({ rows }: Example): number => Math.max(...rows.map(({ ids }) => ids.length));

/** Rows whose reference is needed: answers, and mismatched answers behind each. */
const rowsOf = (examples: readonly Example[]): Row[] =>
  examples.flatMap(({ rows, mismatched }) => (mismatched ? [...rows, mismatched] : [...rows]));

function setReferences(examples: readonly Example[], reference: Float32Array): void {
  for (const [index, row] of rowsOf(examples).entries()) row.reference = reference[index]!;
}

/** log π − log π_ref of each example's answers and, behind them, of its mismatched answer. */
function ratiosOf(examples: readonly Example[], logProbs: readonly number[]): number[][] {
  let at = 0;
  return examples.map(example => rowsOf([example]).map(({ reference }) => logProbs[at++]! - reference));
}

/** log π of each row's answer, or log π_ref with the adapter off. Nats, in the order of the rows. */
async function logProbsOf(rows: readonly Row[], scorer: Scorer, adapter: boolean): Promise<number[]> {
  const { program, method, host, rowsAtOnce } = scorer;
  const sums = new Array<number>(rows.length).fill(0);
  await inParts(
    rows,
    ({ ids }) => ids.length,
    rowsAtOnce,
    host,
    async part => {
      const batch = sequences(part.map(index => rows[index]!));
      const { logProbs } = (await program.forward({ ...batch, inputs: method.idle(part.length) }, { adapter })).rows;
      for (const [n, row] of Array.from(batch.predictions.rows).entries()) sums[part[row]!]! += logProbs![n]!;
    },
  );
  return sums;
}

/** Sequences of which only the answers' tokens are predicted. */
function sequences(rows: readonly Row[]) {
  const ids = rows.map(row => row.ids);
  const starts = rows.map(row => row.promptLength);
  return { ids, predictions: predictFrom(ids, starts) };
}
