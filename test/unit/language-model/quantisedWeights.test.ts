import assert from 'node:assert/strict';
import { dequantiseMatrix, isQuantised } from '../../../src/language-model/quantise.ts';
import { encodeQuantised, quantiseWeights, readQuantised } from '../../../src/language-model/quantisedWeights.ts';
import { join, memoryFile } from '../../fakes/memoryFile.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { tinyConfig, tinyWeights } from '../../fakes/tinyLlama.ts';

const models = [
  tinyConfig(),
  tinyConfig({ tie_word_embeddings: false, hidden_size: 64, attention_bias: true }),
  tinyGpt2Config(),
];

describe('quantised weights', () => {
  for (const config of models) {
    for (const precision of ['int8', 'int4'] as const) {
      it(`come back from a file as they were: ${config.modelType}, ${precision}`, async () => {
        const weights = quantiseWeights(config, tinyWeights(config), precision);
        const bytes = join(...encodeQuantised(weights, { precision }));
        assert.deepEqual(await readQuantised(memoryFile(bytes), config, precision), weights);
      });
    }
  }

  it('are all matrices of linear layers, embedding and head, and no vectors', () => {
    const config = models[1]!;
    const weights = tinyWeights(config);
    const quantised = quantiseWeights(config, weights, 'int4');
    for (const [name, weight] of quantised) {
      const inEight = /embed_tokens|lm_head/.test(name);
      assert.equal(isQuantised(weight), inEight || /proj\.weight/.test(name), name);
      if (isQuantised(weight)) assert.equal(weight.bits, inEight ? 8 : 4, name);
      else assert.equal(weight, weights.get(name));
    }
    assert.deepEqual([...quantiseWeights(config, quantised, 'int8')], [...quantised], 'what is quantised stays');
    assert.deepEqual([...quantiseWeights(config, weights, 'float32')], [...weights]);
  });

  it('of GPT-2 are transposed: rows are outputs', () => {
    const config = tinyGpt2Config({ n_embd: 32 });
    const weights = tinyWeights(config);
    const name = 'transformer.h.0.attn.c_attn.weight';
    const matrix = quantiseWeights(config, weights, 'int8').get(name)!;
    assert.ok(isQuantised(matrix));
    assert.deepEqual([matrix.rows, matrix.columns], [96, 32]);
    const back = dequantiseMatrix(matrix);
    for (const [row, column] of [
      [0, 5],
      [70, 31],
    ] as const) {
      assert.ok(Math.abs(back[row * 32 + column]! - weights.get(name)![column * 96 + row]!) < 0.01);
    }
  });

  it('of another model, precision or version are refused', async () => {
    const [config, other] = models as [(typeof models)[0], (typeof models)[0]];
    const bytes = join(...encodeQuantised(quantiseWeights(config, tinyWeights(config), 'int8'), {}));
    await assert.rejects(readQuantised(memoryFile(bytes), other, 'int8'));
    await assert.rejects(readQuantised(memoryFile(bytes), config, 'int4'));
    await assert.rejects(readQuantised(memoryFile(bytes.subarray(0, bytes.length - 1)), config, 'int8'));
    await assert.rejects(readQuantised(memoryFile(bytes.subarray(0, 9)), config, 'int8'));
  });
});
