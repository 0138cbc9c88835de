/** Losses, metrics and gradients of one step against TRL's own trainers, in float64 and in float32. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
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
import { encodeSafetensors, openSafetensors } from '../../src/language-model/weights/safetensors.ts';
import { openFile } from '../../src/storage/modelFolder.ts';
import { policyMethod, type Scored } from '../../src/training/policyMethods.ts';
import { dpoMethod, type Example, ktoMethod, type Method, type Row } from '../../src/training/preferenceMethods.ts';
import { rewardLesson } from '../../src/training/rewardModel.ts';
import { sftInputs, sftLoss } from '../../src/training/sft.ts';
import { supervisedFeed } from '../../src/training/supervised.ts';
import { openTrainingGraph, type Results, relativeDistance } from '../fakes/trainingGraphs.ts';
import { quick, recordFigures } from './figures.ts';
import { askPython, pythonWithTorch } from './python.ts';

/** Largest ‖Δg‖/‖g‖ of a weight, and relative difference of the loss. */
const tolerance: Readonly<Record<Precision, number>> = { float64: 1e-9, float32: 1e-4 };
const precisions: readonly Precision[] = ['float64', 'float32'];

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
const lora: LoraConfig = { r: 4, alpha: 6, targetModules: ['q_proj', 'v_proj', 'o_proj', 'up_proj', 'down_proj'] };

const rng = Rng.seeded(17);
const drawn = (shape: readonly number[], deviation: number): Float32Array =>
  Float32Array.from({ length: elementCount(shape) }, () => rng.normal() * deviation);
const weights = new Map(
  [...modelParameters(config)].map(([name, shape]) => {
    const values = drawn(shape, 0.2);
    return [name, name.endsWith('norm.weight') ? values.map(value => 1 + value) : values] as const;
  }),
);
const adapter = new Map([...loraParameters(config, lora)].map(([name, shape]) => [name, drawn(shape, 0.15)]));

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

