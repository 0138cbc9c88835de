/** Pebble's size and shape: the one place that says so. */

export const VOCABULARY = 2560;
export const CONTEXT = 512;

/** `config.json` in the Hugging Face Llama layout; ids 0, 1, 2 are the special tokens. */
export const pebbleConfig = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 128,
  intermediate_size: 352,
  num_hidden_layers: 5,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  hidden_act: 'silu',
  rms_norm_eps: 1e-5,
  rope_theta: 1000,
  attention_bias: false,
  mlp_bias: false,
  vocab_size: VOCABULARY,
  max_position_embeddings: CONTEXT,
  tie_word_embeddings: true,
  initializer_range: 0.02,
  bos_token_id: 0,
  eos_token_id: 2,
  pad_token_id: 0,
  torch_dtype: 'float16',
} as const;
