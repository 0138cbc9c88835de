/** What tensors are called in GGUF files and in Hugging Face's, and how their rows lie there. Source: gguf-py `tensor_mapping.py`. */

/** `general.architecture` of the families that can be read and written. */
export const ggufArchitectures = ['llama', 'qwen2', 'gpt2'] as const;
export type GgufArchitecture = (typeof ggufArchitectures)[number];

/**
 * How a matrix lies in GGUF compared with Hugging Face: the same; with the rows of each head in the order of rotated pairs
 * (`rotated`, with the kind of heads); or as (out, in) where Hugging Face has (in, out).
 */
export type Layout = 'same' | 'rotated q' | 'rotated k' | 'transposed';

interface Naming {
  /** What stands before a layer's number in Hugging Face's names. */
  readonly layers: string;
  /** GGUF's name → Hugging Face's, of whole weights. */
  readonly top: Readonly<Record<string, string>>;
  /** GGUF's name → Hugging Face's, of modules in a layer. */
  readonly layer: Readonly<Record<string, string>>;
}

const llama: Naming = {
  layers: 'model.layers.',
  top: {
    'token_embd.weight': 'model.embed_tokens.weight',
    'output_norm.weight': 'model.norm.weight',
    'output.weight': 'lm_head.weight',
  },
  layer: {
    attn_norm: 'input_layernorm',
    ffn_norm: 'post_attention_layernorm',
    attn_q: 'self_attn.q_proj',
    attn_k: 'self_attn.k_proj',
    attn_v: 'self_attn.v_proj',
    attn_output: 'self_attn.o_proj',
    ffn_gate: 'mlp.gate_proj',
    ffn_up: 'mlp.up_proj',
    ffn_down: 'mlp.down_proj',
  },
};

const gpt2: Naming = {
  layers: 'transformer.h.',
  top: {
    'token_embd.weight': 'transformer.wte.weight',
    'position_embd.weight': 'transformer.wpe.weight',
    'output_norm.weight': 'transformer.ln_f.weight',
    'output_norm.bias': 'transformer.ln_f.bias',
    'output.weight': 'lm_head.weight',
  },
  layer: {
    attn_norm: 'ln_1',
    ffn_norm: 'ln_2',
    attn_qkv: 'attn.c_attn',
    attn_output: 'attn.c_proj',
    ffn_up: 'mlp.c_fc',
    ffn_down: 'mlp.c_proj',
  },
};

const namings: { readonly [K in GgufArchitecture]: Naming } = { llama, qwen2: llama, gpt2 };

/** Hugging Face's name of a GGUF tensor; undefined for what is no parameter of the model. */
export function huggingFaceName(architecture: GgufArchitecture, name: string): string | undefined {
  const { layers, top, layer } = namings[architecture];
  const found = /^blk\.(\d+)\.([a-z_]+)\.(weight|bias)$/.exec(name);
  if (!found) return Object.hasOwn(top, name) ? top[name] : undefined;
  const [, index, part, kind] = found as unknown as [string, string, string, string];
  return Object.hasOwn(layer, part) ? `${layers}${index}.${layer[part]}.${kind}` : undefined;
}

/** GGUF's name of a weight. Throws for a name that the architecture does not have. */
export function ggufName(architecture: GgufArchitecture, name: string): string {
  const { layers, top, layer } = namings[architecture];
  const whole = Object.entries(top).find(([, theirs]) => theirs === name);
  if (whole) return whole[0];
  const [, index, path, kind] = /^(\d+)\.(.+)\.(weight|bias)$/.exec(name.replace(layers, '')) ?? [];
  const part = Object.entries(layer).find(([, theirs]) => theirs === path);
  if (!part) throw new Error(`GGUF has no name for ${name} of ${architecture}`);
  return `blk.${index}.${part[0]}.${kind}`;
}

/** The layout of a weight, by Hugging Face's name. */
export function layoutOf(architecture: GgufArchitecture, name: string): Layout {
  if (architecture === 'llama') {
    if (name.includes('.q_proj.')) return 'rotated q';
    if (name.includes('.k_proj.')) return 'rotated k';
  }
  return architecture === 'gpt2' && /\.c_(attn|proj|fc)\.weight$/.test(name) ? 'transposed' : 'same';
}

/**
 * llama.cpp stores the rows of q and k so that a rotated pair lies side by side: row 2i + j of a head is Hugging Face's
 * row j·D/2 + i. Source: LlamaModel.permute in convert_hf_to_gguf.py. `undo` goes from GGUF's order to Hugging Face's.
 */
export function permuteRows(values: Float32Array, rows: number, heads: number, undo: boolean): Float32Array {
  const headRows = rows / heads;
  const half = headRows / 2;
  if (!Number.isInteger(half)) throw new RangeError(`${rows} rows do not divide into ${heads} heads`);
  const width = values.length / rows;
  const out = new Float32Array(values.length);
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < headRows; row++) {
      const plain = (head * headRows + row) * width;
      const paired = (head * headRows + 2 * (row % half) + Math.floor(row / half)) * width;
      const [from, to] = undo ? [paired, plain] : [plain, paired];
      out.set(values.subarray(from, from + width), to);
    }
  }
  return out;
}

/** (rows, columns) → (columns, rows). */
export function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column]!;
  }
  return out;
}
