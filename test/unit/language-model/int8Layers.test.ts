/** Eight-bit base products: the rounding by hand, and how near their losses and gradients are to float32's. */
import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import { mean, neg } from '../../../src/engine/index.ts';
import { FLOAT_INPUTS, int8Feeds, largestInputs, roundMatrix } from '../../../src/language-model/int8Layers.ts';
import { linearLayers } from '../../../src/language-model/model.ts';
import { createTrainingProgram, predictFrom } from '../../../src/language-model/trainable.ts';
import { randomIds, tinyConfig, tinyWeights } from '../../fakes/tinyLlama.ts';

const config = tinyConfig({ hidden_size: 64, intermediate_size: 96 });
const weights = tinyWeights(config);
const path = 'model.layers.0.self_attn.q_proj';

describe('eight-bit layers', () => {
  it('give every output and every input a scale of its own', () => {
    // (out, in) = (2, 3); the second input is masked.
    const matrix = Float32Array.of(1, 9, 0.5, -2, 9, 0.25);
    const mask = Float32Array.of(1, 0, 1);
    const { forward, backward } = roundMatrix(matrix, { inSize: 3, outSize: 2, perIn: 1, perOut: 3, mask });
    assert.deepEqual([...forward.scales], [1 / 127, 2 / 127].map(Math.fround));
    assert.deepEqual([...forward.values], [127, -127, 0, 0, 64, 16]);
    assert.deepEqual([...backward.scales], [2 / 127, 1, 0.5 / 127].map(Math.fround));
    assert.deepEqual([...backward.values], [64, 0, 127, -127, 0, 64]);
    // The same matrix stored as (in, out).
    const turned = Float32Array.of(1, -2, 9, 9, 0.5, 0.25);
    assert.deepEqual(roundMatrix(turned, { inSize: 3, outSize: 2, perIn: 2, perOut: 1, mask }), { forward, backward });
  });

  it('keep the largest inputs in float32: rounded copies and columns together are the matrix', async () => {
    // One input of the first layer is made far larger than the others, through the gain before it.
    const loud = new Map(weights);
    const gain = Float32Array.from(weights.get('model.layers.0.input_layernorm.weight')!);
    gain[5] = 40;
    loud.set('model.layers.0.input_layernorm.weight', gain);
    const found = await largestInputs(config, loud, { threads: 1 });
    assert.deepEqual([...found.keys()], [...linearLayers(config).keys()]);
    const exact = found.get(path)!;
    assert.equal(exact.length, FLOAT_INPUTS);
    assert.ok(exact.includes(5), `${exact}`);

    const feeds = int8Feeds(config, loud, found, 'int8');
    const part = (name: string) => feeds[`${path}:int8.${name}`]!.data as Float32Array;
    const unsigned = int8Feeds(config, loud, found, 'uint8')[`${path}:int8.forward`]!.data as Uint8Array;
    assert.deepEqual(
      [...unsigned],
      [...part('forward')].map(value => value + 128),
    );
    const matrix = loud.get(`${path}.weight`)!;
    const [inSize, outSize] = linearLayers(config).get(path)!;
    for (let out = 0; out < outSize; out++) {
      for (let input = 0; input < inSize; input++) {
        const w = matrix[out * inSize + input]!;
        const place = exact.indexOf(input);
        const forward = part('forward')[input * outSize + out]! * part('forwardScale')[out]!;
        const backward = part('backward')[out * inSize + input]! * part('backwardScale')[input]!;
        if (place >= 0) {
          assert.deepEqual([forward, backward, part('columns')[out * FLOAT_INPUTS + place]], [0, 0, w]);
        } else {
          assert.ok(Math.abs(forward - w) <= part('forwardScale')[out]! * 0.5001);
          assert.ok(Math.abs(backward - w) <= part('backwardScale')[input]! * 0.5001);
        }
      }
    }
  });

  it('train an adapter with nearly the loss and the gradients of float32', async () => {
    const ids = randomIds(Rng.seeded(3), [12, 9, 15, 4], config.vocabSize);
    const batch = {
      ids,
      predictions: predictFrom(
        ids,
        ids.map(() => 1),
      ),
    };
    const step = async (baseProducts: 'float32' | 'int8') => {
      const program = await createTrainingProgram({
        config,
        weights,
        baseProducts,
        head: 'lm',
        trainable: { kind: 'lora', seed: 4, lora: { r: 4, alpha: 8, targetModules: 'all-linear' } },
        inputs: {},
        loss: (_, out) => ({ loss: neg(mean(out.logProbs)) }),
        optimizer: {},
        threads: 1,
      });
      try {
        const { loss } = await program.gradients(batch);
        return { loss, gradNorm: program.apply(1e-3).gradNorm };
      } finally {
        await program.dispose();
      }
    };
    const [exact, rounded] = [await step('float32'), await step('int8')];
    assert.notEqual(rounded.loss, exact.loss);
    assert.ok(Math.abs(rounded.loss / exact.loss - 1) < 0.01, `${rounded.loss}, ${exact.loss}`);
    assert.ok(Math.abs(rounded.gradNorm / exact.gradNorm - 1) < 0.1, `${rounded.gradNorm}, ${exact.gradNorm}`);
  });

  it('are for frozen weights only', async () => {
    const full = createTrainingProgram({
      config,
      weights,
      baseProducts: 'int8',
      head: 'lm',
      trainable: { kind: 'full' },
      inputs: {},
      loss: (_, out) => ({ loss: neg(mean(out.logProbs)) }),
      optimizer: {},
    });
    await assert.rejects(full, /train an adapter/);
  });
});
