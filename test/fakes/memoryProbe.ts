/** A process that trains a little and prints what it was to take and what it took: `node memoryProbe.ts <case as JSON>`. */
import { readFileSync } from 'node:fs';
import { Rng } from '../../src/base/rng.ts';
import { createSession, elementCount, float32, Graph, mean, neg, planMemory } from '../../src/engine/index.ts';
import { randomWeights } from '../../src/language-model/model.ts';
import { createTrainingProgram, predictFrom } from '../../src/language-model/trainable.ts';
import { buildTrainingGraph } from '../../src/language-model/trainingGraph.ts';
import { NODE_BYTES, PROCESS_BYTES, STEP_BYTES, weightCount } from '../../src/training/jobNeeds.ts';
import { tinyConfig } from './tinyLlama.ts';

export interface MemoryCase {
  readonly model: 'pebble' | '6m' | '35m' | '135m';
  readonly kind: 'full' | 'lora';
  readonly rows: number;
  readonly tokens: number;
}

/** Bytes. */
export interface MemoryMeasured {
  /** What the process took between the made program and the last step, and what was planned for that. */
  readonly steps: number;
  readonly planned: number;
  /** The process at its peak, and the estimate of the whole. */
  readonly peak: number;
  readonly estimate: number;
}

const shape = (vocabulary: number, hidden: number, inner: number, layers: number, heads: number, kvHeads: number) => ({
  vocab_size: vocabulary,
  hidden_size: hidden,
  intermediate_size: inner,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: kvHeads,
  max_position_embeddings: 1024,
});
const models = {
  pebble: shape(2048, 192, 512, 4, 6, 3),
  '6m': shape(2048, 256, 688, 6, 8, 4),
  '35m': shape(8192, 512, 1408, 9, 8, 8),
  '135m': shape(49152, 576, 1536, 30, 9, 3),
};
const all = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];

/** Of `VmRSS` or `VmHWM`. */
const memory = (field: string): number =>
  1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))![1]);

async function measure({ model, kind, rows, tokens }: MemoryCase): Promise<MemoryMeasured> {
  const config = tinyConfig({ ...models[model], initializer_range: 0.02 });
  const options = {
    config,
    head: 'lm',
    trainable: kind === 'full' ? { kind } : { kind, lora: { r: 8, alpha: 16, targetModules: all }, seed: 1 },
    inputs: {},
    loss: (_: Graph, out: { logProbs: Parameters<typeof mean>[0] }) => ({ loss: neg(mean(out.logProbs)) }),
    optimizer: {},
    threads: 2,
  } as const;
  const built = buildTrainingGraph(options);
  const sizes = { R: rows, T: tokens, B: rows, N: rows * (tokens - 1) };
  const plan = planMemory(built.graph, { loss: built.loss, ...built.gradients }, sizes);
  let trained = 0;
  for (const dims of built.trained.values()) trained += 4 * elementCount(dims);
  const weights = randomWeights(config, Rng.seeded(1));
  const one = new Graph();
  const x = one.input('x', 'float32', ['N']);
  const first = await createSession(one, { y: neg(x) });
  await first.run({ x: float32([1]) });
  const program = await createTrainingProgram({ ...options, weights });
  const before = memory('VmRSS');
  const ids = Array.from({ length: rows }, (_, row) => Array.from({ length: tokens }, (_, t) => (7 * t + row) % 50));
  const batch = { ids, predictions: predictFrom(ids, Array<number>(rows).fill(1)) };
  for (let step = 0; step < 3; step++) {
    await program.gradients(batch);
    await program.gradients(batch);
    program.apply(1e-4);
  }
  return {
    steps: memory('VmRSS') - before,
    // The parameters were written before; gradients, means and scratch are touched by the first steps.
    planned: STEP_BYTES + plan.arena + 4 * trained,
    peak: memory('VmHWM'),
    estimate:
      PROCESS_BYTES + NODE_BYTES * built.graph.nodes.length + 4 * weightCount(config) + 5 * trained + plan.arena,
  };
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as MemoryCase)));
