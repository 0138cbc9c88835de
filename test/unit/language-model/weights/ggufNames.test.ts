/** Names of GGUF and Hugging Face, there and back, and the layouts of matrices. */
import assert from 'node:assert/strict';
import { modelParameters } from '../../../../src/language-model/model.ts';
import {
  type GgufArchitecture,
  ggufName,
  huggingFaceName,
  layoutOf,
  permuteRows,
  transposed,
} from '../../../../src/language-model/weights/ggufNames.ts';
import { tinyGpt2Config } from '../../../fakes/tinyGpt2.ts';
import { tinyConfig } from '../../../fakes/tinyLlama.ts';

describe('names of GGUF', () => {
  const models = {
    llama: tinyConfig({ tie_word_embeddings: false, attention_bias: true, mlp_bias: true }),
    qwen2: tinyConfig({ model_type: 'qwen2' }),
    gpt2: tinyGpt2Config({ tie_word_embeddings: false }),
  } as const;
  for (const [architecture, config] of Object.entries(models)) {
    it(`have one for each weight of ${architecture}, and lead back to it`, () => {
      const kind = architecture as GgufArchitecture;
      const names = [...modelParameters(config).keys()];
      const theirs = names.map(name => ggufName(kind, name));
      assert.equal(new Set(theirs).size, names.length);
      assert.deepEqual(
        theirs.map(name => huggingFaceName(kind, name)),
        names,
      );
    });
  }

  it('are llama.cpp’s', () => {
    assert.equal(ggufName('llama', 'model.layers.11.self_attn.o_proj.weight'), 'blk.11.attn_output.weight');
    assert.equal(ggufName('gpt2', 'transformer.h.3.attn.c_proj.bias'), 'blk.3.attn_output.bias');
    assert.equal(ggufName('gpt2', 'transformer.wpe.weight'), 'position_embd.weight');
    assert.equal(huggingFaceName('llama', 'rope_freqs.weight'), undefined);
    assert.equal(huggingFaceName('llama', 'blk.0.constructor.weight'), undefined);
    assert.throws(() => ggufName('llama', 'model.layers.0.mlp.router.weight'), /no name/);
  });

  it('say how a matrix lies', () => {
    assert.equal(layoutOf('llama', 'model.layers.0.self_attn.q_proj.bias'), 'rotated q');
    assert.equal(layoutOf('llama', 'model.layers.0.self_attn.k_proj.weight'), 'rotated k');
    assert.equal(layoutOf('qwen2', 'model.layers.0.self_attn.q_proj.weight'), 'same');
    assert.equal(layoutOf('gpt2', 'transformer.h.0.attn.c_attn.weight'), 'transposed');
    assert.equal(layoutOf('gpt2', 'transformer.wte.weight'), 'same');
  });

  it('put the rows of q and k in the order of rotated pairs, and back', () => {
    // Two heads of 6 rows and one column: stored (0, 3, 1, 4, 2, 5), that is pairs of both halves.
    const stored = Float32Array.of(0, 3, 1, 4, 2, 5, 10, 13, 11, 14, 12, 15);
    const plain = Float32Array.of(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15);
    assert.deepEqual(permuteRows(stored, 12, 2, true), plain);
    assert.deepEqual(permuteRows(plain, 12, 2, false), stored);
    assert.throws(() => permuteRows(plain, 12, 4, false), RangeError);
    assert.deepEqual([...transposed(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)], [1, 4, 2, 5, 3, 6]);
  });
});
