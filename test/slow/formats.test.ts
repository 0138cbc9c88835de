/** Models and adapters of transformers and peft, and files of gguf, read here; and what is written here, read there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Rng } from '../../src/base/rng.ts';
import { formatAdapterConfig } from '../../src/language-model/adapterConfig.ts';
import { createGenerator } from '../../src/language-model/generate.ts';
import { initialLora, type LoraConfig, loraParameters } from '../../src/language-model/lora.ts';
import { openModelFolder, openModelGguf } from '../../src/language-model/modelFiles.ts';
import { openAdapter, withReplaced } from '../../src/language-model/openAdapter.ts';
import { score } from '../../src/language-model/score.ts';
import { blockTypes } from '../../src/language-model/weights/dequantise.ts';
import { encodeValues } from '../../src/language-model/weights/quantise.ts';
import { encodeSafetensors } from '../../src/language-model/weights/safetensors.ts';
import type { ExportFormat, ExportType } from '../../src/protocol/inference.ts';
import { openFile, openFolder } from '../../src/storage/modelFolder.ts';
import { createTokenizer } from '../../src/tokenizer/tokenizer.ts';
import { exportModel } from '../../src/worker/modelExport.ts';
import { tinyTokenizerConfig, tinyTokenizerJson, tinyVocabularySize } from '../fakes/tinyTokenizer.ts';
import { recordFigures } from './figures.ts';
import { pythonWithTorch } from './python.ts';

const vocabulary = { vocab_size: tinyVocabularySize, bos_token_id: 1, eos_token_id: 2, pad_token_id: 0 };
const llama = {
  ...vocabulary,
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 512,
  tie_word_embeddings: true,
};
// 1024 positions, as every GPT-2 has: transformers assumes it when it reads GGUF.
const gpt2 = { ...vocabulary, model_type: 'gpt2', n_embd: 64, n_layer: 2, n_head: 4, n_positions: 1024 };
const llama3 = {
  rope_type: 'llama3',
  rope_theta: 10000,
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};
const models: Record<string, readonly [Record<string, unknown>, string]> = {
  llama: [llama, 'bfloat16'],
  'llama3-untied': [
    { ...llama, tie_word_embeddings: false, max_position_embeddings: 16384, rope_parameters: llama3 },
    'float32',
  ],
  'llama-linear': [{ ...llama, rope_parameters: { rope_type: 'linear', rope_theta: 10000, factor: 4 } }, 'float32'],
  'llama-biases': [{ ...llama, attention_bias: true, mlp_bias: true, head_dim: 32 }, 'float16'],
  qwen2: [{ ...llama, model_type: 'qwen2' }, 'bfloat16'],
  'qwen2-untied': [{ ...llama, model_type: 'qwen2', tie_word_embeddings: false }, 'float16'],
  mistral: [{ ...llama, model_type: 'mistral', tie_word_embeddings: false, sliding_window: null }, 'float32'],
  gpt2: [gpt2, 'float32'],
  'gpt2-untied': [{ ...gpt2, tie_word_embeddings: false }, 'float16'],
};

/** Name → base and the settings of peft's LoraConfig. */
const adapters: Record<string, readonly [string, Record<string, unknown>]> = {
  'peft-plain': ['llama', { r: 4, lora_alpha: 8, target_modules: ['q_proj', 'down_proj'] }],
  'peft-patterns': [
    'llama',
    {
      r: 4,
      lora_alpha: 8,
      target_modules: ['q_proj', 'v_proj', 'up_proj'],
      use_rslora: true,
      rank_pattern: { 'layers.0.self_attn.q_proj': 2, '^model.layers.1.mlp.*': 6, v_proj: 3 },
      alpha_pattern: { '.*\\.1\\..*proj': 3, up_proj: 5 },
    },
  ],
  'peft-regex': ['qwen2', { r: 2, lora_alpha: 4, target_modules: '.*layers.1.*(k|o)_proj' }],
  'peft-one-layer': ['qwen2', { r: 2, lora_alpha: 4, target_modules: ['k_proj'], layers_to_transform: [1] }],
  'peft-head': ['llama3-untied', { r: 2, lora_alpha: 4, target_modules: ['o_proj'], modules_to_save: ['lm_head'] }],
  'peft-tied-head': ['llama', { r: 2, lora_alpha: 4, target_modules: ['o_proj'], modules_to_save: ['lm_head'] }],
  'peft-tied-embeddings': [
    'llama',
    { r: 2, lora_alpha: 4, target_modules: ['o_proj'], modules_to_save: ['embed_tokens', 'norm'] },
  ],
  'peft-gpt2': [
    'gpt2',
    {
      r: 4,
      lora_alpha: 8,
      target_modules: ['c_attn', 'mlp.c_proj'],
      fan_in_fan_out: true,
      rank_pattern: { 'h.0.attn.c_attn': 3 },
    },
  ],
};

