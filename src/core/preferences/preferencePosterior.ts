/** What comparisons say of a linear reward, with how sure they are: Bradley–Terry over features, a Gaussian by Laplace's method. */

/** Features of the first answer minus those of the second. */
export type Difference = Float64Array;

export interface Observed {
  readonly difference: Difference;
  /** Of the first: 1 better, ½ tied, 0 worse. */
  readonly outcome: number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/** Posterior of w in P(first wins) = σ(w·x) with prior w ~ N(0, 1/precision). With one feature a model it rates the models. */
export class PreferencePosterior {
  readonly #size: number;
  readonly #precision: number;
  #mean: Float64Array;
  /** Rows of the covariance, the inverse of the Hessian at the mean. */
  #covariance: Float64Array[];
  #isFitted = false;

  constructor(size: number, precision = 1) {
    this.#size = size;
    this.#precision = precision;
    this.#mean = new Float64Array(size);
    this.#covariance = Array.from({ length: size }, (_, i) => {
      const row = new Float64Array(size);
      row[i] = 1 / precision;
      return row;
    });
  }

  /** Whether it was told of any comparison. */
  get isFitted(): boolean {
    return this.#isFitted;
  }

  /** Newton's method from where it stands; a tie is half a win to each. */
  fit(observed: readonly Observed[]): void {
    for (const _ of this.fitting(observed));
  }

  /** `fit`, with a rest after each step. */
  *fitting(observed: readonly Observed[]): Generator<void, void> {
    this.#isFitted = observed.length > 0;
    for (let step = 0; step < 25; step++) {
      const gradient = Float64Array.from(this.#mean, value => this.#precision * value);
      const hessian = Array.from({ length: this.#size }, (_, i) => {
        const row = new Float64Array(this.#size);
        row[i] = this.#precision;
        return row;
      });
      for (const { difference, outcome } of observed) {
        const p = sigmoid(dot(this.#mean, difference));
        for (let i = 0; i < this.#size; i++) {
          const x = difference[i]!;
          if (x === 0) continue;
          gradient[i]! += (p - outcome) * x;
          const row = hessian[i]!;
          for (let j = 0; j < this.#size; j++) row[j]! += p * (1 - p) * x * difference[j]!;
        }
      }
      this.#covariance = inverse(hessian);
      let largest = 0;
      const move = this.#covariance.map(row => dot(row, gradient));
      // Far from the optimum a whole step may overshoot.
      const scale = Math.min(1, 5 / Math.max(1e-12, ...move.map(Math.abs)));
      this.#mean = this.#mean.map((value, i) => {
        largest = Math.max(largest, Math.abs(move[i]!));
        return value - scale * move[i]!;
      });
      yield;
      if (largest < 1e-6) break;
    }
  }

  /** Of w·x: the expected reward margin. */
  margin(difference: Difference): number {
    return dot(this.#mean, difference);
  }

  variance(difference: Difference): number {
    let sum = 0;
    for (let i = 0; i < difference.length; i++)
      if (difference[i] !== 0) sum += difference[i]! * dot(this.#covariance[i]!, difference);
    return Math.max(0, sum);
  }

  /**
   * What one more comparison of these two tells of w, in nats: ½ log(1 + p(1 − p) · Var(w·x)), with p at the mean. Large where
   * the outcome is open and the direction unknown; a near tie that is known to be one teaches little.
   */
  information(difference: Difference): number {
    const p = sigmoid(this.margin(difference));
    return 0.5 * Math.log1p(p * (1 - p) * this.variance(difference));
  }

  /** Takes a comparison as made, whatever its outcome: what is chosen next for the same batch looks elsewhere. */
  expect(difference: Difference): void {
    const p = sigmoid(this.margin(difference));
    const along = Float64Array.from(this.#covariance, row => dot(row, difference));
    const weight = (p * (1 - p)) / (1 + p * (1 - p) * dot(along, difference));
    for (const [i, row] of this.#covariance.entries())
      for (let j = 0; j < this.#size; j++) row[j]! -= weight * along[i]! * along[j]!;
  }
}

/** Of a symmetric positive definite matrix, by Gauss–Jordan. */
function inverse(matrix: readonly Float64Array[]): Float64Array[] {
  const size = matrix.length;
  const a = matrix.map(row => Float64Array.from(row));
  const b = matrix.map((_, i) => {
    const row = new Float64Array(size);
    row[i] = 1;
    return row;
  });
  for (let column = 0; column < size; column++) {
    const pivot = a[column]![column]!;
    for (let j = 0; j < size; j++) {
      a[column]![j]! /= pivot;
      b[column]![j]! /= pivot;
    }
    for (let row = 0; row < size; row++) {
      const factor = a[row]![column]!;
      if (row === column || factor === 0) continue;
      for (let j = 0; j < size; j++) {
        a[row]![j]! -= factor * a[column]![j]!;
        b[row]![j]! -= factor * b[column]![j]!;
      }
    }
  }
  return b;
}
