/**
 * Supervised fine-tuning on given answers: the loss of a step is the mean of −log p over the tokens of its
 * answers, the end token included; prompts are not learned (TRL's `sft_trainer.py` with `completion_only_loss`).
 * Tasks are mixed as FLAN mixes them (core/datasets/taskMixture.ts); what was learned is measured on held-out prompts of the
 * same tasks and, apart from them, on whole tasks that were held out (Chung et al. 2022, Wang et al. 2022).
 * What is tuned is a LoRA adapter, or every weight of the model (`tuning`).
 * Departure: examples that are too long are left out instead of cut.
 */
import { l10n } from '../base/l10n.ts';
import { Rng } from '../base/rng.ts';
import { mixtureEpoch } from '../core/datasets/taskMixture.ts';
import { rewardSteps } from '../core/jobs/estimate.ts';
import type { SftSettings } from '../core/jobs/job.ts';
import { type SftReport, sftReport } from '../core/jobs/sftReport.ts';
import { createGenerator } from '../language-model/generate.ts';
import { createTrainingProgram, predictFrom, type TrainingProgram } from '../language-model/trainable.ts';
import { type EncodedInstruction, type InstructionData, measuredRows, rowsToMeasure } from './instructionData.ts';
import {
  Checkpoints,
  computationOf,
  learningRateAt,
  type Outcome,
  type RecipeOptions,
  stoppable,
  unpackState,
} from './recipe.ts';
import { inParts } from './rollout.ts';
import { sftInputs, sftLoss } from './sft.ts';

export interface SupervisedOptions extends RecipeOptions {
  readonly settings: SftSettings;
  readonly data: InstructionData;
  readonly endIds: readonly number[];
  readonly decode: (ids: readonly number[]) => string;
}

export interface SupervisedResult {
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Greedy answers to held-out rows; undefined where there are none. */
  readonly report: SftReport | undefined;
  readonly samples: readonly { readonly prompt: string; readonly before: string; readonly after: string }[];
  /**
   * `eval_loss` and `eval_perplexity` of the held-out answers, and `_before` of the base; `eval_unseen_…` of tasks held out;
   * `exact_match` and `rouge_l` of both.
   */
  readonly metrics: Readonly<Record<string, number>>;
}

export async function trainSupervised(options: SupervisedOptions): Promise<Outcome<SupervisedResult>> {
  const { settings, seed, data, host, resume } = options;
  const epochRows = [...data.shares.values()].reduce((sum, rows) => sum + rows, 0);
  const program = await createTrainingProgram({
    ...computationOf(options, settings),
    head: 'lm',
    inputs: sftInputs,
    loss: sftLoss,
  });
  try {
    let step = 0;
    if (resume) {
      program.restore(unpackState(resume.arrays));
      step = resume.step;
    }
    const steps = rewardSteps(epochRows, settings);
    const checkpointEvery = Math.max(1, Math.ceil(steps / 5));
    const checkpoints = new Checkpoints(host, program, step);
    const rng = Rng.seeded(seed);
    const perEpoch = Math.ceil(epochRows / settings.batchSize);

    // Where all weights are trained, what the model was before is gone afterwards; an adapter is only switched off.
    let start = resume?.values.start as Measured | undefined;
    if (settings.tuning === 'full' && !start) {
      const measured = await stoppable(
        host,
        () => checkpoints.save(step),
        own => measure(program, { ...options, host: own }, 'before'),
      );
      if (measured.kind === 'stopped') return measured;
      start = measured.value;
    }
    const save = () => checkpoints.save(step, new Map(), start ? { start } : {});

    host.phase(l10n.t('Training'));
    while (step < steps) {
      if (await host.breathe()) {
        await save();
        return { kind: 'stopped' };
      }
      const order = mixtureEpoch(data.train, data.shares, Math.floor(step / perEpoch), rng);
      const start = (step % perEpoch) * settings.batchSize;
      const batch = order.slice(start, start + settings.batchSize);
      const learningRate = learningRateAt(settings, step, steps);
      const { loss, gradNorm } = await supervisedStep(program, batch, learningRate, options);
      step++;
      await checkpoints.requireFinite({ step, loss, gradNorm });
      host.metrics(step, {
        loss,
        num_tokens: batch.reduce((sum, { ids }) => sum + ids.length, 0),
        grad_norm: gradNorm,
        learning_rate: learningRate,
        epoch: step / perEpoch,
      });
      host.progress(step, steps);
      if (step % checkpointEvery === 0 && step < steps) await save();
    }

    const known = start;
    const found = await stoppable(host, save, async own => ({
      before: known ?? (await measure(program, { ...options, host: own }, 'before')),
      after: await measure(program, { ...options, host: own }, 'after'),
    }));
    if (found.kind === 'stopped') return found;
    const { before, after } = found.value;
    const answered = answeredRows(options).map(({ task, unseen, references, prompt }, index) => ({
      ...{ task, unseen, references, prompt },
      before: before.answers[index]!,
      after: after.answers[index]!,
    }));
    const report = sftReport(answered);
    return {
      kind: 'finished',
      value: {
        parameters: program.state().parameters,
        shapes: program.shapes,
        report,
        samples: answered.slice(0, shownSamples).map(({ prompt, before, after }) => ({ prompt, before, after })),
        metrics: { ...lossMetrics(before, after), ...figuresOf(report), train_rows: epochRows, steps },
      },
    };
  } finally {
    await program.dispose();
  }
}

/** Answers that the dashboard shows. */
const shownSamples = 16;

/** What the model does with held-out examples at one time. */
interface Measured {
  /** Nats a token of the answers, of learned tasks and of those held out; absent where there are none. */
  readonly losses: Readonly<Record<string, number>>;
  /** To `answeredRows`. */
  readonly answers: readonly string[];
}