/** Bytes of a block, and where its scales lie as halves. */
const blocks: Readonly<Record<string, number>> = {
  F32: 4,
  F16: 2,
  BF16: 2,
  Q8_0: 34,
  Q4_0: 18,
  Q4_1: 20,
  Q5_0: 22,
  Q5_1: 24,
  Q4_K: 144,
  Q5_K: 176,
  Q6_K: 210,
};
const scales = { Q8_0: [0], Q4_0: [0], Q4_1: [0, 2], Q5_0: [0], Q5_1: [0, 2], Q4_K: [0, 2], Q5_K: [0, 2], Q6_K: [208] };

const text = 'hello hello, naïve 日本 <|start|>user\nhello';
const ids = createTokenizer({
  kind: 'huggingface',
  path: 'tokenizer.json',
  tokenizer: tinyTokenizerJson(),
  config: tinyTokenizerConfig,
}).encode(text);

interface Made {
  readonly models: Readonly<Record<string, number[]>>;
  readonly adapters: Readonly<Record<string, number[]>>;
}

interface Checked {
  readonly logProbs: number[];
  readonly ids?: number[];
  readonly dtype?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly types?: Readonly<Record<string, string>>;
  readonly tokens?: readonly string[];
}

const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  assert.equal(a.length, b.length);
  return Array.from(a, (value, i) => Math.abs(value - b[i]!)).reduce((most, value) => Math.max(most, value), 0);
};

