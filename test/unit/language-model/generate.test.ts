import assert from 'node:assert/strict';
import { Rng } from '../../../src/base/rng.ts';
import type { ModelConfig } from '../../../src/language-model/config.ts';
import {
  createGenerator,
  type GenerateOptions,
  type GenerateRequest,
  type Generator,
} from '../../../src/language-model/generate.ts';
import type { LlamaConfig } from '../../../src/language-model/llamaConfig.ts';
import { initialLora, loraTargets } from '../../../src/language-model/lora.ts';
import { score } from '../../../src/language-model/score.ts';
import { type ReferenceAdapter, referenceLogProbs } from '../../fakes/referenceLlama.ts';
import { referenceModel } from '../../fakes/referenceModel.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { tinyConfig as smallest, tinyWeights } from '../../fakes/tinyLlama.ts';

const tinyConfig = (changes: Readonly<Record<string, unknown>> = {}): LlamaConfig =>
  smallest({ vocab_size: 67, max_position_embeddings: 96, ...changes });
const randomIds = (config: ModelConfig, length: number, seed = 7): number[] => {
  const rng = Rng.seeded(seed);
  return Array.from({ length }, () => rng.int(config.vocabSize));
};
/** What the model thinks of the tokens after a prompt. */
const expected = (
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
  prompt: readonly number[],
  tokens: readonly number[],
  adapter?: ReferenceAdapter,
): number[] => {
  const ids = [...prompt, ...tokens];
  return referenceLogProbs(referenceModel(config, weights, ids, adapter).logits, ids).slice(prompt.length - 1);
};

const options = (over: Partial<GenerateOptions> = {}): GenerateOptions => ({
  maxNewTokens: 12,
  temperature: 1,
  seed: 3,
  ...over,
});
const request = (prompt: readonly number[], stream = 0, over: Partial<GenerateOptions> = {}): GenerateRequest => ({
  prompt,
  stream,
  options: options(over),
});

function close(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) <= tolerance, `${i}: ${value} is not ${expected[i]}`);
  });
}

const variants: readonly [string, ModelConfig][] = [
  ['grouped heads of 4, tied head', tinyConfig()],
  ['grouped heads of 16', tinyConfig({ head_dim: 16 })],
  ['one key head, own output head', tinyConfig({ num_key_value_heads: 1, tie_word_embeddings: false })],
  ['a key head for each head', tinyConfig({ num_key_value_heads: 4 })],
  ['biases, heads of 8', tinyConfig({ attention_bias: true, mlp_bias: true, head_dim: 8 })],
  ['heads wider than the state', tinyConfig({ head_dim: 32, rope_theta: 100000 })],
  ['GPT-2', tinyGpt2Config({ vocab_size: 67, n_positions: 96 })],
  [
    'GPT-2 with heads of 16, own output head',
    tinyGpt2Config({ n_embd: 32, n_head: 2, n_positions: 96, tie_word_embeddings: false }),
  ],
];

