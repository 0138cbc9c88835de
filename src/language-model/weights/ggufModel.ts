/** A model in a GGUF file, seen as a Hugging Face model: its configuration, its parameters' names and their layout. */
import { l10n } from '../../base/l10n.ts';
import type { GgufFile, GgufMetadata } from './gguf.ts';
import {
  type GgufArchitecture,
  ggufArchitectures,
  huggingFaceName,
  layoutOf,
  permuteRows,
  transposed,
} from './ggufNames.ts';
import { refuse, type TensorFile, type TensorInfo } from './tensorFile.ts';

/** The metadata in the words of config.json. Throws a HumanError for other families and for damaged numbers. */
export async function configFromGguf(file: GgufFile): Promise<Record<string, unknown>> {
  const architecture = architectureOf(file);
  const embedding = file.tensors.get('token_embd.weight');
  if (!embedding)
    throw refuse(
      file.path,
      l10n.t('Tensor “{0}” is missing from the file. The model is incomplete; download it again.', 'token_embd.weight'),
    );
  const number = (key: string, fallback?: number): number => {
    const name = `${architecture}.${key}`;
    const value = file.metadata.get(name) ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw refuse(
        file.path,
        l10n.t('The file does not say “{0}”: it is damaged or no complete model. Download it again.', name),
      );
    }
    return value;
  };
  const common = {
    vocab_size: embedding.shape[0],
    tie_word_embeddings: !file.tensors.has('output.weight'),
    ...id(file.metadata, 'bos_token_id'),
    ...id(file.metadata, 'eos_token_id'),
  };
  return architecture === 'gpt2'
    ? { ...gpt2Config(number), ...common }
    : { ...(await llamaConfig(file, architecture, number)), ...common };
}

export function architectureOf(file: GgufFile): GgufArchitecture {
  const name = file.metadata.get('general.architecture');
  const known = ggufArchitectures.find(architecture => architecture === name);
  if (known) return known;
  throw refuse(
    file.path,
    l10n.t(
      'This model is of the family “{0}”; only models of these families can be used: {1}. Choose another model.',
      String(name),
      ggufArchitectures.join(', '),
    ),
  );
}

type Read = (key: string, fallback?: number) => number;

const gpt2Config = (number: Read): Record<string, unknown> => ({
  model_type: 'gpt2',
  n_embd: number('embedding_length'),
  n_inner: number('feed_forward_length'),
  n_layer: number('block_count'),
  n_head: number('attention.head_count'),
  n_positions: number('context_length'),
  layer_norm_epsilon: roundFloat(number('attention.layer_norm_epsilon', 1e-5)),
});

async function llamaConfig(
  file: GgufFile,
  architecture: GgufArchitecture,
  number: Read,
): Promise<Record<string, unknown>> {
  if (number('expert_count', 0) > 0) {
    throw refuse(
      file.path,
      l10n.t('This is a mixture-of-experts model, which is not supported. Choose another model.'),
    );
  }
  const width = number('embedding_length');
  const heads = number('attention.head_count');
  const has = (part: string): boolean => file.tensors.has(`blk.0.${part}.bias`);
  return {
    // A file of the kind `llama` may also have Qwen2's biases: on queries, keys and values but not on the output.
    model_type: architecture === 'qwen2' || (has('attn_q') && !has('attn_output')) ? 'qwen2' : 'llama',
    hidden_size: width,
    intermediate_size: number('feed_forward_length'),
    num_hidden_layers: number('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: number('attention.head_count_kv', heads),
    head_dim: number('attention.key_length', width / heads),
    max_position_embeddings: number('context_length'),
    rms_norm_eps: roundFloat(number('attention.layer_norm_rms_epsilon', 1e-5)),
    rope_theta: roundFloat(number('rope.freq_base', 10000)),
    ...(await ropeScaling(file, architecture, number)),
    hidden_act: 'silu',
    attention_bias: has('attn_q'),
    mlp_bias: has('ffn_gate'),
  };
}

const LLAMA3 = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

/**
 * What each rotation is slowed by under Llama 3's scaling, headDim/2 numbers. Source: convert_hf_to_gguf.py, which stores
 * them as the tensor `rope_freqs.weight` and keeps nothing of the settings that they came from.
 */
export function llama3Factors(
  headDim: number,
  theta: number,
  scaling: { readonly factor: number; readonly low: number; readonly high: number; readonly original: number },
): Float32Array {
  const { factor, low, high, original } = scaling;
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headDim);
    if (wavelength < original / high) return 1;
    if (wavelength > original / low) return factor;
    const smooth = (original / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

async function ropeScaling(
  file: GgufFile,
  architecture: GgufArchitecture,
  number: Read,
): Promise<Record<string, unknown>> {
  const kind = file.metadata.get(`${architecture}.rope.scaling.type`) ?? 'none';
  const slowed = file.tensors.has('rope_freqs.weight') ? await file.read('rope_freqs.weight') : undefined;
  if (kind === 'none' && !slowed) return {};
  if (kind === 'linear' && !slowed) {
    return { rope_scaling: { rope_type: 'linear', factor: roundFloat(number('rope.scaling.factor')) } };
  }
  if (kind === 'none' && slowed) {
    // Every Llama 3.x was made with these settings; other numbers are refused rather than guessed at.
    const factor = slowed.reduce((a, b) => Math.max(a, b), 0);
    const { low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: original } = LLAMA3;
    const meant = llama3Factors(2 * slowed.length, number('rope.freq_base', 10000), { factor, low, high, original });
    if (factor > 0 && slowed.every((value, i) => Math.abs(value - meant[i]!) <= 1e-3 * meant[i]!)) {
      return { rope_scaling: { rope_type: 'llama3', factor: roundFloat(factor), ...LLAMA3 } };
    }
  }
  throw refuse(
    file.path,
    l10n.t(
      'This GGUF file scales its positions in a way that is read from Hugging Face folders only. Use the model’s Hugging Face folder.',
    ),
  );
}

const id = (metadata: GgufMetadata, name: string): Record<string, number> => {
  const value = metadata.get(`tokenizer.ggml.${name}`);
  return typeof value === 'number' ? { [name]: value } : {};
};

/** 1e-5 stored as float32 reads 9.999999747378752e-6; the shortest decimal that gives the same float32 is what was meant. */
export const roundFloat = (value: number): number => Number(value.toPrecision(7));

/** The same file with Hugging Face's names and layout. */
export function asHuggingFace(file: GgufFile, heads: number, keyValueHeads: number): TensorFile {
  const architecture = architectureOf(file);
  const names = new Map<string, string>();
  const tensors = new Map<string, TensorInfo>();
  for (const [name, info] of file.tensors) {
    const renamed = huggingFaceName(architecture, name);
    if (!renamed) continue;
    names.set(renamed, name);
    const turned = layoutOf(architecture, renamed) === 'transposed';
    tensors.set(renamed, { ...info, name: renamed, shape: turned ? info.shape.toReversed() : info.shape });
  }
  return {
    path: file.path,
    tensors,
    close: () => file.close(),
    read: async name => {
      const values = await file.read(names.get(name) ?? name);
      const [rows = 0, columns = 0] = tensors.get(name)?.shape ?? [];
      switch (layoutOf(architecture, name)) {
        case 'rotated q':
          return permuteRows(values, rows, heads, true);
        case 'rotated k':
          return permuteRows(values, rows, keyValueHeads, true);
        case 'transposed':
          return transposed(values, columns, rows);
        case 'same':
          return values;
      }
    },
  };
}
