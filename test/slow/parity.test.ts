/** Losses, log-probabilities and every gradient against PyTorch, transformers and PEFT, in float64 and in float32. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fetchTestModel } from '../../scripts/fetchTestModel.ts';
import { Rng } from '../../src/base/rng.ts';
import { elementCount, type Precision } from '../../src/engine/index.ts';
import { formatModelConfig, type ModelConfig, parseModelConfig } from '../../src/language-model/config.ts';
import { type LoraConfig, loraParameters } from '../../src/language-model/lora.ts';
import { modelParameters } from '../../src/language-model/model.ts';
import { openModelGguf } from '../../src/language-model/modelFiles.ts';
import { type Predictions, predictFrom } from '../../src/language-model/trainable.ts';
import { encodeSafetensors, openSafetensors } from '../../src/language-model/weights/safetensors.ts';
import { openFile } from '../../src/storage/modelFolder.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { type Results, relativeDistance, runTrainingGraph } from '../fakes/trainingGraphs.ts';
import { quick, recordFigures } from './figures.ts';
import { askPython, pythonWithTorch } from './python.ts';

/**
 * The largest ‖Δg‖/‖g‖ of a weight, and the largest difference of a log-probability or score. In float64 far below what
 * single precision can do, so that a constant or attribute that is not exact is noticed.
 */
const tolerance: Readonly<Record<Precision, number>> = { float64: 1e-9, float32: 1e-4 };
const precisions: readonly Precision[] = ['float64', 'float32'];

