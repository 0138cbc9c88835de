/** Our side of the benchmark, in a process of its own like the peers: a training step or a decoding round when asked. */
import { mean, neg } from '../../../src/engine/index.ts';
import { createTrainingProgram, predictFrom, type TrainingProgram } from '../../../src/language-model/trainable.ts';
import type { DecodingCase, TrainingCase } from './cases.ts';
import { openDecodeBench } from './decodeCases.ts';
import { loadModel } from './models.ts';
import { serve } from './serve.ts';

export interface TrainingRequest {
  readonly case: TrainingCase;
  readonly ids: readonly (readonly number[])[];
  readonly threads: number;
}

export interface DecodingRequest {
  readonly case: DecodingCase;
  readonly threads: number;
}

let round: ((steps: number) => Promise<{ tokens: number; seconds: number }>) | undefined;

await serve({
  async prepareTraining({ case: { model: name, lora, baseProducts }, ids, threads }: TrainingRequest) {
    const { config, weights } = await loadModel(name);
    const program = await createTrainingProgram({
      config,
      weights,
      head: 'lm',
      trainable: lora
        ? { kind: 'lora', lora: { ...lora, targetModules: 'all-linear' }, seed: 1 }
        : { kind: 'full', seed: 1 },
      inputs: {},
      loss: (_, out) => ({ loss: neg(mean(out.logProbs)) }),
      optimizer: { weightDecay: 0.1, maxGradNorm: 1 },
      threads,
      ...(baseProducts === 'int8' ? { baseProducts } : {}),
    });
    const step = trainingStep(program, ids);
    const loss = await step();
    const tokens = ids.reduce((n, sequence) => n + sequence.length, 0);
    round = async steps => {
      const start = performance.now();
      for (let i = 0; i < steps; i++) await step();
      return { tokens: tokens * steps, seconds: (performance.now() - start) / 1000 };
    };
    return { loss };
  },

  async prepareDecoding({ case: { model, batch, precision, promptTokens, newTokens }, threads }: DecodingRequest) {
    const start = performance.now();
    const bench = await openDecodeBench({ model, batch, precision, promptTokens, newTokens, threads, temperature: 0 });
    const openSeconds = (performance.now() - start) / 1000;
    round = () => bench.round();
    return { openSeconds, weightBytes: bench.weightBytes, kvBytesPerToken: bench.kvBytesPerToken };
  },

  async round({ steps }: { steps: number }) {
    return round!(steps);
  },
});

function trainingStep(program: TrainingProgram, ids: readonly (readonly number[])[]): () => Promise<number> {
  const batch = { ids, predictions: predictFrom(ids, Array(ids.length).fill(1)) };
  return async () => {
    const { loss } = await program.gradients(batch);
    program.apply(1e-3);
    return loss;
  };
}
