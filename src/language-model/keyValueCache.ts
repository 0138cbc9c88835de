/** The keys and values of sequences under way: one row each, (kvHeads, capacity, headDim) per layer, never reallocated per step. */
import { float32, type Tensor } from '../engine/index.ts';
import type { ModelConfig } from './config.ts';

/** Neighbouring rows as tensors (B, kvHeads, capacity, headDim) over the cache's own memory. */
export interface CacheView {
  readonly capacity: number;
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

/** Size of a head in the cache: ONNX Runtime's attention wants a multiple of 8, smaller heads are filled up with zeros. */
export const cachedHeadDim = (config: ModelConfig): number => Math.ceil(config.headDim / 8) * 8;

export class KeyValueCache {
  readonly #layers: number;
  readonly #kvHeads: number;
  readonly #headDim: number;
  #rows = 0;
  #capacity = 0;
  #keys: Float32Array[] = [];
  #values: Float32Array[] = [];
  #views = new Map<string, CacheView>();

  constructor(config: ModelConfig) {
    this.#layers = config.layers;
    this.#kvHeads = config.kvHeads;
    this.#headDim = cachedHeadDim(config);
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Floats of one row of one layer. */
  get #stride(): number {
    return this.#kvHeads * this.#capacity * this.#headDim;
  }

  /** Room for `rows` sequences of `tokens`. What is there stays; growing copies it, so ask for enough at once. */
  reserve(rows: number, tokens: number): void {
    if (rows <= this.#rows && tokens <= this.#capacity) return;
    const kvHeads = this.#kvHeads;
    const headDim = this.#headDim;
    const oldCapacity = this.#capacity;
    const oldRows = this.#rows;
    const capacity = tokens > oldCapacity ? Math.ceil(tokens / 64) * 64 : oldCapacity;
    const newRows = Math.max(rows, oldRows);
    const grow = (old: Float32Array | undefined): Float32Array => {
      const wider = new Float32Array(newRows * kvHeads * capacity * headDim);
      if (!old) return wider;
      for (let i = 0; i < oldRows * kvHeads; i++) {
        const head = old.subarray(i * oldCapacity * headDim, (i + 1) * oldCapacity * headDim);
        wider.set(head, i * capacity * headDim);
      }
      return wider;
    };
    for (let layer = 0; layer < this.#layers; layer++) {
      this.#keys[layer] = grow(this.#keys[layer]);
      this.#values[layer] = grow(this.#values[layer]);
    }
    this.#capacity = capacity;
    this.#rows = newRows;
    this.#views.clear();
  }

  /** Copies the first `tokens` tokens of a row to another one. */
  copyRow(from: number, to: number, tokens: number): void {
    if (from === to) return;
    const kvHeads = this.#kvHeads;
    const headDim = this.#headDim;
    const stride = this.#stride;
    const head = this.#capacity * headDim;
    for (const arrays of [this.#keys, this.#values]) {
      for (const array of arrays) {
        for (let h = 0; h < kvHeads; h++) {
          const start = from * stride + h * head;
          array.copyWithin(to * stride + h * head, start, start + tokens * headDim);
        }
      }
    }
  }

  view(firstRow: number, rows: number): CacheView {
    const key = `${firstRow}:${rows}`;
    let view = this.#views.get(key);
    if (!view) {
      const stride = this.#stride;
      const part = (array: Float32Array): Tensor =>
        float32(array.subarray(firstRow * stride, (firstRow + rows) * stride), [
          rows,
          this.#kvHeads,
          this.#capacity,
          this.#headDim,
        ]);
      view = { capacity: this.#capacity, keys: this.#keys.map(part), values: this.#values.map(part) };
      this.#views.set(key, view);
    }
    return view;
  }
}
