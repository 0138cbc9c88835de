/** AdamW over arrays in one WebAssembly memory, four numbers at a time: the same bytes on every machine. */
import type { AdamWKernel } from '../optimizers/adamw.ts';
import { assemble, op, type, type WasmFunction } from './assembler.ts';

interface Exports {
  update(...at: [p: number, g: number, m: number, v: number, end: number, ...factors: readonly number[]]): void;
  sumOfSquares(at: number, end: number): number;
  accumulate(target: number, source: number, end: number): void;
}

/** Arrays in one memory, each starting on 16 bytes, and the kernels that work on them. */
export interface SimdArena {
  readonly arrays: readonly Float32Array[];
  readonly kernel: AdamWKernel;
}

/** What is used of WebAssembly, which the language's own type library leaves out. */
interface Wasm {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (code: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: Readonly<Record<string, object>>) => { readonly exports: unknown };
}

/** The most that a WebAssembly memory holds, bytes. */
const LIMIT = 65536 * 65536;

/**
 * `count` arrays of `length` zeros, or nothing when they do not fit into a WebAssembly memory. `length` is a multiple of 4.
 * Memory that is never written takes no room.
 */
export function createSimdArena(count: number, length: number): SimdArena | undefined {
  const bytes = length * 4;
  if (length % 4 !== 0) throw new Error(`${length} is no multiple of 4`);
  if (count * bytes > LIMIT) return undefined;
  const pages = Math.max(1, Math.ceil((count * bytes) / 65536));
  const wasm = (globalThis as unknown as { readonly WebAssembly: Wasm }).WebAssembly;
  let memory: InstanceType<Wasm['Memory']>;
  try {
    memory = new wasm.Memory({ initial: pages, maximum: pages });
  } catch {
    return undefined;
  }
  const instance = new wasm.Instance(new wasm.Module(assemble([update, sumOfSquares, accumulate])), {
    env: { memory },
  });
  const run = instance.exports as Exports;
  const arrays = Array.from({ length: count }, (_, i) => new Float32Array(memory.buffer, i * bytes, length));
  return {
    arrays,
    kernel: {
      sumOfSquares: ({ byteOffset, byteLength }) => run.sumOfSquares(byteOffset, byteOffset + byteLength),
      accumulate: (target, source) =>
        run.accumulate(target.byteOffset, source.byteOffset, target.byteOffset + target.byteLength),
      update({ parameters, gradients, m, v }, start, end, factors) {
        const at = (array: Float32Array): number => array.byteOffset + start * 4;
        run.update(
          at(parameters),
          at(gradients),
          at(m),
          at(v),
          parameters.byteOffset + end * 4,
          factors.beta1,
          1 - factors.beta1,
          factors.beta2,
          1 - factors.beta2,
          factors.epsilon,
          factors.gradientScale,
          factors.keep,
          factors.stepSize,
          factors.rootScale,
        );
      },
    },
  };
}

const [p, g, m, v, end] = [0, 1, 2, 3, 4];
const [beta1, rest1, beta2, rest2, epsilon, gradientScale, keep, stepSize, rootScale] = [5, 6, 7, 8, 9, 10, 11, 12, 13];
const [gradient, mean, square] = [14, 15, 16];
const factor = (local: number): number[] => [...op.get(local), ...op.splat];

const update: WasmFunction = {
  name: 'update',
  parameters: [...Array(5).fill(type.i32), ...Array(9).fill(type.f32)],
  results: [],
  locals: [type.v128, type.v128, type.v128],
  body: op.whileBelow(p, end, [
    // gradient = g · gradientScale
    ...[...op.get(g), ...op.load, ...factor(gradientScale), ...op.mul, ...op.set(gradient)],
    // mean = β₁ m + (1 − β₁) gradient
    ...[...op.get(m), ...op.load, ...factor(beta1), ...op.mul],
    ...[...op.get(gradient), ...factor(rest1), ...op.mul, ...op.add, ...op.set(mean)],
    ...[...op.get(m), ...op.get(mean), ...op.store],
    // square = β₂ v + (1 − β₂) gradient²
    ...[...op.get(v), ...op.load, ...factor(beta2), ...op.mul],
    ...[...op.get(gradient), ...op.get(gradient), ...op.mul, ...factor(rest2), ...op.mul, ...op.add, ...op.set(square)],
    ...[...op.get(v), ...op.get(square), ...op.store],
    // p = p · keep − stepSize · mean / (√square · rootScale + ε)
    ...op.get(p),
    ...[...op.get(p), ...op.load, ...factor(keep), ...op.mul],
    ...[...op.get(mean), ...factor(stepSize), ...op.mul],
    ...[...op.get(square), ...op.sqrt, ...factor(rootScale), ...op.mul, ...factor(epsilon), ...op.add],
    ...[...op.div, ...op.sub, ...op.store],
    ...[p, g, m, v].flatMap(local => op.advance(local, 16)),
  ]),
};

// In float64, as the norm decides about clipping: two sums, of even and odd pairs of lanes.
const sumOfSquares: WasmFunction = {
  name: 'sumOfSquares',
  parameters: [type.i32, type.i32],
  results: [type.f64],
  locals: [type.v128, type.v128, type.v128],
  body: [
    ...op.whileBelow(0, 1, [
      ...[...op.get(0), ...op.load, ...op.set(2)],
      ...[...op.get(2), ...op.promoteLow, ...op.set(3), ...op.get(4)],
      ...[...op.get(3), ...op.get(3), ...op.mulDouble, ...op.addDouble, ...op.set(4)],
      ...[...op.upperHalf(2), ...op.promoteLow, ...op.set(3), ...op.get(4)],
      ...[...op.get(3), ...op.get(3), ...op.mulDouble, ...op.addDouble, ...op.set(4)],
      ...op.advance(0, 16),
    ]),
    ...[...op.get(4), ...op.doubleLane(0), ...op.get(4), ...op.doubleLane(1), ...op.addF64],
  ],
};

const accumulate: WasmFunction = {
  name: 'accumulate',
  parameters: [type.i32, type.i32, type.i32],
  results: [],
  locals: [],
  body: op.whileBelow(0, 2, [
    ...op.get(0),
    ...[...op.get(0), ...op.load, ...op.get(1), ...op.load, ...op.add, ...op.store],
    ...[...op.advance(0, 16), ...op.advance(1, 16)],
  ]),
};
