/** What this process relies on, tried out at its start: writing outputs in place, caches written where they are read, memory that grows. */
import { createSession, float32, Graph, type Tensor, tensor, writesOutputsInPlace } from '../engine/index.ts';

declare const WebAssembly: {
  readonly Memory: new (pages: {
    initial: number;
    maximum: number;
  }) => {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  };
};

export interface SelfTest {
  /** Attention may write new keys and values into the cache that it reads. */
  readonly bufferAliasing: boolean;
  /** Outputs reach preallocated arrays without a copy. */
  readonly uncopiedOutputs: boolean;
  /** Inputs may lie in a WebAssembly memory, also after it has grown. */
  readonly memoryGrowth: boolean;
}

/** Throws only when ONNX Runtime cannot be loaded or run at all. */
export async function selfTest(): Promise<SelfTest> {
  const uncopiedOutputs = await writesOutputsInPlace();
  return {
    uncopiedOutputs,
    bufferAliasing: await works(aliasing),
    memoryGrowth: await works(growth),
  };
}

const works = (test: () => Promise<boolean>): Promise<boolean> => test().catch(() => false);

const HEAD = 8;
const CAPACITY = 4;

/** Three tokens through attention, one by one: once writing in place, once into fresh arrays. */
async function aliasing(): Promise<boolean> {
  const graph = new Graph();
  const cacheShape = ['B', 1, 'C', HEAD] as const;
  const part = (name: string) => graph.input(name, 'float32', ['B', 'T', HEAD]);
  const [mixed, keys, values] = graph.raw(
    'GroupQueryAttention',
    [
      part('q'),
      part('k'),
      part('v'),
      graph.input('pastK', 'float32', cacheShape),
      graph.input('pastV', 'float32', cacheShape),
      graph.input('last', 'int32', ['B']),
      graph.input('total', 'int32', []),
    ],
    [
      { dtype: 'float32', shape: ['B', 'T', HEAD] },
      { dtype: 'float32', shape: cacheShape },
      { dtype: 'float32', shape: cacheShape },
    ],
    { domain: 'com.microsoft', attributes: { num_heads: { int: 1 }, kv_num_heads: { int: 1 } } },
  );
  const session = await createSession(graph, { mixed: mixed!, keys: keys!, values: values! }, { threads: 1 });
  const run = async (inPlace: boolean): Promise<number[]> => {
    let pastK = new Float32Array(CAPACITY * HEAD);
    let pastV = new Float32Array(CAPACITY * HEAD);
    const seen: number[] = [];
    for (let t = 0; t < 3; t++) {
      const token = (salt: number): Tensor =>
        float32(
          Float32Array.from({ length: HEAD }, (_, i) => Math.sin(salt + 3 * t + i)),
          [1, 1, HEAD],
        );
      const cache = (data: Float32Array): Tensor => float32(data, [1, 1, CAPACITY, HEAD]);
      const into = {
        mixed: new Float32Array(HEAD),
        keys: inPlace ? pastK : new Float32Array(pastK.length),
        values: inPlace ? pastV : new Float32Array(pastV.length),
      };
      const feeds = { q: token(0), k: token(1), v: token(2), pastK: cache(pastK), pastV: cache(pastV) };
      await session.run(
        { ...feeds, last: tensor('int32', Int32Array.of(t), [1]), total: tensor('int32', Int32Array.of(t + 1), []) },
        into,
      );
      pastK = into.keys;
      pastV = into.values;
      seen.push(...into.mixed);
    }
    return seen;
  };
  try {
    const copied = await run(false);
    const aliased = await run(true);
    return copied.some(value => value !== 0) && copied.every((value, i) => Math.abs(value - aliased[i]!) < 1e-6);
  } finally {
    await session.dispose();
  }
}

async function growth(): Promise<boolean> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['N']);
  const y = graph.raw('Neg', [x], [{ dtype: 'float32', shape: ['N'] }])[0]!;
  const session = await createSession(graph, { y }, { threads: 1 });
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 8 });
    new Float32Array(memory.buffer)[3] = 5;
    const read = async (): Promise<number> => {
      const { y: out } = await session.run({ x: float32(new Float32Array(memory.buffer, 12, 1), [1]) });
      return Number(out!.data[0]);
    };
    const before = await read();
    memory.grow(2);
    return before === -5 && (await read()) === -5;
  } finally {
    await session.dispose();
  }
}
