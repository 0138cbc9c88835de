/** One step of every loss on fixed inputs: what TRL is asked, and what the engine computes. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Rng } from '../../src/base/rng.ts';
import {
  dpoPresets,
  grpoPresets,
  ktoPresets,
  ppoPresets,
  rewardPresets,
  rlhfPresets,
} from '../../src/core/jobs/presets.ts';
import { elementCount, type Precision } from '../../src/engine/index.ts';
import { parseModelConfig } from '../../src/language-model/config.ts';
import { type LoraConfig, loraParameters } from '../../src/language-model/lora.ts';
import { modelParameters } from '../../src/language-model/model.ts';
import { predictFrom } from '../../src/language-model/trainable.ts';
import { encodeSafetensors } from '../../src/language-model/weights/safetensors.ts';
import { criticInputs, valueLoss } from '../../src/training/critic.ts';
import { policyMethod, type Scored } from '../../src/training/policyMethods.ts';
import { dpoMethod, type Example, ktoMethod, type Method, type Row } from '../../src/training/preferenceMethods.ts';
import { rewardLesson } from '../../src/training/rewardLessons.ts';
import { sftInputs, sftLoss } from '../../src/training/sft.ts';
import { supervisedFeed } from '../../src/training/supervised.ts';
import { openTrainingGraph, type Results } from './trainingGraphs.ts';

const json = {
  model_type: 'llama',
  vocab_size: 97,
  hidden_size: 32,
  intermediate_size: 56,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
  eos_token_id: 2,
  bos_token_id: 2,
};
const config = parseModelConfig(json, 'config.json');
export const lossLora: LoraConfig = {
  r: 4,
  alpha: 6,
  targetModules: ['q_proj', 'v_proj', 'o_proj', 'up_proj', 'down_proj'],
};

const rng = Rng.seeded(17);
const drawn = (shape: readonly number[], deviation: number): Float32Array =>
  Float32Array.from({ length: elementCount(shape) }, () => rng.normal() * deviation);
const weights = new Map(
  [...modelParameters(config)].map(([name, shape]) => {
    const values = drawn(shape, 0.2);
    return [name, name.endsWith('norm.weight') ? values.map(value => 1 + value) : values] as const;
  }),
);
const adapter = new Map([...loraParameters(config, lossLora)].map(([name, shape]) => [name, drawn(shape, 0.15)]));

const tokens = (length: number): number[] => Array.from({ length }, () => 3 + rng.int(90));

/** Answers of different lengths to prompts of different lengths. */
const pairs = [5, 2, 9, 4].map((length, index) => {
  const prompt = tokens(3 + index);
  return {
    promptLength: prompt.length,
    chosen: [...prompt, ...tokens(length), 2],
    rejected: [...prompt, ...tokens(11 - length), 2],
  };
});
const labelled = pairs.flatMap(({ promptLength, chosen, rejected }, index) => [
  { ids: chosen, promptLength, desirable: true },
  ...(index === 2 ? [] : [{ ids: rejected, promptLength, desirable: false }]),
]);

export interface LossCase {
  readonly name: string;
  /** What trainingLosses.py reads. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly ours: (precision: Precision) => Promise<LossOpinion>;
  /** Metrics that the two name differently: ours → theirs. */
  readonly renamed?: Readonly<Record<string, string>>;
}

const dpoCases = (
  [
    ['dpo', { loss: 'sigmoid', beta: 0.1, labelSmoothing: 0 }],
    ['dpo, steep', { loss: 'sigmoid', beta: 2, labelSmoothing: 0 }],
    ['cdpo', { loss: 'sigmoid', beta: 0.5, labelSmoothing: 0.15 }],
    ['ipo', { loss: 'ipo', beta: 0.1, labelSmoothing: 0 }],
  ] as const
).map(([name, changes]): LossCase => {
  const settings = { ...dpoPresets.quick, ...changes };
  const row = (ids: readonly number[], promptLength: number) => ({ ids, promptLength });
  return {
    name,
    ours: precision => preferenceStep(dpoMethod(settings), dpoMethod.examples(pairs), precision),
    request: {
      method: 'dpo',
      settings,
      pairs: pairs.map(({ chosen, rejected, promptLength }) => ({
        chosen: row(chosen, promptLength),
        rejected: row(rejected, promptLength),
      })),
    },
  };
});