interface Case {
  readonly name: string;
  /** As in config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly head: 'lm' | 'score';
  readonly lora?: LoraConfig;
  readonly adapter?: ReadonlyMap<string, Float32Array>;
  readonly temperature: number;
  readonly ids: readonly (readonly number[])[];
  readonly predictions: Predictions;
}

const smallVocabulary = { vocab_size: 211, tie_word_embeddings: true, eos_token_id: 2, bos_token_id: 2 };
const small = {
  ...smallVocabulary,
  hidden_size: 48,
  intermediate_size: 80,
  num_hidden_layers: 3,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
};
const llama3Scaling = {
  rope_type: 'llama3',
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 32,
};
const shapes: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  llama: { model_type: 'llama' },
  'llama-untied': { model_type: 'llama', tie_word_embeddings: false, num_key_value_heads: 6, rope_theta: 500 },
  'llama-biased': { model_type: 'llama', attention_bias: true, mlp_bias: true, head_dim: 12, num_key_value_heads: 1 },
  'llama-3': { model_type: 'llama', rope_theta: 500000, rope_scaling: llama3Scaling, tie_word_embeddings: false },
  qwen2: { model_type: 'qwen2', rms_norm_eps: 1e-6, rope_theta: 1000000 },
  gpt2: {
    model_type: 'gpt2',
    n_embd: 48,
    n_inner: 100,
    n_layer: 3,
    n_head: 6,
    n_positions: 64,
    activation_function: 'gelu_new',
    layer_norm_epsilon: 1e-5,
  },
  'gpt2-untied': {
    model_type: 'gpt2',
    n_embd: 48,
    n_layer: 2,
    n_head: 4,
    n_positions: 64,
    activation_function: 'gelu_new',
    tie_word_embeddings: false,
  },
};
const everywhere: LoraConfig = { r: 4, alpha: 6, targetModules: 'all-linear' };
const somewhere: LoraConfig = { r: 3, alpha: 5, targetModules: ['q_proj', 'down_proj'], useRslora: true };

/** Ragged sequences, one of them a single token, and two of three of their tokens to predict. */
function raggedBatch(rng: Rng, vocabSize: number): Pick<Case, 'ids' | 'predictions'> {
  const ids = [17, 5, 31, 1, 24].map(length => Array.from({ length }, () => rng.int(vocabSize)));
  return { ids, predictions: someOf(predictFrom(ids, [3, 1, 12, 1, 1])) };
}

function someOf(all: Predictions): Predictions {
  const some = (values: ArrayLike<number>) => Array.from(values).filter((_, n) => n % 3 !== 1);
  return { rows: some(all.rows), times: some(all.times), targets: some(all.targets) };
}

function drawn(rng: Rng, shape: readonly number[], deviation: number): Float32Array {
  return Float32Array.from({ length: elementCount(shape) }, () => rng.normal() * deviation);
}

/** A random model of a shape: gains and biases differ from place to place, A and B of an adapter are not zero. */
function randomCase(shape: string, kind: Partial<Pick<Case, 'head' | 'lora' | 'temperature'>> = {}): Case {
  const { head = 'lm', lora, temperature = 1 } = kind;
  const json = { ...(shape.startsWith('gpt2') ? smallVocabulary : small), ...shapes[shape] };
  const config = parseModelConfig(json, 'config.json');
  const name = [shape, head, ...(lora ? [lora === everywhere ? 'lora-all' : 'lora-some'] : [])].join('-');
  const rng = Rng.seeded(31).stream(name);
  const weights = new Map(
    [...modelParameters(config, head)].map(([weight, dims]) => {
      const values = drawn(rng, dims, 0.15);
      const gain = /(norm|ln_[12f])\.weight$/.test(weight);
      return [weight, gain ? values.map(value => 1 + 2 * value) : values] as const;
    }),
  );
  return {
    name,
    config: json,
    weights,
    head,
    ...(lora ? { lora, adapter: randomAdapter(config, lora, rng) } : {}),
    temperature,
    ...raggedBatch(rng, config.vocabSize),
  };
}

const randomAdapter = (config: ModelConfig, lora: LoraConfig, rng: Rng): Map<string, Float32Array> =>
  new Map([...loraParameters(config, lora)].map(([name, dims]) => [name, drawn(rng, dims, 0.2)]));

const cases = (): Case[] => [
  randomCase('llama', { temperature: 0.7 }),
  randomCase('qwen2'),
  randomCase('llama', { lora: everywhere }),
  randomCase('qwen2', { head: 'score' }),
  randomCase('gpt2'),
  ...(quick
    ? []
    : [
        randomCase('llama-untied'),
        randomCase('llama-biased'),
        randomCase('llama-3', { temperature: 1.3 }),
        randomCase('llama', { head: 'score' }),
        randomCase('qwen2', { lora: everywhere }),
        randomCase('qwen2', { lora: somewhere, temperature: 0.8 }),
        randomCase('llama-untied', { lora: somewhere }),
        randomCase('llama', { head: 'score', lora: somewhere }),
        randomCase('gpt2-untied', { temperature: 0.9 }),
        randomCase('gpt2', { head: 'score' }),
        randomCase('gpt2', { lora: everywhere }),
        randomCase('gpt2-untied', { lora: { ...somewhere, targetModules: ['c_attn', 'mlp.c_proj'] } }),
      ]),
];

/** What the engine computes for a case: `loss`, `logProbs` or `scores`, and `grad:<name>` of each trained weight. */
async function ours(given: Case, precision: Precision): Promise<Results> {
  const config = parseModelConfig(given.config, 'config.json');
  return runTrainingGraph(
    {
      config,
      head: given.head,
      trainable: given.lora ? { kind: 'lora', lora: given.lora } : { kind: 'full' },
      temperature: given.temperature,
      weights: new Map([...given.weights, ...(given.adapter ?? [])]),
    },
    given,
    precision,
  );
}

/** Writes what parity.py reads. */
function hand(folder: string, given: Case): void {
  const at = path.join(folder, given.name);
  mkdirSync(at, { recursive: true });
  const config = parseModelConfig(given.config, 'config.json');
  const write = (file: string, dims: ReadonlyMap<string, readonly number[]>, values: Case['weights']): void => {
    const tensors = new Map([...dims].map(([name, shape]) => [name, { shape, values: values.get(name)! }]));
    writeFileSync(path.join(at, file), '');
    for (const piece of encodeSafetensors(tensors)) writeFileSync(path.join(at, file), piece, { flag: 'a' });
  };
  const { weights, adapter, config: json, ...request } = given;
  write('model.safetensors', modelParameters(config, given.head), weights);
  if (given.lora) write('adapter.safetensors', loraParameters(config, given.lora), adapter!);
  writeFileSync(path.join(at, 'config.json'), JSON.stringify(json));
  writeFileSync(path.join(at, 'request.json'), JSON.stringify(request));
}

async function theirs(folder: string, name: string, precision: Precision): Promise<Results> {
  const file = await openSafetensors(await openFile(path.join(folder, name, `${precision}.safetensors`)));
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

interface Difference {
  /** Largest ‖Δg‖/‖g‖ over the trained weights, and whose it is. */
  readonly gradient: number;
  readonly worst: string;
  /** Largest absolute difference of the loss, a log-probability or a score. */
  readonly output: number;
}

/** Compares result by result; both sides have to have the same ones. */
function difference(a: Results, b: Results): Difference {
  assert.deepEqual([...a.keys()].sort(), [...b.keys()].sort());
  let [gradient, output, worst] = [0, 0, ''];
  for (const [name, values] of a) {
    const expected = b.get(name)!;
    assert.equal(values.length, expected.length, name);
    if (!name.startsWith('grad:')) {
      values.forEach((value, i) => {
        output = Math.max(output, Math.abs(value - expected[i]!));
      });
      continue;
    }
    const relative = relativeDistance(values, expected);
    if (relative > gradient) [gradient, worst] = [relative, name];
    assert.ok(Number.isFinite(relative), `${name}: ${relative}`);
  }
  return { gradient, worst, output };
}

function check(found: Difference, precision: Precision): void {
  assert.ok(found.gradient <= tolerance[precision], `${found.worst}: ‖Δg‖/‖g‖ is ${found.gradient}`);
  assert.ok(found.output <= tolerance[precision], `a log-prob, score or loss differs by ${found.output}`);
}

const line = (name: string, precision: Precision, { gradient, output, worst }: Difference): string =>
  `| ${name} | ${precision} | ${output.toExponential(1)} | ${gradient.toExponential(1)} | ${worst.slice('grad:'.length)} |`;
const heading =
  '| case | precision | largest difference of a log-prob, score or loss | largest ‖Δg‖/‖g‖ of a weight | which |\n|---|---|---:|---:|---|';

function report(section: string, intro: string, rows: readonly string[]): void {
  const table = `${heading}\n${rows.join('\n')}`;
  console.log(table.replaceAll(/^/gm, '      '));
  recordFigures(section, `${intro}\n\n${table}`);
}

describe('parity with PyTorch', function () {
  this.timeout(1_800_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tunesmith-parity-'));
  let python: string;

  before(function () {
    const found = pythonWithTorch();
    if (typeof found !== 'string') {
      console.log(`      skipped: ${found.missing}`);
      return this.skip();
    }
    python = found;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const given = cases();
  describe('random models', () => {
    const rows: string[] = [];
    before(() => {
      for (const one of given) hand(folder, one);
      const names = given.map(one => one.name);
      for (const precision of precisions) askPython(python, 'parity.py', { folder, precision, cases: names });
    });
    after(() =>
      report(
        'parity-random-models',
        'Random models with ragged batches against PyTorch, transformers and PEFT in the same precision.',
        rows,
      ),
    );
    for (const one of given) {
      for (const precision of precisions) {
        it(`${one.name} in ${precision}`, async () => {
          const found = difference(await ours(one, precision), await theirs(folder, one.name, precision));
          rows.push(line(one.name, precision, found));
          check(found, precision);
        });
      }
    }

    it('notices a gradient that is wrong by a part in a million', async () => {
      const one = given[0]!;
      const right = await theirs(folder, one.name, 'float64');
      const wrong = new Map(await ours(one, 'float64'));
      const name = 'grad:model.layers.1.mlp.up_proj.weight';
      wrong.set(
        name,
        wrong.get(name)!.map(value => value * 1.000001),
      );
      assert.throws(() => check(difference(wrong, right), 'float64'), /up_proj.*‖Δg‖/);
    });
  });

  describe('SmolLM2-135M', () => {
    const rows: string[] = [];
    let gguf: string;
    before(function () {
      if (quick) return this.skip();
      try {
        gguf = fetchTestModel();
      } catch (error) {
        console.log(`      skipped: ${(error as Error).message}`);
        this.skip();
      }
    });
    after(() => {
      const intro =
        'SmolLM2-135M (dequantised from Q4_1), three texts in one batch, against PyTorch, transformers and PEFT in the same precision.';
      if (rows.length > 0) report('parity-smollm2', intro, rows);
    });
    for (const lora of [undefined, everywhere]) {
      it(lora ? 'LoRA on all linear layers' : 'full training', async () => {
        const one = await smollm2(gguf, lora);
        hand(folder, one);
        for (const precision of precisions) {
          askPython(python, 'parity.py', { folder, precision, cases: [one.name] });
          const found = difference(await ours(one, precision), await theirs(folder, one.name, precision));
          rows.push(line(one.name, precision, found));
          check(found, precision);
        }
        rmSync(path.join(folder, one.name), { recursive: true });
      });
    }
  });
});

async function smollm2(gguf: string, lora: LoraConfig | undefined): Promise<Case> {
  const files = await openModelGguf(await openFile(gguf));
  try {
    const tokenizer = createTokenizer(files.tokenizer);
    const texts = [
      'The capital of France is Paris, and that of Italy is Rome.',
      'def add(a, b):\n    return a + b\n',
      'A long and winding road led over the hills, past the mill and the old church, down to the sea.',
    ];
    const ids = texts.map(text => [...tokenizer.encode(text)]);
    const adapter = lora ? randomAdapter(files.config, lora, Rng.seeded(5)) : undefined;
    return {
      name: lora ? 'smollm2-lora-all' : 'smollm2',
      config: formatModelConfig(files.config) as Record<string, unknown>,
      weights: await files.readWeights(),
      head: 'lm',
      // Small, as after some training: an adapter as large as the weights would leave nothing of the model.
      ...(lora ? { lora, adapter: new Map([...adapter!].map(([name, data]) => [name, data.map(x => x * 0.1)])) } : {}),
      temperature: 1,
      ids,
      predictions: someOf(predictFrom(ids, [1, 1, 1])),
    };
  } finally {
    await files.close();
  }
}
