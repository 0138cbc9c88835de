/** A Llama in a GGUF file, seen as a Hugging Face model: its configuration, its parameters' names and its row order. */
import { l10n } from '../../base/l10n.ts';
import type { GgufFile, GgufMetadata } from './gguf.ts';
import { refuse, type TensorFile, type TensorInfo } from './tensorFile.ts';

const LAYER_NAMES: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  ffn_norm: 'post_attention_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};
const TOP_NAMES: Readonly<Record<string, string>> = {
  'token_embd.weight': 'model.embed_tokens.weight',
  'output_norm.weight': 'model.norm.weight',
  'output.weight': 'lm_head.weight',
};

/** Hugging Face's name of a GGUF tensor; undefined for what is no parameter of a Llama. */
function huggingFaceName(name: string): string | undefined {
  const layer = /^blk\.(\d+)\.([a-z_]+)\.(weight|bias)$/.exec(name);
  if (!layer) return Object.hasOwn(TOP_NAMES, name) ? TOP_NAMES[name] : undefined;
  const [, index, part, kind] = layer as unknown as [string, string, string, string];
  return Object.hasOwn(LAYER_NAMES, part) ? `model.layers.${index}.${LAYER_NAMES[part]}.${kind}` : undefined;
}

/** The metadata in the words of config.json. Throws a HumanError for other families and for damaged numbers. */
export function configFromGguf(file: GgufFile): Record<string, unknown> {
  const { metadata } = file;
  const architecture = metadata.get('general.architecture');
  if (architecture !== 'llama') {
    throw refuse(
      file.path,
      l10n.t(
        'This model is of the family “{0}”; only models of the Llama family can be used. Choose another model.',
        String(architecture),
      ),
    );
  }
  const number = (key: string, fallback?: number): number => {
    const value = metadata.get(`llama.${key}`) ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw refuse(
        file.path,
        l10n.t('The file does not say “{0}”: it is damaged or no complete model. Download it again.', `llama.${key}`),
      );
    }
    return value;
  };
  if (number('expert_count', 0) > 0) {
    throw refuse(
      file.path,
      l10n.t('This is a mixture-of-experts model, which is not supported. Choose another model.'),
    );
  }
  const scaling = metadata.get('llama.rope.scaling.type') ?? 'none';
  if (scaling !== 'none' || file.tensors.has('rope_freqs.weight')) {
    throw refuse(
      file.path,
      l10n.t(
        'This GGUF file scales its positions, which is read from Hugging Face folders only. Use the model’s Hugging Face folder.',
      ),
    );
  }
  const width = number('embedding_length');
  const heads = number('attention.head_count');
  const embedding = file.tensors.get('token_embd.weight');
  if (!embedding)
    throw refuse(
      file.path,
      l10n.t('Tensor “{0}” is missing from the file. The model is incomplete; download it again.', 'token_embd.weight'),
    );
  return {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    vocab_size: embedding.shape[0],
    hidden_size: width,
    intermediate_size: number('feed_forward_length'),
    num_hidden_layers: number('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: number('attention.head_count_kv', heads),
    head_dim: number('attention.key_length', width / heads),
    max_position_embeddings: number('context_length'),
    rms_norm_eps: roundFloat(number('attention.layer_norm_rms_epsilon', 1e-5)),
    rope_theta: number('rope.freq_base', 10000),
    hidden_act: 'silu',
    attention_bias: file.tensors.has('blk.0.attn_q.bias'),
    tie_word_embeddings: !file.tensors.has('output.weight'),
    ...id(metadata, 'bos_token_id'),
    ...id(metadata, 'eos_token_id'),
  };
}

const id = (metadata: GgufMetadata, name: string): Record<string, number> => {
  const value = metadata.get(`tokenizer.ggml.${name}`);
  return typeof value === 'number' ? { [name]: value } : {};
};

/** 1e-5 stored as float32 reads 9.999999747378752e-6; the shortest decimal that gives the same float32 is what was meant. */
export const roundFloat = (value: number): number => Number(value.toPrecision(7));

/** The same file with Hugging Face's names, and with the rows of q and k in Hugging Face's order. */
export function asHuggingFace(file: GgufFile, heads: number, keyValueHeads: number): TensorFile {
  const names = new Map<string, string>();
  const tensors = new Map<string, TensorInfo>();
  for (const [name, info] of file.tensors) {
    const renamed = huggingFaceName(name);
    if (!renamed) continue;
    names.set(renamed, name);
    tensors.set(renamed, { ...info, name: renamed });
  }
  return {
    path: file.path,
    tensors,
    close: () => file.close(),
    read: async name => {
      const values = await file.read(names.get(name) ?? name);
      const rows = tensors.get(name)?.shape[0] ?? 0;
      if (name.includes('.q_proj.')) return undoPermutation(values, rows, heads);
      if (name.includes('.k_proj.')) return undoPermutation(values, rows, keyValueHeads);
      return values;
    },
  };
}

/**
 * llama.cpp stores the rows of q and k so that a rotated pair lies side by side: row 2i + j of a head is Hugging Face's
 * row j·D/2 + i. Source: LlamaModel.permute in convert_hf_to_gguf.py.
 */
export function undoPermutation(values: Float32Array, rows: number, heads: number): Float32Array {
  const headRows = rows / heads;
  const half = headRows / 2;
  if (!Number.isInteger(half)) throw new RangeError(`${rows} rows do not divide into ${heads} heads`);
  const width = values.length / rows;
  const out = new Float32Array(values.length);
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < headRows; row++) {
      const from = (head * headRows + 2 * (row % half) + Math.floor(row / half)) * width;
      out.set(values.subarray(from, from + width), (head * headRows + row) * width);
    }
  }
  return out;
}
