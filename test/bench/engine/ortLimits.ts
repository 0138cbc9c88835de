/** What the processor can do, measured with ONNX Runtime: the rate of matrix products and of reading memory. */
import { createSession, float32, Graph, matmul, max, type Session, sum } from '../../../src/engine/index.ts';
import { serve } from './serve.ts';
import { median } from './statistics.ts';

type Job = () => Promise<unknown>;
let current: { key: string; session: Session; work: Job } | undefined;

await serve({
  async prepare(_: object) {
    return { version: 'ONNX Runtime 1.30.0' };
  },

  /** (m, k) · (k, n), float32, the weight a packed constant: the median rate over `seconds`, FLOP/s. */
  async matmul({ shape: [m, k, n], seconds, threads }: { shape: number[]; seconds: number; threads: number }) {
    const work = await prepared(`matmul ${m} ${k} ${n}`, async () => {
      const graph = new Graph();
      const weight = graph.constant(new Float32Array(k! * n!).fill(0.5), [k!, n!]);
      const y = matmul(graph.input('x', 'float32', [m!, k!]), weight);
      const session = await createSession(graph, { y }, { threads });
      const feeds = { x: float32(new Float32Array(m! * k!).fill(0.25), [m!, k!]) };
      const y0 = new Float32Array(m! * n!);
      return { session, work: () => session.run(feeds, { y: y0 }) };
    });
    return { rate: (2 * m! * k! * n!) / (await medianSeconds(work, seconds)) };
  },

  /** Reads `bytes` of memory with a reduction: the median rate, bytes/s. */
  async read({ bytes, way, seconds, threads }: { bytes: number; way: string; seconds: number; threads: number }) {
    const work = await prepared(`read ${way}`, async () => {
      const graph = new Graph();
      const dims = [bytes / 4 / 4096, 4096];
      const x = graph.input('x', 'float32', dims);
      const y = (way === 'sum' ? sum : max)(x, { axes: [1] });
      const session = await createSession(graph, { y }, { threads });
      const feeds = { x: float32(new Float32Array(bytes / 4).fill(0.5), dims) };
      return { session, work: () => session.run(feeds) };
    });
    return { rate: bytes / (await medianSeconds(work, seconds)) };
  },
});

async function prepared(key: string, make: () => Promise<{ session: Session; work: Job }>): Promise<Job> {
  if (current?.key !== key) {
    await current?.session.dispose();
    current = { key, ...(await make()) };
    await current.work();
  }
  return current.work;
}

async function medianSeconds(work: Job, seconds: number): Promise<number> {
  const times: number[] = [];
  for (let total = 0; total < seconds || times.length < 3; total += times.at(-1)!) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) / 1000);
  }
  return median(times);
}
