import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import type { ModelConfig } from '../../../src/language-model/config.ts';
import { createGenerator, type GeneratedSequence, type GenerateRequest } from '../../../src/language-model/generate.ts';
import { exactStorage } from '../../../src/language-model/int8Layers.ts';
import { initialLora, loraScale } from '../../../src/language-model/lora.ts';
import {
  type DecoderWeights,
  dequantiseMatrix,
  isQuantised,
  type QuantisedMatrix,
} from '../../../src/language-model/quantise.ts';
import { quantiseWeights } from '../../../src/language-model/quantisedWeights.ts';
import { score } from '../../../src/language-model/score.ts';
import { referenceLogProbs } from '../../fakes/referenceLlama.ts';
import { referenceModel } from '../../fakes/referenceModel.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { randomIds, tinyConfig, tinyWeights } from '../../fakes/tinyLlama.ts';

const sizes = { vocab_size: 67, max_position_embeddings: 96 };
const models: readonly [string, ModelConfig][] = [
  [
    'a tied Llama whose rows fill their blocks',
    tinyConfig({ ...sizes, hidden_size: 64, intermediate_size: 128, initializer_range: 0.1 }),
  ],
  ['an untied Llama whose rows do not', tinyConfig({ ...sizes, tie_word_embeddings: false, attention_bias: true })],
  ['GPT-2', tinyGpt2Config({ vocab_size: 67, n_positions: 96 })],
];
const precisions = ['int8', 'int4'] as const;

const requests = (config: ModelConfig): GenerateRequest[] =>
  randomIds(Rng.seeded(8), [9, 2, 5, 1, 7, 3, 11, 4, 6, 8], config.vocabSize).map((prompt, stream) => ({
    prompt,
    stream,
    options: { maxNewTokens: 5 + stream, temperature: 1, seed: 2, topP: stream % 2 ? 0.9 : 1 },
  }));

/** Differences of log-probs from the float64 forward pass of these weights. */
function differences(
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
  prompt: ArrayLike<number>,
  { tokens, logProbs }: GeneratedSequence,
  adapter?: Parameters<typeof referenceModel>[3],
): number[] {
  const ids = [...Array.from(prompt), ...tokens];
  const expected = referenceLogProbs(referenceModel(config, weights, ids, adapter).logits, ids).slice(
    prompt.length - 1,
  );
  return expected.map((logProb, i) => Math.abs(logProb - logProbs[i]!));
}

