/** The configuration of the Llama family (Llama, Qwen2, Mistral): its fields in `config.json`. */
import { l10n } from '../base/l10n.ts';
import { type CommonConfig, fieldReader, formatTokenIds, type Json, type Refuse, tokenIds } from './configFields.ts';

export const llamaFamilies = ['llama', 'qwen2', 'mistral'] as const;

export interface LlamaConfig extends CommonConfig {
  readonly modelType: (typeof llamaFamilies)[number];
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | undefined;
  readonly rmsNormEps: number;
  /** Bias on the query, key and value projections. */
  readonly qkvBias: boolean;
  /** Bias on the attention's output projection. */
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
}

/** Llama 3's stretching of slow rotations. Source: transformers `modeling_rope_utils.py`, type `llama3`. */
export interface RopeScaling {
  readonly kind: 'llama3' | 'linear';
  readonly factor: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  readonly originalMaxPositions: number;
}

export function parseLlamaConfig(fields: Json, modelType: LlamaConfig['modelType'], refuse: Refuse): LlamaConfig {
  const read = fieldReader(fields, refuse);
  const heads = read.whole('num_attention_heads', 1, 1024);
  const hiddenSize = read.whole('hidden_size', 1, 65536);
  const kvHeads = read.whole('num_key_value_heads', 1, 1024, heads);
  const headDim = read.whole('head_dim', 2, 1024, Math.floor(hiddenSize / heads));
  if (heads % kvHeads !== 0) {
    throw refuse(
      l10n.t('num_attention_heads ({0}) has to be a multiple of num_key_value_heads ({1}).', heads, kvHeads),
    );
  }
  if (headDim % 2 !== 0) throw refuse(l10n.t('head_dim has to be even, not {0}.', headDim));
  if (fields.head_dim == null && hiddenSize % heads !== 0) {
    throw refuse(l10n.t('hidden_size ({0}) has to be a multiple of num_attention_heads ({1}).', hiddenSize, heads));
  }
  const activation = fields.hidden_act ?? 'silu';
  if (activation !== 'silu') {
    throw refuse(l10n.t('The activation “{0}” is not supported, only silu.', String(activation)));
  }
  const maxPositions = read.whole('max_position_embeddings', 1, 1 << 24, 2048);
  const window = fields.sliding_window;
  if (
    typeof window === 'number' &&
    window < maxPositions &&
    (fields.use_sliding_window ?? modelType !== 'qwen2') !== false
  ) {
    throw refuse(l10n.t('Attention in a sliding window is not supported.'));
  }
  const attentionBias = read.flag('attention_bias', false);
  return {
    modelType,
    vocabSize: read.whole('vocab_size', 1, 1 << 22),
    hiddenSize,
    intermediateSize: read.whole('intermediate_size', 1, 1 << 20),
    layers: read.whole('num_hidden_layers', 1, 1024),
    heads,
    kvHeads,
    headDim,
    ropeTheta: read.positive('rope_theta', (fields.rope_parameters as Json | undefined)?.rope_theta ?? 10000),
    ropeScaling: parseRopeScaling(fields.rope_scaling ?? fields.rope_parameters, maxPositions, refuse),
    rmsNormEps: read.positive('rms_norm_eps', 1e-6),
    tieWordEmbeddings: read.flag('tie_word_embeddings', false),
    maxPositions,
    qkvBias: modelType === 'qwen2' || attentionBias,
    outputBias: modelType !== 'qwen2' && attentionBias,
    mlpBias: read.flag('mlp_bias', false),
    initializerRange: read.positive('initializer_range', 0.02),
    ...tokenIds(fields),
  };
}

function parseRopeScaling(json: unknown, maxPositions: number, refuse: Refuse): RopeScaling | undefined {
  if (json == null) return undefined;
  const fields = (typeof json === 'object' ? json : {}) as Json;
  const kind = fields.rope_type ?? fields.type ?? 'default';
  if (kind === 'default') return undefined;
  if (kind !== 'llama3' && kind !== 'linear') {
    throw refuse(
      l10n.t(
        'The position scaling “{0}” is not supported, only linear and llama3. Choose another model.',
        String(kind),
      ),
    );
  }
  const number = (name: string, fallback: number): number => {
    const value = fields[name] ?? fallback;
    if (typeof value !== 'number' || !(value > 0)) throw refuse(l10n.t('{0} has to be a number above 0.', name));
    return value;
  };
  return {
    kind,
    factor: number('factor', 1),
    lowFrequencyFactor: number('low_freq_factor', 1),
    highFrequencyFactor: number('high_freq_factor', 4),
    originalMaxPositions: number('original_max_position_embeddings', maxPositions),
  };
}

export function formatLlamaConfig(config: LlamaConfig): Json {
  const names = { llama: 'LlamaForCausalLM', qwen2: 'Qwen2ForCausalLM', mistral: 'MistralForCausalLM' };
  const { ropeScaling: scaling } = config;
  return {
    architectures: [names[config.modelType]],
    model_type: config.modelType,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    rope_theta: config.ropeTheta,
    ...(scaling
      ? {
          rope_scaling: {
            rope_type: scaling.kind,
            factor: scaling.factor,
            ...(scaling.kind === 'llama3'
              ? {
                  low_freq_factor: scaling.lowFrequencyFactor,
                  high_freq_factor: scaling.highFrequencyFactor,
                  original_max_position_embeddings: scaling.originalMaxPositions,
                }
              : {}),
          },
        }
      : {}),
    rms_norm_eps: config.rmsNormEps,
    tie_word_embeddings: config.tieWordEmbeddings,
    max_position_embeddings: config.maxPositions,
    attention_bias: config.outputBias,
    mlp_bias: config.mlpBias,
    initializer_range: config.initializerRange,
    ...formatTokenIds(config),
    torch_dtype: 'float32',
    use_cache: true,
  };
}
