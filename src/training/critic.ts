/** PPO's critic: a model of its own on the same base that says, before each token of an answer, what reward is still to come. */
import { add, clamp, type InputSpec, maximum, mul, square, sub, sum, type Value } from '../engine/index.ts';
import type { ModelConfig } from '../language-model/config.ts';
import type { LoraConfig } from '../language-model/lora.ts';
import { createTrainingProgram, type LossBuilder, type TrainingProgramOptions } from '../language-model/trainable.ts';
import { packState, type RecipeHost, unpackState } from './recipe.ts';
import { type Answer, answerBatch, inParts, rowLength } from './rollout.ts';

/** Where a critic starts: adapter and score head of a reward model, whose rewards are the head's output plus `bias`. */
export interface CriticStart {
  readonly lora: LoraConfig;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly bias: number;
}

/** For each answer token: the value before it at the time of the rollout, what it should have been, and what it counts. */
export const criticInputs = {
  oldValues: { dtype: 'float32', shape: ['N'] },
  returns: { dtype: 'float32', shape: ['N'] },
  share: { dtype: 'float32', shape: ['N'] },
  bias: { dtype: 'float32', shape: [] },
} as const satisfies Readonly<Record<string, InputSpec>>;

/** ½ Σ_t w_t max((v − R)², (clip(v, v_old ± c) − R)²), w = 1/tokens of the step. */
export const valueLoss =
  (clipRange: number): LossBuilder =>
  (_graph, out, inputs) => {
    const values = add(out.values, inputs.bias!);
    const old = inputs.oldValues!;
    const held = clamp(values, sub(old, clipRange), add(old, clipRange));
    const error = (of: Value) => square(sub(of, inputs.returns!));
    return {
      loss: mul(sum(mul(maximum(error(values), error(held)), inputs.share!)), 0.5),
      rows: { values },
    };
  };

export interface CriticOptions {
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly lora: LoraConfig;
  readonly start: CriticStart | undefined;
  readonly seed: number;
  readonly clipRange: number;
  /** What its loss counts beside the policy's. */
  readonly weight: number;
  readonly microBatchSize: number;
  readonly optimizer: TrainingProgramOptions['optimizer'];
  readonly computation: Pick<TrainingProgramOptions, 'baseProducts' | 'recompute' | 'threads'>;
  readonly host: RecipeHost;
}

export interface Critic {
  /** The value before each token of each answer. */
  values(answers: readonly Answer[]): Promise<Float32Array[]>;
  /** One update; the unweighted loss. */
  learn(
    answers: readonly Answer[],
    old: readonly Float32Array[],
    returns: readonly Float64Array[],
    learningRate: number,
  ): Promise<{ readonly loss: number; readonly gradNorm: number }>;
  /** For a checkpoint. */
  arrays(): Map<string, Float32Array>;
  restore(arrays: ReadonlyMap<string, Float32Array>): void;
  dispose(): Promise<void>;
}

const prefix = 'critic:';

export async function createCritic(options: CriticOptions): Promise<Critic> {
  const { config, weights, start, seed, host, microBatchSize } = options;
  const bias = start?.bias ?? 0;
  const program = await createTrainingProgram({
    config,
    weights,
    trainable: {
      kind: 'lora',
      lora: start?.lora ?? options.lora,
      seed,
      ...(start ? { initial: start.parameters } : {}),
    },
    head: 'score',
    inputs: criticInputs,
    loss: valueLoss(options.clipRange),
    optimizer: options.optimizer,
    ...options.computation,
  });
  const flat = (rows: readonly ArrayLike<number>[], part: readonly number[]) =>
    part.flatMap(row => Array.from(rows[row]!));
  return {
    async values(answers) {
      const values = new Array<Float32Array>(answers.length);
      await inParts(answers, rowLength, microBatchSize, host, async part => {
        const batch = answerBatch(part.map(index => answers[index]!));
        const idle = new Float32Array(batch.predictions.targets.length);
        const inputs = { oldValues: idle, returns: idle, share: idle, bias };
        const { rows } = await program.forward({ ...batch, inputs });
        let at = 0;
        for (const index of part) {
          const end = at + answers[index]!.ids.length;
          values[index] = rows.values!.slice(at, end);
          at = end;
        }
      });
      return values;
    },
    async learn(answers, old, returns, learningRate) {
      const total = answers.reduce((sum, { ids }) => sum + ids.length, 0);
      let loss = 0;
      await inParts(answers, rowLength, microBatchSize, host, async part => {
        const batch = answerBatch(part.map(index => answers[index]!));
        const inputs = {
          oldValues: flat(old, part),
          returns: flat(returns, part),
          share: new Array<number>(batch.predictions.targets.length).fill(1 / total),
          bias,
        };
        loss += (await program.gradients({ ...batch, inputs }, { weight: options.weight })).loss;
      });
      return { loss, ...program.apply(learningRate) };
    },
    arrays: () => new Map([...packState(program.state())].map(([name, array]) => [prefix + name, array])),
    restore(arrays) {
      const own = [...arrays].filter(([name]) => name.startsWith(prefix));
      program.restore(unpackState(new Map(own.map(([name, array]) => [name.slice(prefix.length), array]))));
    },
    dispose: () => program.dispose(),
  };
}
