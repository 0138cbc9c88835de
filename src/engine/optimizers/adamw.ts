/**
 * AdamW with decoupled weight decay and clipping by the global norm, on flat arrays.
 * Source: arXiv 1711.05101; the update is PyTorch's: p ← p(1 − ηλ) − η·m̂/(√v̂ + ε).
 */

export interface AdamWSettings {
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled decay λ of matrices (gains and biases are spared). Default 0. */
  readonly weightDecay?: number;
  /** Gradients with a larger norm are scaled down to it; 0 switches clipping off. Default 1. */
  readonly maxGradNorm?: number;
}

export interface AdamWState {
  /** Updates made so far. */
  readonly step: number;
  /** Running mean of gradients, in the order of the parameters. */
  readonly m: Float32Array;
  /** Running mean of squared gradients. */
  readonly v: Float32Array;
}

/** The passes over all parameters: plain here, four at a time in kernels/adamwSimd.ts. */
export interface AdamWKernel {
  sumOfSquares(gradients: Float32Array): number;
  /** target += source. */
  accumulate(target: Float32Array, source: Float32Array): void;
  /** Updates parameters start … end − 1 in place. */
  update(arrays: AdamWArrays, start: number, end: number, factors: AdamWFactors): void;
}

export interface AdamWArrays {
  readonly parameters: Float32Array;
  readonly gradients: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
}

export interface AdamWFactors {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Factor of the gradients: below 1 when they are clipped. */
  readonly gradientScale: number;
  /** 1 − ηλ. */
  readonly keep: number;
  /** η/(1 − β₁ᵗ). */
  readonly stepSize: number;
  /** 1/√(1 − β₂ᵗ). */
  readonly rootScale: number;
}

export const plainKernel: AdamWKernel = {
  sumOfSquares(gradients) {
    let total = 0;
    for (let i = 0; i < gradients.length; i++) total += gradients[i]! * gradients[i]!;
    return total;
  },
  accumulate(target, source) {
    for (let i = 0; i < target.length; i++) target[i]! += source[i]!;
  },
  update({ parameters, gradients, m, v }, start, end, factors) {
    const { beta1, beta2, epsilon, gradientScale, keep, stepSize, rootScale } = factors;
    for (let i = start; i < end; i++) {
      const g = gradients[i]! * gradientScale;
      const mean = beta1 * m[i]! + (1 - beta1) * g;
      const square = beta2 * v[i]! + (1 - beta2) * g * g;
      m[i] = mean;
      v[i] = square;
      parameters[i] = parameters[i]! * keep - (stepSize * mean) / (Math.sqrt(square) * rootScale + epsilon);
    }
  },
};

export class AdamW {
  readonly #arrays: AdamWArrays;
  readonly #decayed: number;
  readonly #settings: Required<AdamWSettings>;
  readonly #kernel: AdamWKernel;
  #step = 0;

  /** Updates `arrays.parameters` in place; weight decay applies to the first `decayed` of them. */
  constructor(arrays: AdamWArrays, decayed: number, settings: AdamWSettings = {}, kernel: AdamWKernel = plainKernel) {
    this.#arrays = arrays;
    this.#decayed = decayed;
    this.#kernel = kernel;
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, maxGradNorm = 1 } = settings;
    this.#settings = { beta1, beta2, epsilon, weightDecay, maxGradNorm };
  }

  /** One update with the gradients that lie in the arrays. Returns their norm before clipping. */
  apply(learningRate: number): { readonly gradNorm: number } {
    const { beta1, beta2, epsilon, weightDecay, maxGradNorm } = this.#settings;
    const gradNorm = Math.sqrt(this.#kernel.sumOfSquares(this.#arrays.gradients));
    if (!Number.isFinite(gradNorm)) return { gradNorm };
    const step = ++this.#step;
    const factors: AdamWFactors = {
      beta1,
      beta2,
      epsilon,
      gradientScale: maxGradNorm > 0 && gradNorm > maxGradNorm ? maxGradNorm / (gradNorm + 1e-6) : 1,
      keep: 1 - learningRate * weightDecay,
      stepSize: learningRate / (1 - beta1 ** step),
      rootScale: 1 / Math.sqrt(1 - beta2 ** step),
    };
    this.#kernel.update(this.#arrays, 0, this.#decayed, factors);
    this.#kernel.update(this.#arrays, this.#decayed, this.#arrays.parameters.length, { ...factors, keep: 1 });
    return { gradNorm };
  }

  /** A copy of the running means and the step count. */
  state(): AdamWState {
    return { step: this.#step, m: this.#arrays.m.slice(), v: this.#arrays.v.slice() };
  }

  restore(state: AdamWState): void {
    if (state.m.length !== this.#arrays.m.length || state.v.length !== this.#arrays.v.length) {
      throw new Error(
        `an optimizer state of ${state.m.length} numbers does not fit ${this.#arrays.m.length} parameters`,
      );
    }
    this.#step = state.step;
    this.#arrays.m.set(state.m);
    this.#arrays.v.set(state.v);
  }
}