const ktoCases = (
  [
    ['kto', { beta: 0.1, desirableWeight: 1, undesirableWeight: 1 }],
    ['kto, weighted', { beta: 0.7, desirableWeight: 1.5, undesirableWeight: 0.8 }],
  ] as const
).map(([name, changes]): LossCase => {
  const settings = { ...ktoPresets.quick, ...changes };
  const examples = ktoMethod.examples(labelled);
  return {
    name,
    ours: precision => preferenceStep(ktoMethod(settings), examples, precision),
    request: {
      method: 'kto',
      settings,
      answers: examples.map(({ rows, mismatched, desirable }) => ({ row: rows[0], mismatched, desirable })),
    },
  };
});

const trainedModel = {
  config,
  head: 'lm',
  trainable: { kind: 'lora', lora: lossLora },
  weights: new Map([...weights, ...adapter]),
} as const;

const sequences = (rows: readonly { readonly ids: readonly number[]; readonly promptLength: number }[]) => {
  const ids = rows.map(row => row.ids);
  const starts = rows.map(row => row.promptLength);
  return { ids, predictions: predictFrom(ids, starts) };
};

/** An answer with what a rollout knows of its tokens. */
export interface KnownAnswer {
  readonly prompt: readonly number[];
  readonly ids: readonly number[];
  readonly score: number;
  readonly old: readonly number[];
  readonly reference: readonly number[];
  readonly values: readonly number[];
}

const drawnAnswers = [4, 7, 1, 5, 3, 6].map((length, index) => {
  const prompt = pairs[Math.floor(index / 3)]!.chosen.slice(0, 4 + Math.floor(index / 3));
  const ids = tokens(length);
  const score = [1, 0, 0.5, -0.2, 0.9, 0.3][index]!;
  return { prompt, ids, noise: Array.from({ length: 2 * length }, () => rng.normal()), score };
});

/** Two prompts with three answers each; old and reference log-probabilities near the model's, that clip some tokens and answers. */
export async function knownAnswers(): Promise<KnownAnswer[]> {
  const opened = await openTrainingGraph({ ...trainedModel, temperature: 0.8 }, 'float32');
  const { predictions, ids } = sequences(
    drawnAnswers.map(one => ({ ids: [...one.prompt, ...one.ids], promptLength: one.prompt.length })),
  );
  const logProbs = (await opened.run({ ids, predictions })).get('logProbs')!;
  await opened.dispose();
  let at = 0;
  return drawnAnswers.map(({ noise, ...one }) => {
    const own = logProbs.slice(at, at + one.ids.length);
    at += one.ids.length;
    const moved = (deviation: number, from: number) =>
      Array.from(own, (value, t) => Math.fround(value + deviation * noise[from + t]!));
    const values = Array.from(own, (value, t) => Math.fround(0.1 * value + 0.2 * noise[t]!));
    return { ...one, values, old: moved(0.15, 0), reference: moved(0.4, one.ids.length) };
  });
}

const policyPresets = [
  ...(['grpo', 'bnpo', 'dr_grpo', 'dapo'] as const).map(
    aggregation => [`grpo, ${aggregation}`, { ...grpoPresets.quick, aggregation, beta: 0.04 }] as const,
  ),
  ['grpo, clip-higher, unscaled', { ...grpoPresets.quick, beta: 0, clipRangeHigh: 0.28, scaleRewards: 'none' }],
  ['grpo, scaled by batch', { ...grpoPresets.quick, scaleRewards: 'batch' }],
  ['rloo', rlhfPresets.quick],
  ['ppo', { ...ppoPresets.quick, beta: 0.0625, gamma: 0.98 }],
] as const;

