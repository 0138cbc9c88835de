/** The configuration of GPT-2: its fields in `config.json`. */
import { l10n } from '../base/l10n.ts';
import { type CommonConfig, fieldReader, formatTokenIds, type Json, type Refuse, tokenIds } from './configFields.ts';

export interface Gpt2Config extends CommonConfig {
  readonly modelType: 'gpt2';
  readonly layerNormEps: number;
}

/** Two names of one function: 0.5·x·(1 + tanh(√(2/π)(x + 0.044715 x³))). */
const activations: readonly unknown[] = ['gelu_new', 'gelu_pytorch_tanh'];

export function parseGpt2Config(fields: Json, refuse: Refuse): Gpt2Config {
  const read = fieldReader(fields, refuse);
  const hiddenSize = read.whole('n_embd', 1, 65536, 768);
  const heads = read.whole('n_head', 1, 1024, 12);
  if (hiddenSize % heads !== 0) {
    throw refuse(l10n.t('n_embd ({0}) has to be a multiple of n_head ({1}).', hiddenSize, heads));
  }
  const activation = fields.activation_function ?? 'gelu_new';
  if (!activations.includes(activation)) {
    throw refuse(l10n.t('The activation “{0}” is not supported, only {1}.', String(activation), 'gelu_new'));
  }
  const unusual: Readonly<Record<string, boolean>> = {
    scale_attn_weights: true,
    scale_attn_by_inverse_layer_idx: false,
    add_cross_attention: false,
  };
  for (const [name, usual] of Object.entries(unusual)) {
    if (read.flag(name, usual) !== usual) throw refuse(l10n.t('{0} is supported only as {1}.', name, String(usual)));
  }
  return {
    modelType: 'gpt2',
    vocabSize: read.whole('vocab_size', 1, 1 << 22, 50257),
    hiddenSize,
    intermediateSize: read.whole('n_inner', 1, 1 << 20, 4 * hiddenSize),
    layers: read.whole('n_layer', 1, 1024, 12),
    heads,
    kvHeads: heads,
    headDim: hiddenSize / heads,
    layerNormEps: read.positive('layer_norm_epsilon', 1e-5),
    tieWordEmbeddings: read.flag('tie_word_embeddings', true),
    maxPositions: read.whole('n_positions', 1, 1 << 24, 1024),
    initializerRange: read.positive('initializer_range', 0.02),
    ...tokenIds(fields),
  };
}

export function formatGpt2Config(config: Gpt2Config): Json {
  return {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    vocab_size: config.vocabSize,
    n_embd: config.hiddenSize,
    n_inner: config.intermediateSize,
    n_layer: config.layers,
    n_head: config.heads,
    n_positions: config.maxPositions,
    n_ctx: config.maxPositions,
    activation_function: 'gelu_new',
    layer_norm_epsilon: config.layerNormEps,
    tie_word_embeddings: config.tieWordEmbeddings,
    initializer_range: config.initializerRange,
    ...formatTokenIds(config),
    torch_dtype: 'float32',
    use_cache: true,
  };
}