describe('formats', function () {
  this.timeout(900_000);
  let python: string;
  let folder: string;
  let made: Made;
  const at = (...names: string[]): string => path.join(folder, ...names);
  const ask = <T>(mode: 'make' | 'check', request: unknown): T => {
    const { status, stdout, stderr } = spawnSync(python, [path.join(import.meta.dirname, 'formats.py'), mode], {
      input: JSON.stringify(request),
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...process.env, HF_HUB_OFFLINE: '1' },
    });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as T;
  };
  const own = async (base: string, adapter?: string): Promise<readonly number[]> => {
    const files = base.endsWith('.gguf')
      ? await openModelGguf(await openFile(base))
      : await openModelFolder(await openFolder(base));
    const tuned = adapter === undefined ? undefined : await openAdapter(await openFolder(adapter), files.config);
    const generator = await createGenerator({
      ...withReplaced(files.config, await files.readWeights(), tuned?.replaced ?? new Map()),
      ...(tuned ? { adapter: { config: tuned.config, weights: tuned.weights } } : {}),
      threads: 1,
    });
    const [scored] = await score(generator, [{ prefix: ids.slice(0, 1), continuation: ids.slice(1) }]);
    await generator.dispose();
    await files.close();
    return scored!.logProbs;
  };
  const write = (base: string, to: string, format: ExportFormat, type: ExportType, adapter?: string) =>
    exportModel(
      {
        location: { base: at(base), ...(adapter === undefined ? {} : { adapter: at(adapter) }) },
        to: at(to),
        format,
        type,
      },
      { signal: new AbortController().signal, onProgress: () => {} },
    );

  before(function () {
    const found = pythonWithTorch();
    if (typeof found !== 'string') {
      console.log(`      skipped: ${found.missing}`);
      this.skip();
    }
    python = found;
    folder = mkdtempSync(path.join(os.tmpdir(), 'tunesmith-formats-'));
    const rng = Rng.seeded(1);
    const values = Float32Array.from({ length: 64 * 64 }, () => rng.normal());
    writeFileSync(at('values.f32'), new Uint8Array(values.buffer));
    made = ask('make', { folder, ids, models, adapters, blocks, scales, values: 'values.f32' });
    for (const name of Object.keys(models)) {
      writeFileSync(at(name, 'tokenizer.json'), JSON.stringify(tokenizerForTransformers()));
      writeFileSync(
        at(name, 'tokenizer_config.json'),
        JSON.stringify({ ...tinyTokenizerConfig, tokenizer_class: 'PreTrainedTokenizerFast' }),
      );
    }
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  for (const name of Object.keys(models)) {
    it(`reads ${name} as transformers wrote it, in parts: log-probs to 1e-4`, async () => {
      assert.ok(readdirSync(at(name)).includes('model.safetensors.index.json'), 'it is in parts');
      const difference = worst(await own(at(name)), made.models[name]!);
      assert.ok(difference <= 1e-4, `a log-prob differs by ${difference}`);
    });
  }

  for (const [name, [base]] of Object.entries(adapters)) {
    it(`reads the adapter ${name} as peft wrote it: log-probs to 1e-4`, async () => {
      const theirs = made.adapters[name]!;
      assert.ok(worst(theirs, made.models[base]!) > 0.01, 'the adapter changes something');
      const difference = worst(await own(at(base), at(name)), theirs);
      assert.ok(difference <= 1e-4, `a log-prob differs by ${difference}`);
    });
  }

  for (const name of Object.keys(blocks)) {
    it(`dequantises ${name} as gguf does`, () => {
      const expected = floats(readFileSync(at(`${name}.values`)));
      const values = new Float32Array(expected.length);
      const type = [...blockTypes.values()].find(candidate => candidate.name === name)!;
      type.decode!(new Uint8Array(readFileSync(at(`${name}.blocks`))), values);
      for (const [i, value] of expected.entries()) {
        // Sums of a product and a minimum are rounded once here, twice there.
        assert.ok(Math.abs(values[i]! - value) <= 1e-5 * (1 + Math.abs(value)), `${i}: ${values[i]} is not ${value}`);
      }
    });
  }

  it('quantises to Q8_0 to the bytes of gguf', () => {
    const ours = encodeValues(floats(readFileSync(at('values.f32'))), 'Q8_0');
    assert.deepEqual(Buffer.from(ours), readFileSync(at('quantised.Q8_0')));
  });

  it('writes what transformers, peft and gguf read as the same', async () => {
    const items: Record<string, unknown>[] = [];
    const expected: { name: string; logProbs: readonly number[]; tolerance: number; type: ExportType }[] = [];
    const expectOf = (name: string, item: Record<string, unknown>, logProbs: readonly number[], type: ExportType) => {
      items.push({ ...item, text });
      expected.push({ name, logProbs, type, tolerance: { F32: 1e-4, F16: 0.02, BF16: 0.1, Q8_0: 0.2 }[type] });
    };
    for (const [name, [base, lora]] of Object.entries(ownAdapters)) {
      await writeAdapter(at(name), at(base), lora);
      expectOf(name, { kind: 'adapter', base: at(base), folder: at(name) }, await own(at(base), at(name)), 'F32');
    }
    const merged = [
      ...Object.keys(models).map(base => [base, undefined] as const),
      ...Object.entries(adapters).map(([name, [base]]) => [base, name] as const),
      ...Object.entries(ownAdapters).map(([name, [base]]) => [base, name] as const),
    ];
    for (const [base, adapter] of merged) {
      const name = `${base}${adapter === undefined ? '' : `+${adapter}`}`;
      const logProbs = await own(at(base), adapter === undefined ? undefined : at(adapter));
      const types: ExportType[] = adapter === undefined ? ['F32', 'F16', 'BF16'] : ['F32'];
      for (const type of types) {
        const { path: written } = await write(base, `out-${name}-${type}`, 'safetensors', type, adapter);
        expectOf(`${name} as safetensors ${type}`, { kind: 'folder', folder: written }, logProbs, type);
      }
      for (const type of adapter === undefined ? (['F32', 'F16', 'Q8_0'] as const) : (['F32'] as const)) {
        const { path: file } = await write(base, `gguf-${name}-${type}`, 'gguf', type, adapter);
        const difference = worst(await own(file), logProbs);
        assert.ok(
          difference <= { F32: 1e-4, F16: 0.02, Q8_0: 0.2 }[type],
          `${file} differs by ${difference} when read here`,
        );
        if (readableThere(base)) expectOf(`${name} as GGUF ${type}`, { kind: 'gguf', folder: file }, logProbs, type);
        if (type !== 'F32' || !readableThere(base)) continue;
        // A folder from a GGUF file: its tokenizer is made from the metadata.
        const location = { base: file };
        const to = at(`back-${name}`);
        await exportModel(
          { location, to, format: 'safetensors', type: 'F32' },
          { signal: new AbortController().signal, onProgress: () => {} },
        );
        expectOf(`${name} from GGUF as safetensors`, { kind: 'folder', folder: to }, logProbs, 'F32');
      }
    }
    const results = ask<Checked[]>('check', { ids, items });
    const rows: string[] = [];
    for (const [i, { name, logProbs, tolerance, type }] of expected.entries()) {
      const result = results[i]!;
      const difference = worst(result.logProbs, logProbs);
      rows.push(`| ${name} | ${difference.toExponential(1)} |`);
      assert.ok(difference <= tolerance, `${name}: a log-prob differs by ${difference}`);
      if (result.ids) assert.deepEqual(result.ids, ids, name);
      if (result.dtype)
        assert.equal(
          result.dtype,
          { F32: 'torch.float32', F16: 'torch.float16', BF16: 'torch.bfloat16', Q8_0: '' }[type],
        );
      if (result.tokens) {
        assert.equal(result.tokens.length, tinyVocabularySize);
        assert.deepEqual(result.tokens.slice(0, 3), ['<|pad|>', '<|start|>', '<|end|>']);
        assert.equal(result.fields!['tokenizer.ggml.pre'], 'gpt-2');
        assert.equal(result.fields!['tokenizer.chat_template'], tinyTokenizerConfig.chat_template);
        assert.equal(result.fields!['tokenizer.ggml.eos_token_id'], 2);
        assert.equal(result.types!['token_embd.weight'], type);
        assert.equal(result.types!['blk.0.attn_norm.weight'], 'F32');
      }
    }
    const table = `| written here | largest difference of a log-prob |\n|---|---:|\n${rows.join('\n')}`;
    console.log(table.replaceAll(/^/gm, '      '));
    recordFigures('formats', table);
  });
});

/** What transformers' own reader of GGUF does not know: biases and rotations of other kinds, and heads of their own width. */
const readableThere = (base: string): boolean => !['llama-biases', 'llama-linear', 'llama3-untied'].includes(base);

const ownAdapters: Record<string, readonly [string, LoraConfig]> = {
  'own-plain': ['mistral', { r: 4, alpha: 8, targetModules: 'all-linear' }],
  'own-patterns': [
    'llama',
    {
      r: 4,
      alpha: 8,
      targetModules: ['q_proj', 'up_proj'],
      useRslora: true,
      rankPattern: { 'layers.1.self_attn.q_proj': 2 },
      alphaPattern: { '^model.layers.0.*': 3 },
    },
  ],
  'own-gpt2': ['gpt2-untied', { r: 3, alpha: 2, targetModules: ['all-linear'], alphaPattern: { c_fc: 5 } }],
};

async function writeAdapter(folder: string, base: string, lora: LoraConfig): Promise<void> {
  const files = await openModelFolder(await openFolder(base));
  const weights = initialLora(files.config, lora, Rng.seeded(3));
  const rng = Rng.seeded(4);
  for (const values of weights.values()) for (let i = 0; i < values.length; i++) values[i]! += 0.2 * rng.normal();
  const shapes = loraParameters(files.config, lora);
  mkdirSync(folder);
  const json = formatAdapterConfig(lora, { base, taskType: 'CAUSAL_LM', model: files.config });
  writeFileSync(path.join(folder, 'adapter_config.json'), JSON.stringify(json));
  const tensors = new Map([...weights].map(([name, values]) => [name, { shape: shapes.get(name)!, values }]));
  writeFileSync(path.join(folder, 'adapter_model.safetensors'), Buffer.concat(encodeSafetensors(tensors)));
  await files.close();
}

/** The tiny tokenizer with what the Rust library insists on. */
function tokenizerForTransformers(): Record<string, unknown> {
  const json = tinyTokenizerJson();
  const plain = { single_word: false, lstrip: false, rstrip: false };
  const added = (json.added_tokens as { id: number; content: string }[]).map(token => ({ ...token, ...plain }));
  const model = json.model as { vocab: Record<string, number> };
  // It numbers added tokens anew when the vocabulary does not have them.
  const vocab = { ...Object.fromEntries(added.map(({ id, content }) => [content, id])), ...model.vocab };
  return { truncation: null, padding: null, ...json, added_tokens: added, model: { ...model, vocab } };
}

const floats = (bytes: Buffer): Float32Array =>
  new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