const policyCase = ([name, preset]: (typeof policyPresets)[number], answers: readonly KnownAnswer[]): LossCase => {
  const settings = { ...preset, samplesPerPrompt: 3, maxNewTokens: 9, temperature: 0.8, clipRange: 0.2 };
  const scored: Scored = {
    answers: answers.map(({ prompt, ids }) => ({ prompt: { ids: prompt, text: '' }, ids, text: '', ended: true })),
    scores: answers.map(({ score }) => score),
    old: answers.map(({ old }) => Float32Array.from(old)),
    reference: answers.map(({ reference }) => Float32Array.from(reference)),
    values: answers.map(({ values }) => Float32Array.from(values)),
    kl: answers.map(({ old, reference }) => old.reduce((sum, value, t) => sum + value - reference[t]!, 0)),
    entropy: 0,
  };
  return {
    name,
    renamed: { kl_per_token: 'kl' },
    request: { method: settings.algorithm, settings, answers },
    async ours(precision) {
      const method = policyMethod(settings);
      const opened = await openTrainingGraph(
        { ...trainedModel, loss: method.loss, inputs: method.inputs, temperature: settings.temperature },
        precision,
      );
      try {
        const lesson = method.lesson(scored);
        const inputs = lesson.feed([...answers.keys()]) as Record<string, number[]>;
        const results = await opened.run({ ...sequences(answers.map(rowOf)), inputs });
        const metrics = metricsOf(results);
        // The trainers of TRL do not tell it.
        if (settings.algorithm !== 'ppo') delete metrics['val/ratio'];
        if (settings.algorithm === 'grpo' && settings.beta === 0) delete metrics.kl_per_token;
        const known = new Map([['advantages', Float64Array.from(inputs.advantages!)]]);
        if (lesson.returns) known.set('returns', Float64Array.from(lesson.returns.flatMap(row => [...row])));
        return { results: new Map([...results, ...known]), metrics };
      } finally {
        await opened.dispose();
      }
    },
  };
};

const rowOf = ({ prompt, ids }: KnownAnswer) => ({ ids: [...prompt, ...ids], promptLength: prompt.length });

/** PPO's critic: some values are clipped, some are not. */
const criticCase = (answers: readonly KnownAnswer[]): LossCase => {
  const settings = { ...ppoPresets.quick, valueClipRange: 0.2 };
  const returns = answers.map(({ values, old }) => values.map((value, t) => value + 0.3 * old[t]!));
  return {
    name: 'ppo, critic',
    request: { method: 'critic', settings, answers: answers.map((one, row) => ({ ...one, returns: returns[row] })) },
    async ours(precision) {
      const weights = new Map([...trainedModel.weights, ['score.weight', score]]);
      const loss = valueLoss(settings.valueClipRange);
      const opened = await openTrainingGraph(
        { ...trainedModel, head: 'score', weights, loss, inputs: criticInputs },
        precision,
      );
      try {
        const oldValues = answers.flatMap(({ values }) => values);
        const share = oldValues.map(() => 1 / oldValues.length);
        const inputs = { oldValues, returns: returns.flat(), share, bias: 0 };
        return { results: await opened.run({ ...sequences(answers.map(rowOf)), inputs }), metrics: {} };
      } finally {
        await opened.dispose();
      }
    },
  };
};

const score = drawn([1, json.hidden_size], 0.4);
/** Margins that some pairs have reached and others have not. */
const demanding = pairs.map((pair, index) => ({ ...pair, margin: [0.5, 0, 3.25, -0.75][index]! }));

const rewardCases = (
  [
    ['reward', pairs, 0],
    ['reward, centred', pairs, 0.01],
    ['reward, margin', demanding, 0.01],
  ] as const
).map(
  ([name, given, centerRewardsCoefficient]): LossCase => ({
    name,
    request: {
      method: 'reward',
      settings: { ...rewardPresets.quick, centerRewardsCoefficient },
      pairs: given.map(({ chosen, rejected, promptLength, ...margin }) => ({
        chosen: { ids: chosen, promptLength },
        rejected: { ids: rejected, promptLength },
        ...margin,
      })),
    },
    async ours(precision) {
      const lesson = rewardLesson(given, { centerRewardsCoefficient, loss: 'bradley-terry', tieThreshold: 1 });
      const withHead = new Map([...trainedModel.weights, ['score.weight', score]]);
      const { loss, inputs } = lesson;
      const opened = await openTrainingGraph(
        { ...trainedModel, head: 'score', weights: withHead, loss, inputs },
        precision,
      );
      try {
        const rows = given.flatMap(({ chosen, rejected, promptLength }) => [
          { ids: chosen, promptLength },
          { ids: rejected, promptLength },
        ]);
        const results = await opened.run({ ...sequences(rows), inputs: lesson.feed(given, 1 / given.length) });
        return { results, metrics: lesson.metrics(given, [metricsOf(results)]) };
      } finally {
        await opened.dispose();
      }
    },
  }),
);