/** Before: the base, with an adapter switched off. Of a model whose every weight is trained, that is what it is at the start. */
async function measure(
  program: TrainingProgram,
  options: SupervisedOptions,
  when: 'before' | 'after',
): Promise<Measured> {
  const { data, host, settings } = options;
  host.phase(l10n.t('Measuring on held-out examples'));
  const adapter = when === 'after' || settings.tuning === 'full';
  const losses: Record<string, number> = {};
  for (const [name, rows] of [
    ['eval', data.heldOut],
    ['eval_unseen', data.unseen],
  ] as const) {
    const loss = await meanLoss(program, rowsToMeasure(rows, measuredRows), options, adapter);
    if (loss !== undefined) losses[name] = loss;
  }
  return { losses, answers: await answerHeldOut(program, options, when) };
}

/** Mean loss and perplexity of held-out answers before and now, as metrics. */
function lossMetrics(before: Measured, after: Measured): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const [name, loss] of Object.entries(after.losses)) {
    metrics[`${name}_loss_before`] = before.losses[name]!;
    metrics[`${name}_perplexity_before`] = Math.exp(before.losses[name]!);
    metrics[`${name}_loss`] = loss;
    metrics[`${name}_perplexity`] = Math.exp(loss);
  }
  return metrics;
}

/** `evaluationRows` of the learned tasks and as many of those held out. */
const answeredRows = ({ data, settings: { evaluationRows } }: SupervisedOptions) => [
  ...rowsToMeasure(data.heldOut, evaluationRows).map(row => ({ ...row, unseen: false })),
  ...rowsToMeasure(data.unseen, evaluationRows).map(row => ({ ...row, unseen: true })),
];

/** Greedy answers to these rows. */
async function answerHeldOut(
  program: TrainingProgram,
  options: SupervisedOptions,
  when: 'before' | 'after',
): Promise<string[]> {
  const { settings, config, weights, host, endIds, decode, threads } = options;
  const { maxNewTokens, lora, tuning } = settings;
  const rows = answeredRows(options);
  if (rows.length === 0) return [];
  host.phase(l10n.t('Answering held-out examples'));
  const model =
    tuning === 'full'
      ? { weights: when === 'before' ? weights : program.trainable }
      : { weights, adapter: { config: lora, weights: program.trainable } };
  const generator = await createGenerator({ config, ...model, ...(threads === undefined ? {} : { threads }) });
  const stop = new AbortController();
  try {
    const requests = rows.map((row, stream) => ({
      prompt: row.ids.slice(0, row.promptLength),
      options: { temperature: 0, maxNewTokens, seed: 0, endIds },
      stream,
    }));
    const onToken = () => {
      host.breathe().catch(() => stop.abort());
      return undefined;
    };
    const useAdapter = when === 'after' && tuning !== 'full';
    const found = await generator.generate(requests, { useAdapter, onToken, signal: stop.signal });
    // Who was told to stop says so here.
    await host.breathe();
    return found.map(({ tokens }) => decode(tokens));
  } finally {
    await generator.dispose();
  }
}

/** The report's figures as metrics. */
function figuresOf(report: SftReport | undefined): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const [group, name] of [
    [report?.seen, 'eval'],
    [report?.unseen, 'eval_unseen'],
  ] as const) {
    if (!group) continue;
    metrics[`${name}_exact_match_before`] = group.exactMatch.before.estimate;
    metrics[`${name}_exact_match`] = group.exactMatch.after.estimate;
    metrics[`${name}_rouge_l_before`] = group.rougeL.before.estimate;
    metrics[`${name}_rouge_l`] = group.rougeL.after.estimate;
  }
  return metrics;
}

/** Tokens that are learned: those of the answer. */
type Row = Pick<EncodedInstruction, 'ids' | 'promptLength'>;

const answerTokens = ({ ids, promptLength }: Row): number => ids.length - promptLength;

async function supervisedStep(
  program: TrainingProgram,
  batch: readonly Row[],
  learningRate: number,
  { settings, host }: SupervisedOptions,
) {
  const total = batch.reduce((sum, row) => sum + answerTokens(row), 0);
  let loss = 0;
  await inParts(batch, rowLength, settings.microBatchSize, host, async part => {
    loss += (
      await program.gradients(
        supervisedFeed(
          part.map(index => batch[index]!),
          1 / total,
        ),
      )
    ).loss;
  });
  return { loss, ...program.apply(learningRate) };
}

/** Nats a token of the answers; undefined of no examples. */
async function meanLoss(
  program: TrainingProgram,
  rows: readonly Row[],
  { settings, host }: SupervisedOptions,
  adapter: boolean,
): Promise<number | undefined> {
  let sum = 0;
  let tokens = 0;
  await inParts(rows, rowLength, settings.microBatchSize, host, async part => {
    const { logProbs } = (
      await program.forward(
        supervisedFeed(
          part.map(index => rows[index]!),
          0,
        ),
        { adapter },
      )
    ).rows;
    for (const value of logProbs!) sum -= value;
    tokens += logProbs!.length;
  });
  return tokens === 0 ? undefined : sum / tokens;
}

const rowLength = ({ ids }: Row): number => ids.length;

/** Rows of which only the answers are predicted, each of their tokens with the same weight in the loss. */
export function supervisedFeed(rows: readonly Row[], weight: number) {
  const ids = rows.map(row => row.ids);
  const tokens = rows.reduce((sum, row) => sum + answerTokens(row), 0);
  return {
    ids,
    predictions: predictFrom(
      ids,
      rows.map(row => row.promptLength),
    ),
    inputs: { weights: new Float32Array(tokens).fill(weight) },
  };
}