/** The float32 weights that quantised ones stand for. */
function meantWeights(config: ModelConfig, weights: DecoderWeights): Map<string, Float32Array> {
  return new Map(
    [...weights].map(([key, weight]) => {
      if (!isQuantised(weight)) return [key, weight] as const;
      const values = dequantiseMatrix(weight);
      // The reference reads GPT-2's linear layers as (in, out).
      const swap = config.modelType === 'gpt2' && /\.h\.\d+\./.test(key);
      return [key, swap ? transposed(values, weight.rows, weight.columns) : values] as const;
    }),
  );
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('decoder with fewer bits', () => {
  for (const [name, config] of models) {
    for (const precision of precisions) {
      it(`computes what the dequantised weights do, but for 8-bit inputs: ${name}, ${precision}`, async () => {
        const weights = tinyWeights(config);
        const meant = meantWeights(config, quantiseWeights(config, weights, precision));
        const generator = await createGenerator({ config, weights, precision, threads: 1 });
        try {
          const asked = requests(config);
          const results = await generator.generate(asked);
          const from = (reference: ReadonlyMap<string, Float32Array>): number[] =>
            results.flatMap((result, i) => differences(config, reference, asked[i]!.prompt, result));
          // Inputs of products are rounded too; what is left is a fraction of what rounding the weights does.
          assert.ok(Math.max(...from(meant)) < 0.3, `a log-prob is off by ${Math.max(...from(meant))}`);
          if (precision === 'int4') assert.ok(mean(from(meant)) < 0.5 * mean(from(weights)));
          const scored = await score(
            generator,
            results.map(({ tokens }, i) => ({ prefix: asked[i]!.prompt, continuation: tokens })),
          );
          scored.forEach(({ logProbs }, i) => {
            logProbs.forEach((logProb, t) => {
              // Sums in another order may round an input of a product to the other side.
              assert.ok(Math.abs(logProb - results[i]!.logProbs[t]!) < 0.05);
            });
          });
        } finally {
          await generator.dispose();
        }
      });
    }
  }

  for (const precision of precisions) {
    it(`gives a sample that does not depend on its batch mates, ${precision}`, async () => {
      const config = models[0]![1];
      const generator = await createGenerator({ config, weights: tinyWeights(config), precision, threads: 1 });
      try {
        const asked = requests(config);
        const together = await generator.generate(asked);
        // Without VNNI, four-bit kernels sum one row in another order than several, and inputs may be rounded to the other side.
        const exact = precision !== 'int4' || (await exactStorage({ threads: 1 })) === 'int8';
        for (const [i, request] of asked.entries()) {
          const [alone] = await generator.generate([request]);
          assert.deepEqual(alone!.tokens, together[i]!.tokens, `request ${i}`);
          alone!.logProbs.forEach((logProb, t) => {
            assert.ok(Math.abs(logProb - together[i]!.logProbs[t]!) < (exact ? 1e-5 : 0.01));
          });
        }
      } finally {
        await generator.dispose();
      }
    });
  }

  it('reads a float32 adapter live on top', async () => {
    const config = models[0]![1];
    const weights = tinyWeights(config);
    const lora = { r: 3, alpha: 6, targetModules: ['q_proj', 'v_proj', 'up_proj'] };
    const adapter = initialLora(config, lora, Rng.seeded(5));
    const generator = await createGenerator({
      config,
      weights,
      precision: 'int8',
      threads: 1,
      adapter: { config: lora, weights: adapter },
    });
    try {
      const [request] = requests(config);
      const [before] = await generator.generate([request!]);
      const rng = Rng.seeded(6);
      for (const [name, values] of adapter) {
        if (name.includes('lora_B')) for (let i = 0; i < values.length; i++) values[i] = 0.1 * rng.normal();
      }
      const [after] = await generator.generate([request!]);
      assert.notDeepEqual(after!.logProbs, before!.logProbs);
      const reference = { r: lora.r, scale: loraScale(lora), weights: adapter };
      const meant = meantWeights(config, quantiseWeights(config, weights, 'int8'));
      const worst = Math.max(...differences(config, meant, request!.prompt, after!, reference));
      assert.ok(worst < 0.3, `a log-prob is off by ${worst}`);
      assert.deepEqual((await generator.generate([request!], { useAdapter: false }))[0], before);
    } finally {
      await generator.dispose();
    }
  });

  it('takes matrices in float32 beside quantised ones', async () => {
    for (const config of [models[0]![1], models[2]![1]]) {
      const weights = tinyWeights(config);
      const quantised = new Map<string, Float32Array | QuantisedMatrix>(quantiseWeights(config, weights, 'int8'));
      for (const name of weights.keys())
        if (/0.*(k_proj|up_proj|c_fc)\.weight/.test(name)) quantised.set(name, weights.get(name)!);
      const generator = await createGenerator({ config, weights: quantised, threads: 1 });
      try {
        const [request] = requests(config);
        const [result] = await generator.generate([request!]);
        const worst = Math.max(...differences(config, meantWeights(config, quantised), request!.prompt, result!));
        assert.ok(worst < 0.3, `a log-prob is off by ${worst}`);
      } finally {
        await generator.dispose();
      }
    }
  });

  it('cannot read quantised weights live', async () => {
    const config = models[0]![1];
    const weights = tinyWeights(config);
    await assert.rejects(
      createGenerator({ config, weights, precision: 'int8', weightsAs: 'live' }),
      /quantised and cannot be read live/,
    );
  });
});

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = values[r * columns + c]!;
  return result;
}