const sftCase: LossCase = {
  name: 'sft',
  request: { method: 'sft', rows: labelled },
  async ours(precision) {
    const opened = await openTrainingGraph({ ...trainedModel, loss: sftLoss, inputs: sftInputs }, precision);
    try {
      const total = labelled.reduce((sum, { ids, promptLength }) => sum + ids.length - promptLength, 0);
      const { inputs, ...batch } = supervisedFeed(labelled, 1 / total);
      // In double precision: the recipe's own are single.
      const weights = Array.from(inputs.weights, () => 1 / total);
      return { results: await opened.run({ ...batch, inputs: { weights } }), metrics: {} };
    } finally {
      await opened.dispose();
    }
  },
};

/** One of each family. */
export const lossFamilies: readonly string[] = [
  'sft',
  'reward, margin',
  'cdpo',
  'ipo',
  'kto',
  'grpo, dapo',
  'rloo',
  'ppo',
  'ppo, critic',
];

export const lossCases = (answers: readonly KnownAnswer[]): LossCase[] => [
  sftCase,
  ...rewardCases,
  ...dpoCases,
  ...ktoCases,
  ...policyPresets.map(preset => policyCase(preset, answers)),
  criticCase(answers),
];

export interface LossFixtures {
  readonly madeBy: string;
  readonly answers: readonly KnownAnswer[];
  /** `values` are the numbers of `sizes` one after the other, float64 in base64. */
  readonly cases: Readonly<
    Record<
      string,
      {
        readonly sizes: Readonly<Record<string, number>>;
        readonly values: string;
        readonly metrics: Readonly<Record<string, number>>;
      }
    >
  >;
}

export const lossFixtures = path.join(import.meta.dirname, '..', 'golden', 'losses', 'trl.json');

/** Writes the model, its adapter and its score head as files that trainingLosses.py reads. */
export function writeLossModel(folder: string): void {
  const write = (file: string, shapes: ReadonlyMap<string, readonly number[]>, values: typeof weights): void => {
    const tensors = new Map([...shapes].map(([name, shape]) => [name, { shape, values: values.get(name)! }]));
    writeFileSync(path.join(folder, file), Buffer.concat(encodeSafetensors(tensors)));
  };
  write('model.safetensors', modelParameters(config), weights);
  write('adapter.safetensors', loraParameters(config, lossLora), adapter);
  write('head.safetensors', new Map([['score.weight', [1, json.hidden_size]]]), new Map([['score.weight', score]]));
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(json));
}

const metricsOf = (results: Results): Record<string, number> =>
  Object.fromEntries(
    [...results].flatMap(([name, values]) => (name.startsWith('metric:') ? [[name.slice(7), values[0]!]] : [])),
  );

export interface LossOpinion {
  /** `loss`, `grad:<name>` of each trained weight and, where there are any, `advantages` and `returns`. */
  readonly results: Results;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What the engine computes for a case, in three passes as the recipe does: reference, mismatched answers, gradients. */
async function preferenceStep(
  method: Method,
  examples: readonly Example[],
  precision: Precision,
): Promise<LossOpinion> {
  const opened = await openTrainingGraph({ ...trainedModel, loss: method.loss, inputs: method.inputs }, precision);
  const logProbs = async (rows: readonly Row[], withAdapter: boolean): Promise<number[]> => {
    const given = sequences(rows);
    const inputs = method.idle(rows.length) as Record<string, number[] | number>;
    const results = await opened.run({ ...given, inputs }, { adapter: withAdapter });
    const sums = rows.map(() => 0);
    for (const [n, row] of Array.from(given.predictions.rows).entries()) sums[row]! += results.get('logProbs')![n]!;
    return sums;
  };
  try {
    const rows = examples.flatMap(example => example.rows);
    const strange = examples.flatMap(({ mismatched }) => (mismatched ? [mismatched] : []));
    for (const part of [rows, strange]) {
      if (part.length === 0) continue;
      const reference = await logProbs(part, false);
      for (const [index, row] of part.entries()) row.reference = reference[index]!;
    }
    const moved = strange.length === 0 ? [] : await logProbs(strange, true);
    const z = method.anchor(strange.map(({ reference }, index) => moved[index]! - reference));
    const inputs = method.feed(examples, examples.length, z) as Record<string, number[] | number>;
    const results = await opened.run({ ...sequences(rows), inputs });
    return { results, metrics: method.metrics(examples, metricsOf(results), z) };
  } finally {
    await opened.dispose();
  }
}
