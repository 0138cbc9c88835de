/**
 * Fused float32 kernels against their own float64 decompositions, forward and through their gradient rules. An operator
 * that is lowered to other nodes in float32 than in float64 and has no check here fails.
 */
import assert from 'node:assert/strict';
import type { Emitter } from '../../../src/engine/emitter.ts';
import { gradientRules } from '../../../src/engine/gradients/rules.ts';
import { mean, mul, type Node, neg, type OpType, type Precision, type Value } from '../../../src/engine/index.ts';
import { lowerings } from '../../../src/engine/lowering.ts';
import type { LoraConfig } from '../../../src/language-model/lora.ts';
import type { LossBuilder } from '../../../src/language-model/trainable.ts';
import { buildTrainingGraph } from '../../../src/language-model/trainingGraph.ts';
import { compareFused, computeFused, type Fused, fusedOps } from '../../fakes/fusedOps.ts';
import { tinyGpt2Config } from '../../fakes/tinyGpt2.ts';
import { tinyConfig } from '../../fakes/tinyLlama.ts';

async function check(fused: Fused): Promise<void> {
  compareFused(await computeFused(fused, 'float32'), await computeFused(fused, 'float64'));
}

/** The ONNX operators that a lowering writes for a node. */
function written(node: Pick<Node, 'op' | 'attributes' | 'inputs' | 'outputs'>, precision: Precision): string {
  const names: string[] = [];
  const to: Emitter = {
    precision,
    provider: 'cpu',
    name: () => 'x',
    ints: () => 'ints',
    float: () => 'float',
    byte: () => 'byte',
    emit(name, _, __, options) {
      names.push(`${options?.domain ?? ''}:${name}`);
      return 't';
    },
    nested(inputs, build) {
      build(to, inputs.map(String));
      return { nodes: [], inputs: [], outputs: [] };
    },
  };
  const all = Array<string>(8).fill('x');
  (lowerings[node.op] as (...args: unknown[]) => void)(node, to, all, all);
  return names.join();
}

const differs = (node: Parameters<typeof written>[0]): boolean => written(node, 'float32') !== written(node, 'float64');

/** A node of an operator that no graph at hand has: every attribute 1, operands of four axes. */
function anyNode(op: OpType): Parameters<typeof written>[0] {
  const value = { dtype: 'float32', shape: [2, 2, 2, 2] } as unknown as Value;
  const attributes = new Proxy({}, { get: () => [1] });
  return { op, attributes, inputs: Array(8).fill(value), outputs: Array(8).fill(value) };
}

/** Nodes of training graphs of each family, trained in full and with an adapter. */
function trainingNodes(): Node[] {
  const lora: LoraConfig = { r: 2, alpha: 4, targetModules: 'all-linear' };
  return [tinyConfig({ model_type: 'qwen2' }), tinyGpt2Config()].flatMap(config =>
    (['full', 'lora'] as const).flatMap(kind => {
      const trainable = kind === 'full' ? { kind } : { kind, lora };
      const loss: LossBuilder = (_, out) => ({ loss: neg(mean(out.logProbs)) });
      return buildTrainingGraph({ config, head: 'lm', trainable, inputs: {}, loss }).graph.nodes;
    }),
  );
}

/** Operators that are other nodes in float32 than in float64. */
function opsWithKernels(): ReadonlySet<OpType> {
  const fused = new Set<OpType>();
  for (const node of trainingNodes()) if (differs(node)) fused.add(node.op);
  for (const op of Object.keys(lowerings) as OpType[]) if (differs(anyNode(op))) fused.add(op);
  return fused;
}

/** Replaces what a table says of an operator while `use` runs. */
async function changed<T>(table: object, op: OpType, value: unknown, use: () => Promise<T>): Promise<T> {
  const rules = table as Record<string, unknown>;
  const right = rules[op];
  rules[op] = value;
  try {
    return await use();
  } finally {
    rules[op] = right;
  }
}

describe('lowering', () => {
  const fused = opsWithKernels();
  for (const op of new Set([...fused, ...(Object.keys(fusedOps) as OpType[])])) {
    it(`computes ${op} in float32 as in float64, to 1e-5, forward and backward`, async () => {
      const given = fusedOps[op];
      assert.ok(given, `${op} has a float32 kernel of its own and no check against its float64 decomposition`);
      for (const one of given) await check(one);
    });
  }

  it('tells fused operators from others', () => {
    for (const op of ['Silu', 'Softplus', 'MatMul', 'LowRankLinear', 'Attention', 'Rope'] as const) {
      assert.ok(fused.has(op), op);
    }
    for (const op of ['Add', 'Cast', 'ScatterAdd', 'Softmax', 'Reshape'] as const) assert.ok(!fused.has(op), op);
  });

  it('notices a kernel that computes something else', async () => {
    const right = lowerings.Silu;
    const wrong: typeof right = (node, to, inputs, outputs) => {
      if (to.precision === 'float64') return right(node, to, inputs, outputs);
      to.emit('QuickGelu', inputs, { alpha: { float: 1.0001 } }, { domain: 'com.microsoft', outputs });
    };
    await changed(lowerings, 'Silu', wrong, () =>
      assert.rejects(check(fusedOps.Silu![1]!), /alone\[\d+\]: .* in float32/),
    );
  });

  it('notices a gradient that differs by two parts in a hundred thousand', async () => {
    const right = gradientRules.Silu as (context: unknown) => readonly (() => Value)[];
    const wrong = (context: unknown) => [() => mul(right(context)[0]!(), 1.00002)];
    const single = await changed(gradientRules, 'Silu', wrong, () => computeFused(fusedOps.Silu![1]!, 'float32'));
    const double = await computeFused(fusedOps.Silu![1]!, 'float64');
    assert.throws(() => compareFused(single, double), /g0\[\d+\]: .* in float32/);
  });
});
