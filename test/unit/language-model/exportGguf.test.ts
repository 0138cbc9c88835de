/** Models written as GGUF and read again: the same configuration and weights, in the types that were asked for. */
import assert from 'node:assert/strict';
import type { ModelConfig } from '../../../src/language-model/config.ts';
import { type GgufType, writeGguf } from '../../../src/language-model/exportGguf.ts';
import { modelParameters } from '../../../src/language-model/model.ts';
import { openModelGguf } from '../../../src/language-model/modelFiles.ts';
import { openGguf } from '../../../src/language-model/weights/gguf.ts';
import type { GgufEntry } from '../../../src/language-model/weights/ggufEncoder.ts';
import { join, memoryFile } from '../../fakes/memoryFile.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { tinyConfig, tinyWeights } from '../../fakes/tinyLlama.ts';

const llama3 = {
  rope_type: 'llama3',
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};
const configs: Readonly<Record<string, ModelConfig>> = {
  'a Llama': tinyConfig(),
  'a Llama with its own output matrix and wide heads': tinyConfig({ tie_word_embeddings: false, head_dim: 32 }),
  'a Llama with biases': tinyConfig({ attention_bias: true, mlp_bias: true }),
  'a Llama 3': tinyConfig({ rope_scaling: llama3, rope_theta: 500000, max_position_embeddings: 65536, head_dim: 64 }),
  'a Llama with linear scaling': tinyConfig({ rope_scaling: { type: 'linear', factor: 4 } }),
  Qwen2: tinyConfig({ model_type: 'qwen2' }),
  'GPT-2': tinyGpt2Config({ n_inner: 24 }),
  'GPT-2 with its own output matrix': tinyGpt2Config({ tie_word_embeddings: false }),
};

async function written(
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
  type: GgufType,
  metadata: ReadonlyMap<string, GgufEntry> = new Map(),
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const model = { config, shapes: modelParameters(config), read: async (name: string) => weights.get(name)! };
  await writeGguf(model, { type, name: 'tiny', metadata }, async bytes => void pieces.push(bytes.slice()));
  return join(...pieces);
}

describe('export to GGUF', () => {
  for (const [name, config] of Object.entries(configs)) {
    it(`keeps ${name}`, async () => {
      const weights = tinyWeights(config);
      const metadata = new Map([['tokenizer.ggml.eos_token_id', 2]]);
      const files = await openModelGguf(memoryFile(await written(config, weights, 'F32', metadata)));
      assert.deepEqual({ ...files.config, initializerRange: 0 }, { ...config, initializerRange: 0 });
      assert.deepEqual(await files.readWeights(), weights);
    });
  }

  it('writes matrices in the type that was asked for, and what that does not fit in others', async () => {
    const config = tinyGpt2Config({ n_embd: 32, n_inner: 24 });
    const file = await openGguf(memoryFile(await written(config, tinyWeights(config), 'Q8_0')));
    const type = (name: string) => file.tensors.get(name)?.type;
    assert.deepEqual(
      ['blk.0.attn_qkv.weight', 'blk.0.ffn_down.weight', 'position_embd.weight', 'blk.0.attn_norm.weight'].map(type),
      ['Q8_0', 'F16', 'F32', 'F32'],
    );
    assert.equal(file.metadata.get('general.file_type'), 7);
    assert.equal(file.metadata.get('general.name'), 'tiny');
  });

  it('refuses slowed rotations that no Llama 3 has, rather than guess', async () => {
    const config = tinyConfig({ rope_scaling: { ...llama3, high_freq_factor: 2 }, rope_theta: 500000, head_dim: 64 });
    const bytes = await written(config, tinyWeights(config), 'F32');
    await assert.rejects(openModelGguf(memoryFile(bytes)), { name: 'HumanError', message: /scales its positions/ });
  });

  it('ends when it is cancelled', async () => {
    const config = tinyConfig();
    const weights = tinyWeights(config);
    const controller = new AbortController();
    const model = { config, shapes: modelParameters(config), read: async (name: string) => weights.get(name)! };
    const onValues = () => controller.abort();
    const options = { type: 'F32', name: 'tiny', metadata: new Map() } as const;
    const writing = writeGguf(model, options, async () => {}, { signal: controller.signal, onValues });
    await assert.rejects(writing, { name: 'AbortError' });
  });
});