interface Case {
  readonly name: string;
  /** What trainingLosses.py reads. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly ours: (precision: Precision) => Promise<Opinion>;
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
).map(([name, changes]): Case => {
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
).map(([name, changes]): Case => {
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
  trainable: { kind: 'lora', lora },
  weights: new Map([...weights, ...adapter]),
} as const;

const sequences = (rows: readonly { readonly ids: readonly number[]; readonly promptLength: number }[]) => {
  const ids = rows.map(row => row.ids);
  const starts = rows.map(row => row.promptLength);
  return { ids, predictions: predictFrom(ids, starts) };
};

/** Two prompts with three answers each; old and reference log-probabilities that clip some tokens and answers. */
const drawnAnswers = [4, 7, 1, 5, 3, 6].map((length, index) => {
  const prompt = pairs[Math.floor(index / 3)]!.chosen.slice(0, 4 + Math.floor(index / 3));
  const ids = tokens(length);
  const score = [1, 0, 0.5, -0.2, 0.9, 0.3][index]!;
  return { prompt, ids, noise: Array.from({ length: 2 * length }, () => rng.normal()), score };
});
const answers = await around(drawnAnswers);

/** Adds log-probabilities near those of the model that is trained. */
async function around(given: typeof drawnAnswers) {
  const opened = await openTrainingGraph({ ...trainedModel, temperature: 0.8 }, 'float32');
  const { predictions, ids } = sequences(
    given.map(one => ({ ids: [...one.prompt, ...one.ids], promptLength: one.prompt.length })),
  );
  const logProbs = (await opened.run({ ids, predictions })).get('logProbs')!;
  await opened.dispose();
  let at = 0;
  return given.map(({ noise, ...one }) => {
    const own = logProbs.slice(at, at + one.ids.length);
    at += one.ids.length;
    const moved = (deviation: number, from: number) =>
      Float32Array.from(own, (value, t) => value + deviation * noise[from + t]!);
    const values = Float32Array.from(own, (value, t) => 0.1 * value + 0.2 * noise[t]!);
    return { ...one, values, old: moved(0.15, 0), reference: moved(0.4, one.ids.length) };
  });
}

const policyCases = (
  [
    ...(['grpo', 'bnpo', 'dr_grpo', 'dapo'] as const).map(
      aggregation => [`grpo, ${aggregation}`, { ...grpoPresets.quick, aggregation, beta: 0.04 }] as const,
    ),
    ['grpo, clip-higher, unscaled', { ...grpoPresets.quick, beta: 0, clipRangeHigh: 0.28, scaleRewards: 'none' }],
    ['grpo, scaled by batch', { ...grpoPresets.quick, scaleRewards: 'batch' }],
    ['rloo', rlhfPresets.quick],
    ['ppo', { ...ppoPresets.quick, beta: 0.0625, gamma: 0.98 }],
  ] as const
).map(([name, preset]): Case => {
  const settings = { ...preset, samplesPerPrompt: 3, maxNewTokens: 9, temperature: 0.8, clipRange: 0.2 };
  const scored: Scored = {
    answers: answers.map(({ prompt, ids }) => ({ prompt: { ids: prompt, text: '' }, ids, text: '', ended: true })),
    scores: answers.map(({ score }) => score),
    old: answers.map(({ old }) => old),
    reference: answers.map(({ reference }) => reference),
    values: answers.map(({ values }) => values),
    kl: answers.map(({ old, reference }) => old.reduce((sum, value, t) => sum + value - reference[t]!, 0)),
    entropy: 0,
  };
  return {
    name,
    renamed: { kl_per_token: 'kl' },
    request: {
      method: settings.algorithm,
      settings,
      answers: answers.map(({ old, reference, values, ...rest }) => ({
        ...rest,
        old: [...old],
        reference: [...reference],
        values: [...values],
      })),
    },
    async ours(precision) {
      const method = policyMethod(settings);
      const opened = await openTrainingGraph(
        { ...trainedModel, loss: method.loss, inputs: method.inputs, temperature: settings.temperature },
        precision,
      );
      try {
        const inputs = method.lesson(scored).feed([...answers.keys()]) as Record<string, number[]>;
        const rows = answers.map(({ prompt, ids }) => ({ ids: [...prompt, ...ids], promptLength: prompt.length }));
        const results = await opened.run({ ...sequences(rows), inputs });
        const metrics = metricsOf(results);
        // The trainers of TRL do not tell it.
        if (settings.algorithm !== 'ppo') delete metrics['val/ratio'];
        if (settings.algorithm === 'grpo' && settings.beta === 0) delete metrics.kl_per_token;
        return { results, metrics };
      } finally {
        await opened.dispose();
      }
    },
  };
});

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
  ([name, given, centerRewardsCoefficient]): Case => ({
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
      const lesson = rewardLesson(given, centerRewardsCoefficient);
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

const sftCase: Case = {
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

/** In the quick part one of each family. */
const families = ['sft', 'reward, margin', 'cdpo', 'ipo', 'kto', 'grpo, dapo', 'rloo', 'ppo'];
const cases = [sftCase, ...rewardCases, ...dpoCases, ...ktoCases, ...policyCases].filter(
  ({ name }) => !quick || families.includes(name),
);

const metricsOf = (results: Results): Record<string, number> =>
  Object.fromEntries(
    [...results].flatMap(([name, values]) => (name.startsWith('metric:') ? [[name.slice(7), values[0]!]] : [])),
  );

interface Opinion {
  readonly results: Results;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What the engine computes for a case, in three passes as the recipe does: reference, mismatched answers, gradients. */
async function preferenceStep(method: Method, examples: readonly Example[], precision: Precision): Promise<Opinion> {
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

describe('losses beside TRL', function () {
  this.timeout(600_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tunesmith-losses-'));
  let metrics: Readonly<Record<Precision, readonly Readonly<Record<string, number>>[]>>;
  const rows: string[] = [];

  before(function () {
    const python = pythonWithTorch('trl==1.13.0');
    if (typeof python !== 'string') {
      console.log(`      skipped: ${python.missing}`);
      return this.skip();
    }
    const write = (file: string, shapes: ReadonlyMap<string, readonly number[]>, values: typeof weights): void => {
      const tensors = new Map([...shapes].map(([name, shape]) => [name, { shape, values: values.get(name)! }]));
      writeFileSync(path.join(folder, file), Buffer.concat(encodeSafetensors(tensors)));
    };
    write('model.safetensors', modelParameters(config), weights);
    write('adapter.safetensors', loraParameters(config, lora), adapter);
    write('head.safetensors', new Map([['score.weight', [1, json.hidden_size]]]), new Map([['score.weight', score]]));
    writeFileSync(path.join(folder, 'config.json'), JSON.stringify(json));
    const asked = cases.map(({ name, request }) => ({ name, ...request }));
    metrics = askPython(python, 'trainingLosses.py', { folder, lora, cases: asked });
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
    if (rows.length === 0) return;
    const heading =
      '| loss | precision | relative difference of the loss | largest ‖Δg‖/‖g‖ of a weight | largest difference of a metric |\n|---|---|---:|---:|---:|';
    const table = `${heading}\n${rows.join('\n')}`;
    console.log(table.replaceAll(/^/gm, '      '));
    recordFigures(
      'training-losses',
      `One step of a small Llama with LoRA against the trainers of TRL 1.13 (PPO: arXiv 2403.17031 written down again) in the same precision.\n\n${table}`,
    );
  });

  async function theirs(name: string, precision: Precision): Promise<Results> {
    const file = await openSafetensors(await openFile(path.join(folder, `${name}.${precision}.safetensors`)));
    const results = new Map<string, Float32Array | Float64Array>();
    for (const tensor of file.tensors.keys()) {
      if (tensor.startsWith('rest:')) continue;
      const values = await file.read(tensor);
      const rest = file.tensors.has(`rest:${tensor}`) ? await file.read(`rest:${tensor}`) : undefined;
      results.set(tensor, rest ? Float64Array.from(values, (value, i) => value + rest[i]!) : values);
    }
    await file.close();
    return results;
  }

  for (const [index, one] of cases.entries()) {
    for (const precision of precisions) {
      it(`${one.name} in ${precision}`, async () => {
        const mine = await one.ours(precision);
        const expected = await theirs(one.name, precision);
        const loss = relativeDistance(mine.results.get('loss')!, expected.get('loss')!);
        const grads = [...mine.results.keys()].filter(name => name.startsWith('grad:'));
        assert.deepEqual(grads.sort(), [...expected.keys()].filter(name => name.startsWith('grad:')).sort());
        const gradient = Math.max(...grads.map(name => relativeDistance(mine.results.get(name)!, expected.get(name)!)));
        const told = metrics[precision][index]!;
        const names = Object.keys(mine.metrics);
        // Supervised fine-tuning tells its loss alone.
        assert.ok(one === sftCase || names.length >= 3, `${names}`);
        const apart = Math.max(
          0,
          ...names.map(name => Math.abs(mine.metrics[name]! - (told[one.renamed?.[name] ?? name] ?? Number.NaN))),
        );
        const figures = [loss, gradient, apart].map(value => value.toExponential(1));
        rows.push(`| ${one.name} | ${precision} | ${figures.join(' | ')} |`);
        assert.ok(loss <= tolerance[precision], `loss: ${loss}`);
        assert.ok(gradient <= tolerance[precision], `gradient: ${gradient}`);
        assert.ok(apart <= tolerance[precision], `metrics: ${apart}`);
      });
    }
  }
});
