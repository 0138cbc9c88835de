/** Trained weights, their gradients and the optimizer's means: a few flat arrays with a view for each weight. */
import { type AdamWArrays, type AdamWKernel, createSimdArena, elementCount, plainKernel } from '../engine/index.ts';

export interface Flat {
  readonly whole: Float32Array;
  readonly views: ReadonlyMap<string, Float32Array>;
}

type Shapes = ReadonlyMap<string, readonly number[]>;

export class Arena {
  readonly arrays: AdamWArrays;
  readonly kernel: AdamWKernel;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly gradients: Flat;
  /** Where a second micro-batch writes before it is added. */
  readonly scratch: Flat;
  /** Length of the first stretch, which holds the matrices. */
  readonly decayed: number;
  hasGradients = false;

  /** `shapes` has the matrices first. Each weight starts on 16 bytes; the gaps stay zero. */
  constructor(shapes: Shapes) {
    const entries = [...shapes.values()];
    const room = (list: readonly (readonly number[])[]): number => list.reduce((n, shape) => n + aligned(shape), 0);
    const size = room(entries);
    this.decayed = room(entries.filter(shape => shape.length > 1));
    const simd = createSimdArena(5, size);
    const [parameters, gradients, m, v, scratch] =
      simd?.arrays ?? Array.from({ length: 5 }, () => new Float32Array(size));
    this.kernel = simd?.kernel ?? plainKernel;
    this.arrays = { parameters: parameters!, gradients: gradients!, m: m!, v: v! };
    this.parameters = views(parameters!, shapes);
    this.gradients = { whole: gradients!, views: views(gradients!, shapes) };
    this.scratch = { whole: scratch!, views: views(scratch!, shapes) };
  }

  /** Counts freshly written gradients in. */
  take(written: Flat): void {
    if (this.hasGradients) this.kernel.accumulate(this.gradients.whole, written.whole);
    this.hasGradients = true;
  }
}

const aligned = (shape: readonly number[]): number => Math.ceil(elementCount(shape) / 4) * 4;

function views(whole: Float32Array, shapes: Shapes): Map<string, Float32Array> {
  const result = new Map<string, Float32Array>();
  let at = 0;
  for (const [name, shape] of shapes) {
    result.set(name, whole.subarray(at, at + elementCount(shape)));
    at += aligned(shape);
  }
  return result;
}
