/** The files of a tiny Llama that speaks the tiny tokenizer: as a Hugging Face folder, as GGUF, and an adapter for it. */
import { Rng } from '../../src/base/rng.ts';
import { formatAdapterConfig } from '../../src/language-model/adapterConfig.ts';
import { formatModelConfig } from '../../src/language-model/config.ts';
import type { LlamaConfig } from '../../src/language-model/llamaConfig.ts';
import { type LoraConfig, loraParameters } from '../../src/language-model/lora.ts';
import { modelParameters } from '../../src/language-model/model.ts';
import { encodeSafetensors } from '../../src/language-model/weights/safetensors.ts';
import { buildGguf, floatBytes, type Meta } from './ggufBuilder.ts';
import { join } from './memoryFile.ts';
import { tinyConfig, tinyWeights } from './tinyLlama.ts';
import { tinyTokenizerConfig, tinyTokenizerJson, tinyVocabularySize } from './tinyTokenizer.ts';

export const tinyModelConfig = (changes: Readonly<Record<string, unknown>> = {}): LlamaConfig =>
  tinyConfig({ vocab_size: tinyVocabularySize, max_position_embeddings: 256, head_dim: 8, ...changes });

export function tinyModelFiles(
  config = tinyModelConfig(),
  weights: ReadonlyMap<string, Float32Array> = tinyWeights(config),
): Record<string, Uint8Array | string> {
  const tensors = new Map(
    [...modelParameters(config)].map(([name, shape]) => [name, { shape, values: weights.get(name)! }]),
  );
  return {
    'config.json': JSON.stringify(formatModelConfig(config)),
    'tokenizer.json': JSON.stringify(tinyTokenizerJson()),
    'tokenizer_config.json': JSON.stringify(tinyTokenizerConfig),
    'model.safetensors': join(...encodeSafetensors(tensors)),
  };
}

const ggufNames: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'ffn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/** llama.cpp's order of rows: what was j·D/2 + i in a head becomes 2i + j. */
function permute(values: Float32Array, rows: number, heads: number): Float32Array {
  const size = rows / heads;
  const width = values.length / rows;
  const out = new Float32Array(values.length);
  for (let head = 0; head < heads; head++) {
    for (let i = 0; i < size / 2; i++) {
      for (let j = 0; j < 2; j++) {
        const from = (head * size + (j * size) / 2 + i) * width;
        out.set(values.subarray(from, from + width), (head * size + 2 * i + j) * width);
      }
    }
  }
  return out;
}

export function tinyModelGguf(
  config = tinyModelConfig(),
  weights: ReadonlyMap<string, Float32Array> = tinyWeights(config),
  changes: Readonly<Record<string, Meta>> = {},
): Uint8Array {
  const json = tinyTokenizerJson();
  const { vocab, merges } = json.model as { vocab: Record<string, number>; merges: [string, string][] };
  const added = json.added_tokens as { id: number; content: string }[];
  const tokens: string[] = [];
  for (const { id, content } of added) tokens[id] = content;
  for (const [token, id] of Object.entries(vocab)) tokens[id] = token;
  const u32 = (value: number): Meta => ({ type: 'u32', value });
  return buildGguf({
    metadata: {
      'general.architecture': { type: 'string', value: 'llama' },
      'llama.block_count': u32(config.layers),
      'llama.context_length': u32(config.maxPositions),
      'llama.embedding_length': u32(config.hiddenSize),
      'llama.feed_forward_length': u32(config.intermediateSize),
      'llama.attention.head_count': u32(config.heads),
      'llama.attention.head_count_kv': u32(config.kvHeads),
      'llama.attention.key_length': u32(config.headDim),
      'llama.attention.layer_norm_rms_epsilon': { type: 'f32', value: config.rmsNormEps },
      'llama.rope.freq_base': { type: 'f32', value: config.ropeTheta },
      'tokenizer.ggml.model': { type: 'string', value: 'gpt2' },
      'tokenizer.ggml.pre': { type: 'string', value: 'gpt-2' },
      'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
      'tokenizer.ggml.token_type': { type: 'i32s', value: tokens.map((_, id) => (id < added.length ? 3 : 1)) },
      'tokenizer.ggml.merges': { type: 'strings', value: merges.map(pair => pair.join(' ')) },
      'tokenizer.ggml.eos_token_id': u32(2),
      'tokenizer.chat_template': { type: 'string', value: tinyTokenizerConfig.chat_template },
      ...changes,
    },
    tensors: [...modelParameters(config)].map(([name, shape]) => {
      let values = weights.get(name)!;
      if (name.includes('q_proj')) values = permute(values, shape[0]!, config.heads);
      if (name.includes('k_proj')) values = permute(values, shape[0]!, config.kvHeads);
      return { name: ggufName(name), shape, type: 0, bytes: floatBytes(values) };
    }),
  });
}

function ggufName(name: string): string {
  if (name === 'model.embed_tokens.weight') return 'token_embd.weight';
  if (name === 'model.norm.weight') return 'output_norm.weight';
  if (name === 'lm_head.weight') return 'output.weight';
  const [, layer, path, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name)!;
  return `blk.${layer}.${ggufNames[path!]}.${kind}`;
}

export const tinyLora: LoraConfig = { r: 2, alpha: 4, targetModules: ['q_proj', 'down_proj'] };

export function tinyAdapterFiles(
  config = tinyModelConfig(),
  changes: {
    config?: Readonly<Record<string, unknown>>;
    tensors?: Readonly<Record<string, number[] | undefined>>;
  } = {},
): Record<string, Uint8Array | string> {
  const rng = Rng.seeded(11);
  const shapes: [string, readonly number[]][] = [...loraParameters(config, tinyLora)];
  for (const [name, shape] of Object.entries(changes.tensors ?? {})) {
    const at = shapes.findIndex(([known]) => known === name);
    if (at >= 0) shapes.splice(at, 1);
    if (shape) shapes.push([name, shape]);
  }
  const tensors = new Map(
    shapes.map(([name, shape]) => {
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.3 * rng.normal());
      return [name, { shape, values }];
    }),
  );
  const json = formatAdapterConfig(tinyLora, { base: 'tiny', taskType: 'CAUSAL_LM', model: config });
  return {
    'adapter_config.json': JSON.stringify({ ...json, ...changes.config }),
    'adapter_model.safetensors': join(...encodeSafetensors(tensors)),
  };
}
