/** Decoding as it is measured: one generation of this engine per round, the prompts' run left out, rounds to be taken in turns with peers. */

import { fetchTestModel } from '../../../scripts/fetchTestModel.ts';
import { Rng } from '../../../src/base/rng.ts';
import { createGenerator } from '../../../src/language-model/generate.ts';
import { linearLayers, modelParameters, outputMatrixName } from '../../../src/language-model/model.ts';
import { type ModelFiles, openModelFolder, openModelGguf } from '../../../src/language-model/modelFiles.ts';
import { blockCount, isQuantised, type WeightPrecision } from '../../../src/language-model/quantise.ts';
import { quantiseWeights } from '../../../src/language-model/quantisedWeights.ts';
import { openFile, openFolder } from '../../../src/storage/modelFolder.ts';

export interface DecodeBenchOptions {
  readonly model: 'smollm2' | 'pebble';
  readonly batch: number;
  readonly precision: 'fp32' | 'int8' | '4bit';
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly threads: number;
  /** 0 takes the likeliest tokens. Default 1. */
  readonly temperature?: number;
}

export interface DecodeBench {
  /** One generation of `batch` sequences: tokens after the first of each, and the seconds that they took. */
  round(): Promise<{ readonly tokens: number; readonly seconds: number }>;
  /** Bytes of weights that a step reads: matrices with their scales, vectors; of an untied embedding nothing. */
  readonly weightBytes: number;
  /** Bytes of keys and values of one token of one sequence. */
  readonly kvBytesPerToken: number;
  /** Seconds from the weights in memory to the first step. */
  readonly readySeconds: number;
  dispose(): Promise<void>;
}

const precisions: Readonly<Record<DecodeBenchOptions['precision'], WeightPrecision>> = {
  fp32: 'float32',
  int8: 'int8',
  '4bit': 'int4',
};

export async function openDecodeBench(options: DecodeBenchOptions): Promise<DecodeBench> {
  const { batch, promptTokens, newTokens, threads, temperature = 1 } = options;
  const files = await openFiles(options.model);
  const { config } = files;
  const full = await files.readWeights();
  await files.close();
  const weights = quantiseWeights(config, full, precisions[options.precision]);
  const read = [...linearLayers(config).keys()].map(path => `${path}.weight`).concat(outputMatrixName(config));
  let weightBytes = 0;
  for (const [name, shape] of modelParameters(config)) {
    const weight = weights.get(name)!;
    if (shape.length > 1 && !read.includes(name)) continue;
    if (!isQuantised(weight)) weightBytes += weight.byteLength;
    else weightBytes += weight.data.byteLength + weight.rows * blockCount(weight) * 4 + (weight.zeros?.byteLength ?? 0);
  }
  const began = performance.now();
  const generator = await createGenerator({ config, weights, threads, maxBatch: batch });
  const readySeconds = (performance.now() - began) / 1000;
  let rounds = 0;
  return {
    weightBytes,
    kvBytesPerToken: config.layers * config.kvHeads * config.headDim * 2 * 4,
    readySeconds,
    async round() {
      const rng = Rng.seeded(++rounds);
      const requests = Array.from({ length: batch }, (_, stream) => ({
        prompt: Array.from({ length: promptTokens }, () => rng.int(config.vocabSize)),
        stream,
        options: { maxNewTokens: newTokens, temperature, seed: rounds },
      }));
      let tokens = 0;
      let firsts = 0;
      let started = 0;
      await generator.generate(requests, {
        onToken: () => {
          // The clock starts when every sequence has its first token.
          if (firsts < batch) {
            firsts++;
            started = performance.now();
          } else tokens++;
          return undefined;
        },
      });
      return { tokens, seconds: (performance.now() - started) / 1000 };
    },
    dispose: () => generator.dispose(),
  };
}

async function openFiles(model: DecodeBenchOptions['model']): Promise<ModelFiles> {
  if (model === 'smollm2') return openModelGguf(await openFile(fetchTestModel()));
  return openModelFolder(await openFolder(new URL('../../../models/pebble', import.meta.url).pathname));
}
