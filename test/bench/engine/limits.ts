/** The measured limits of the machine: the best matrix product and the best read rate of PyTorch and ONNX Runtime. */
import path from 'node:path';
import { pythonWithTorch } from '../../../scripts/python.ts';
import { Child } from './child.ts';

type Limit = 'matmul' | 'read';

/** One way of measuring: who, and what. */
interface Way {
  readonly runtime: 'PyTorch' | 'ONNX Runtime';
  readonly request: Readonly<Record<string, unknown>>;
  readonly label: string;
}

const matmulShapes = [
  [1024, 1024, 1024],
  [1024, 576, 1536],
  [1024, 1536, 576],
  [2048, 768, 768],
  [2048, 2048, 2048],
  [512, 4096, 512],
];
const readBytes = 1 << 29;
const runtimes = ['PyTorch', 'ONNX Runtime'] as const;

const ways: Record<Limit, readonly Way[]> = {
  matmul: runtimes.flatMap(runtime =>
    matmulShapes.map(shape => ({ runtime, request: { shape }, label: `${runtime} ${shape.join('×')}` })),
  ),
  read: runtimes.flatMap(runtime =>
    ['sum', 'max'].map(way => ({ runtime, request: { bytes: readBytes, way }, label: `${runtime} ${way}` })),
  ),
};

/** The processes that measure limits, started once and kept for the whole run. */
export class Limits {
  readonly #threads: number;
  readonly #children = new Map<Way['runtime'], Child>();
  readonly #best = new Map<Limit, readonly Way[]>();
  /** Why a runtime takes no part. */
  readonly missing: string[] = [];

  constructor(threads: number) {
    this.#threads = threads;
  }

  /** Tries all ways once and keeps the best of each runtime. Returns what each reached. */
  async prepare(limit: Limit): Promise<string> {
    if (this.#children.size === 0) await this.#start();
    const tried: { way: Way; rate: number }[] = [];
    for (const way of ways[limit]) {
      if (this.#children.has(way.runtime)) tried.push({ way, rate: await this.#measure(limit, way, 0.3) });
    }
    const best = runtimes.flatMap(runtime => {
      const own = tried.filter(({ way }) => way.runtime === runtime).sort((a, b) => b.rate - a.rate);
      return own.slice(0, 1);
    });
    if (best.length === 0) throw new Error(`nothing can measure it: ${this.missing.join('; ')}`);
    this.#best.set(
      limit,
      best.map(({ way }) => way),
    );
    return tried.map(({ way, rate }) => `${way.label}: ${(rate / 1e9).toFixed(0)}`).join(', ');
  }

  /** The higher rate of the runtimes at this moment: FLOP/s or bytes/s. */
  async round(limit: Limit): Promise<number> {
    let best = 0;
    for (const way of this.#best.get(limit)!) best = Math.max(best, await this.#measure(limit, way, 0.5));
    return best;
  }

  variant(limit: Limit): string {
    return this.#best
      .get(limit)!
      .map(({ label }) => label)
      .join(', ');
  }

  async close(): Promise<void> {
    for (const child of this.#children.values()) await child.close();
  }

  async #measure(limit: Limit, { runtime, request }: Way, seconds: number): Promise<number> {
    const child = this.#children.get(runtime)!;
    return (await child.ask<{ rate: number }>(limit, { ...request, seconds, threads: this.#threads })).rate;
  }

  async #start(): Promise<void> {
    const python = pythonWithTorch();
    const starts: [Way['runtime'], () => Child][] = [
      [
        'PyTorch',
        () => {
          if (typeof python !== 'string') throw new Error(python.missing);
          return new Child(python, [path.join(import.meta.dirname, 'peers', 'torch_limits.py')]);
        },
      ],
      ['ONNX Runtime', () => new Child(process.execPath, [path.join(import.meta.dirname, 'ortLimits.ts')])],
    ];
    for (const [runtime, start] of starts) {
      try {
        const child = start();
        await child.ask('prepare', { threads: this.#threads });
        this.#children.set(runtime, child);
      } catch (error) {
        this.missing.push(`${runtime}: ${(error as Error).message}`);
      }
    }
  }
}