describe('generate', function () {
  this.timeout(20000);
  for (const [name, config] of variants) {
    for (const weightsAs of ['constants', 'live'] as const) {
      it(`has the log-probs of a float64 forward pass: ${name}, weights as ${weightsAs}`, async () => {
        const weights = tinyWeights(config);
        const generator = await createGenerator({ config, weights, weightsAs, threads: 1 });
        try {
          const prompts = [randomIds(config, 9), randomIds(config, 2, 8), randomIds(config, 5, 9), [3]];
          const results = await generator.generate(prompts.map((prompt, i) => request(prompt, i)));
          results.forEach(({ tokens, logProbs, finishReason }, i) => {
            assert.equal(finishReason, 'length');
            close(logProbs, expected(config, weights, prompts[i]!, tokens), 1e-4);
          });
          const scored = await score(
            generator,
            results.map(({ tokens }, i) => ({ prefix: prompts[i]!, continuation: tokens })),
          );
          scored.forEach(({ logProbs, logLikelihood }, i) => {
            close(logProbs, results[i]!.logProbs, 1e-4);
            close([logLikelihood], [logProbs.reduce((a, b) => a + b, 0)], 1e-9);
          });
        } finally {
          await generator.dispose();
        }
      });
    }
  }

  describe('one model', () => {
    const config = tinyConfig();
    const weights = tinyWeights(config);
    let generator: Generator;
    before(async () => {
      generator = await createGenerator({ config, weights, threads: 1, maxBatch: 5 });
    });
    after(() => generator.dispose());

    it('gives a sample that does not depend on its batch mates', async () => {
      const requests = Array.from({ length: 13 }, (_, i) =>
        request(randomIds(config, 1 + ((i * 7) % 11), i), i % 3, {
          maxNewTokens: 2 + ((i * 5) % 17),
          temperature: 0.5 + (i % 4) / 2,
          topK: i % 2 ? 20 : 0,
          topP: i % 3 ? 0.9 : 1,
        }),
      );
      const together = await generator.generate(requests);
      for (const [i, alone] of requests.entries()) {
        const [single] = await generator.generate([alone]);
        assert.deepEqual(single!.tokens, together[i]!.tokens, `request ${i}`);
        close(single!.logProbs, together[i]!.logProbs, 1e-5);
      }
      const backwards = await generator.generate([...requests].reverse());
      assert.deepEqual(
        backwards.map(({ tokens }) => tokens),
        together.map(({ tokens }) => tokens).reverse(),
      );
    });

    it('gives the same with a cache as without one', async () => {
      const prompt = randomIds(config, 6);
      const [cached] = await generator.generate([request(prompt, 0, { temperature: 0, maxNewTokens: 20 })]);
      const ids = [...prompt];
      for (const token of cached!.tokens) {
        const { logits } = referenceModel(config, weights, ids);
        const last = logits.at(-1)!;
        assert.equal(token, last.indexOf(Math.max(...last)));
        ids.push(token);
      }
    });

    it('gives samples of one prompt their own numbers, and the same again for the same seed', async () => {
      const prompt = randomIds(config, 6);
      const four = [0, 1, 2, 3].map(stream => request(prompt, stream));
      const first = await generator.generate(four);
      assert.equal(new Set(first.map(({ tokens }) => tokens.join())).size, 4);
      assert.deepEqual(await generator.generate(four), first);
      const [other] = await generator.generate([request(prompt, 0, { seed: 4 })]);
      assert.notDeepEqual(other!.tokens, first[0]!.tokens);
    });

    it('samples in proportion to the probabilities', async () => {
      const prompt = randomIds(config, 4);
      const n = 1500;
      const requests = Array.from({ length: n }, (_, i) =>
        request(prompt, i, { maxNewTokens: 1, temperature: 1.5, alternatives: config.vocabSize }),
      );
      const results = await generator.generate(requests);
      const logProbs = results[0]!.alternatives![0]!;
      const weightsOf = logProbs.map(({ id, logProb }) => [id, Math.exp(logProb / 1.5)] as const);
      const total = weightsOf.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [id, weight] of weightsOf.slice(0, 5)) {
        const p = weight / total;
        const seen = results.filter(({ tokens }) => tokens[0] === id).length / n;
        assert.ok(Math.abs(seen - p) < 4.5 * Math.sqrt((p * (1 - p)) / n), `token ${id}: ${seen} instead of ${p}`);
      }
    });

    it('does not repeat itself under a great penalty', async () => {
      const prompt = [3, 5];
      const rule = { temperature: 0, maxNewTokens: 12 };
      const [free] = await generator.generate([request(prompt, 0, rule)]);
      const [penalised, unchanged] = await generator.generate([
        request(prompt, 0, { ...rule, repetitionPenalty: 1e6 }),
        request(prompt, 0, { ...rule, repetitionPenalty: 1 }),
      ]);
      // A positive logit becomes 0, which other tokens exceed.
      const all = [...prompt, ...penalised!.tokens];
      assert.equal(new Set(all).size, all.length);
      assert.deepEqual(unchanged!.tokens, free!.tokens);
      close(penalised!.logProbs, expected(config, weights, prompt, penalised!.tokens), 1e-4);
    });

    it('gives the likeliest alternatives, best first', async () => {
      const prompt = randomIds(config, 4);
      const [result] = await generator.generate([request(prompt, 0, { maxNewTokens: 3, alternatives: 5 })]);
      const { logits } = referenceModel(config, weights, [...prompt, ...result!.tokens]);
      result!.alternatives!.forEach((alternatives, i) => {
        const row = [...logits[prompt.length - 1 + i]!.entries()].sort((a, b) => b[1] - a[1]);
        assert.deepEqual(
          alternatives.map(({ id }) => id),
          row.slice(0, 5).map(([id]) => id),
        );
      });
    });

    it('ends at an end token, which is part of the result, and at the longest sequence of the model', async () => {
      const prompt = randomIds(config, 6);
      const [free] = await generator.generate([request(prompt, 0, { maxNewTokens: 10 })]);
      const endId = free!.tokens[4]!;
      const at = free!.tokens.indexOf(endId);
      const [ended] = await generator.generate([request(prompt, 0, { maxNewTokens: 10, endIds: [endId] })]);
      assert.deepEqual(ended!.tokens, free!.tokens.slice(0, at + 1));
      assert.equal(ended!.finishReason, 'end');
      const [full] = await generator.generate([request(prompt, 0, { maxNewTokens: 1000 })]);
      assert.equal(full!.tokens.length, config.maxPositions - prompt.length);
      assert.equal(full!.finishReason, 'length');
      close(full!.logProbs, expected(config, weights, prompt, full!.tokens), 1e-4);
    });

    it('ends within one token of a cancellation, also one that comes while it runs', async () => {
      const controller = new AbortController();
      let count = 0;
      const results = await generator.generate(
        [request(randomIds(config, 5), 0, { maxNewTokens: 50 }), request([1], 0, { maxNewTokens: 50 })],
        {
          signal: controller.signal,
          onToken: index => {
            if (index === 0 && ++count === 4) setImmediate(() => controller.abort());
            return undefined;
          },
        },
      );
      assert.equal(results[0]!.finishReason, 'cancelled');
      assert.ok(results[0]!.tokens.length <= 5, `${results[0]!.tokens.length} tokens`);
      assert.equal(results[1]!.finishReason, 'cancelled');
      const [late] = await generator.generate([request([1])], { signal: controller.signal });
      assert.deepEqual(late, { tokens: [], logProbs: [], finishReason: 'cancelled' });
    });

    it('stops one sequence when it is told to, and goes on with the others', async () => {
      const results = await generator.generate([request([1], 0), request([2], 1), request([3], 2)], {
        onToken: index => (index === 1 ? 'stop' : undefined),
      });
      assert.deepEqual(
        results.map(({ tokens, finishReason }) => [tokens.length, finishReason]),
        [
          [12, 'length'],
          [1, 'stopped'],
          [12, 'length'],
        ],
      );
    });

    it('refuses prompts that it cannot run, as bugs of the caller', async () => {
      await assert.rejects(generator.generate([request([])]), RangeError);
      await assert.rejects(generator.generate([request(randomIds(config, 96))]), RangeError);
      await assert.rejects(generator.generate([request([config.vocabSize])]), RangeError);
      await assert.rejects(generator.generate([request([-1])]), RangeError);
    });
  });

  it('gives the same where caches cannot be written in place and are copied', async () => {
    const config = tinyConfig();
    const weights = tinyWeights(config);
    const requests = [request(randomIds(config, 5)), request([3], 1, { maxNewTokens: 70 }), request([3], 2)];
    const run = async (inPlace: boolean) => {
      const generator = await createGenerator({ config, weights, inPlace, threads: 1 });
      const results = await generator.generate(requests);
      await generator.dispose();
      return results;
    };
    assert.deepEqual(await run(false), await run(true));
  });

  it('runs long prompts in pieces', async () => {
    const config = tinyConfig({ max_position_embeddings: 2048 });
    const weights = tinyWeights(config);
    const generator = await createGenerator({ config, weights, threads: 1 });
    const prompt = randomIds(config, 530);
    const [result] = await generator.generate([request(prompt, 0, { maxNewTokens: 2 })]);
    close(result!.logProbs, expected(config, weights, prompt, result!.tokens), 1e-4);
    await generator.dispose();
  });

  it('reads an adapter where it lies, and can leave it out', async () => {
    const config = tinyConfig();
    const weights = tinyWeights(config);
    const lora = { r: 3, alpha: 6, targetModules: ['q_proj', 'v_proj', 'down_proj'], rankPattern: { v_proj: 5 } };
    const adapter = initialLora(config, lora, Rng.seeded(5));
    const generator = await createGenerator({
      config,
      weights,
      threads: 1,
      adapter: { config: lora, weights: adapter },
    });
    const prompt = randomIds(config, 7);
    const run = async (useAdapter: boolean): Promise<[readonly number[], readonly number[]]> => {
      const [result] = await generator.generate([request(prompt)], { useAdapter });
      return [result!.tokens, result!.logProbs];
    };
    const [base, baseLogProbs] = await run(false);
    assert.deepEqual(await run(true), [base, baseLogProbs], 'B is zero: nothing has changed yet');

    const rng = Rng.seeded(6);
    for (const [name, values] of adapter) {
      if (name.includes('lora_B')) for (let i = 0; i < values.length; i++) values[i] = 0.3 * rng.normal();
    }
    const [tuned, tunedLogProbs] = await run(true);
    const scales = new Map(loraTargets(config, lora).map(({ path, scale }) => [path, scale]));
    const reference = { scale: (path: string) => scales.get(path)!, weights: adapter };
    close(tunedLogProbs, expected(config, weights, prompt, tuned, reference), 1e-4);
    assert.notDeepEqual(tuned, base);
    assert.deepEqual(await run(false), [base, baseLogProbs]);
    await generator.dispose();
  });

  it('reads live weights where they lie', async () => {
    const config = tinyConfig();
    const weights = tinyWeights(config);
    const generator = await createGenerator({ config, weights, weightsAs: 'live', threads: 1 });
    const prompt = randomIds(config, 7);
    await generator.generate([request(prompt)]);
    for (const [name, values] of tinyWeights(config, 2)) weights.get(name)!.set(values);
    const [result] = await generator.generate([request(prompt)]);
    close(result!.logProbs, expected(config, weights, prompt, result!.tokens), 1e-4);
    await generator.dispose();
  });
});
