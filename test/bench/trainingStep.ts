/** Speed of a training step as a share of what one matrix product reaches: `node test/bench/trainingStep.ts [threads]`. */
import { Rng } from '../../src/base/rng.ts';
import { createSession, float32, Graph, matmul, mean, neg } from '../../src/engine/index.ts';
import { modelParameters, randomWeights } from '../../src/language-model/model.ts';
import { createTrainingProgram, predictFrom } from '../../src/language-model/trainable.ts';
import { tinyConfig } from '../fakes/tinyLlama.ts';

const threads = Number(process.argv[2] ?? 2);
const [sequences, length] = [16, 128];
const tokens = sequences * length;
const config = tinyConfig({
  vocab_size: 2048,
  hidden_size: 256,
  intermediate_size: 688,
  num_hidden_layers: 5,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  max_position_embeddings: 512,
});

/** The least processor time of several runs, seconds for each thread: others on the machine disturb it least. */
async function fastest(repeats: number, work: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repeats; i++) {
    const start = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1e6 / threads);
  }
  return best;
}

async function matmulPeak(): Promise<number> {
  const graph = new Graph();
  const n = 768;
  const y = matmul(graph.input('a', 'float32', [2048, n]), graph.input('b', 'float32', [n, n]), { transB: true });
  const session = await createSession(graph, { y }, { threads });
  const feeds = {
    a: float32(new Float32Array(2048 * n).fill(0.5), [2048, n]),
    b: float32(new Float32Array(n * n).fill(0.5), [n, n]),
  };
  const seconds = await fastest(15, () => session.run(feeds));
  await session.dispose();
  return (2 * 2048 * n * n) / seconds / 1e9;
}

const rng = Rng.seeded(1);
const ids = Array.from({ length: sequences }, () => Array.from({ length }, () => rng.int(config.vocabSize)));
const batch = { ids, predictions: predictFrom(ids, Array(sequences).fill(1)) };
const program = await createTrainingProgram({
  config,
  weights: randomWeights(config, rng),
  head: 'lm',
  trainable: { kind: 'full' },
  inputs: {},
  loss: (_, out) => ({ loss: neg(mean(out.logProbs)) }),
  optimizer: { weightDecay: 0.1 },
  threads,
});
const seconds = await fastest(10, async () => {
  await program.gradients(batch);
  program.apply(1e-3);
});
await program.dispose();

// Six operations for each weight of a matrix and token, and the two products of attention with their gradients.
let parameters = 0;
for (const shape of modelParameters(config).values()) if (shape.length === 2) parameters += shape[0]! * shape[1]!;
const attention = 12 * config.layers * config.heads * config.headDim * length;
const gigaflops = ((6 * parameters + attention) * tokens) / seconds / 1e9;
const peak = await matmulPeak();
console.log(
  JSON.stringify({
    threads,
    parameters,
    tokensPerSecond: Math.round(tokens / seconds),
    gigaflops: Math.round(gigaflops),
    matmulGigaflops: Math.round(peak),
    shareOfMatmul: Number((gigaflops / peak).toFixed(2)),
  }),
);
