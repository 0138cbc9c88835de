/** The plan against ONNX Runtime's own accounts: its profile says in which order it ran and how much was in use. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { Rng } from '../../../src/base/rng.ts';
import {
  add,
  type Graph,
  mean,
  mul,
  Graph as NewGraph,
  neg,
  planMemory,
  reshape,
  resolve,
  type Value,
} from '../../../src/engine/index.ts';
import { encodeModel } from '../../../src/engine/onnxProto.ts';
import { buildTrainingGraph } from '../../../src/language-model/trainingGraph.ts';
import { sequenceRatioLoss } from '../../../src/training/policyMethods.ts';
import { tinyConfig } from '../../fakes/tinyLlama.ts';

interface ProfiledNode {
  readonly op_name: string;
  readonly mem_in_use_peak: string;
}

/** Runs the graph once with numbers that do not matter, and returns what ONNX Runtime says of each operator, in its order. */
async function profile(
  graph: Graph,
  outputs: Readonly<Record<string, Value>>,
  sizes: Readonly<Record<string, number>>,
): Promise<ProfiledNode[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tunesmith-profile-'));
  try {
    const model = encodeModel(graph, outputs, { precision: 'float32', withDone: true });
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
      enableMemPattern: false,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'run'),
    });
    const known = new Map(Object.entries(sizes));
    const rng = Rng.seeded(1);
    const tensor = ({ dtype, shape }: Value): ort.Tensor => {
      const dims = resolve(shape, known);
      const length = dims.reduce((a, b) => a * b, 1);
      return dtype === 'int64'
        ? new ort.Tensor('int64', new BigInt64Array(length), dims)
        : new ort.Tensor(
            'float32',
            Float32Array.from({ length }, () => rng.normal()),
            dims,
          );
    };
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, value] of graph.inputs) {
      if (session.inputNames.includes(`in:${name}`)) feeds[`in:${name}`] = tensor(value);
    }
    const fetches: Record<string, ort.Tensor | null> = { done: null };
    for (const [name, value] of Object.entries(outputs)) fetches[name] = tensor(value);
    await assert.rejects(session.run(feeds, fetches), /Non tensor type/);
    session.endProfiling();
    const [file] = await readdir(folder);
    const events = JSON.parse(await readFile(join(folder, file!), 'utf8')) as { name: string; args: ProfiledNode }[];
    await session.release();
    return events.filter(({ name }) => name.endsWith('_kernel_time')).map(({ args }) => args);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const config = tinyConfig({
  hidden_size: 64,
  intermediate_size: 96,
  vocab_size: 300,
  num_hidden_layers: 3,
  max_position_embeddings: 96,
});
const lora = {
  kind: 'lora',
  lora: { r: 4, alpha: 8, targetModules: ['q_proj', 'v_proj', 'o_proj', 'gate_proj', 'down_proj'] },
} as const;
const crossEntropy = {
  config,
  head: 'lm',
  inputs: {},
  loss: (_: Graph, out: { logProbs: Value }) => ({ loss: neg(mean(out.logProbs)) }),
} as const;

function trainingStep(kind: 'full' | 'lora' | 'rloo' | 'forward') {
  const built = buildTrainingGraph(
    kind === 'rloo'
      ? {
          config,
          head: 'lm',
          trainable: lora,
          inputs: {
            advantages: { dtype: 'float32', shape: ['B'] },
            weight: { dtype: 'float32', shape: ['B'] },
            oldLogProbs: { dtype: 'float32', shape: ['N'] },
          },
          loss: sequenceRatioLoss(0.2),
        }
      : { ...crossEntropy, trainable: kind === 'full' ? { kind } : lora },
  );
  const prefixed = (prefix: string, values: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));
  const outputs = {
    loss: built.loss,
    ...(kind === 'forward' ? prefixed('row:', built.rows) : prefixed('grad:', built.gradients)),
  };
  return { graph: built.graph, outputs };
}

describe('the memory plan', () => {
  for (const kind of ['full', 'lora', 'rloo', 'forward'] as const) {
    it(`has ONNX Runtime’s order and its peak: ${kind}`, async () => {
      const { graph, outputs } = trainingStep(kind);
      const sizes = { R: 16, T: 96, B: 16, N: 16 * 90 };
      const order: string[] = [];
      const plan = planMemory(graph, outputs, sizes, { onNode: op => order.push(op) });
      const profiled = await profile(graph, outputs, sizes);
      assert.deepEqual(
        order,
        profiled.map(node => node.op_name),
      );
      const peak = Math.max(...profiled.map(node => Number(node.mem_in_use_peak)));
      assert.ok(Math.abs(plan.peak / peak - 1) < 0.2, `planned ${plan.peak}, measured ${peak}`);
      assert.ok(plan.arena >= plan.peak / 2 && plan.arena < 1.5 * plan.peak, `${plan.arena} of ${plan.peak}`);
    });
  }

  it('counts a chain by hand: operands live until their last use, views cost nothing', () => {
    const graph = new NewGraph();
    const x = graph.input('x', 'float32', ['N', 64]);
    const a = mul(x, 2); // 256 · N bytes
    const b = neg(reshape(a, ['N', 8, 8])); // a second tensor beside a
    const c = add(reshape(b, ['N', 64]), a); // a third beside both
    const d = neg(c); // the result lies in the caller's array
    const plan = planMemory(graph, { d }, { N: 100 });
    assert.equal(plan.peak, 3 * 100 * 256 + 256, 'and what stands for “done”');
    assert.deepEqual([plan.inputs, plan.outputs], [25600, 25600]);
    assert.equal(planMemory(graph, { d }, { N: 100 }, { inPlace: false }).peak, 3 * 100 * 256);
    assert.throws(() => planMemory(graph, { d }, {}), /size of dimension N is not known/);
  });
});
