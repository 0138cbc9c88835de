/**
 * A counter-based random generator: the n-th number of a stream depends only on (seed, stream, n),
 * so that work can be reordered, batched or resumed without changing a single draw.
 */

const GOLDEN = 0x9e3779b97f4a7c15n;
const MASK = 0xffffffffffffffffn;

/** SplitMix64's finaliser (Steele, Lea & Flood 2014): a bijection on 64 bits with full avalanche. */
function mix(z: bigint): bigint {
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}

/** 32-bit avalanche (murmur3's finaliser). */
function mix32(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export interface RngState {
  readonly key: string;
  readonly count: number;
}

export class Rng {
  readonly #key: bigint;
  readonly #low: number;
  readonly #high: number;
  #count: number;

  private constructor(key: bigint, count: number) {
    this.#key = key;
    this.#low = Number(key & 0xffffffffn);
    this.#high = Number(key >> 32n);
    this.#count = count;
  }

  /** A generator for an integer seed. */
  static seeded(seed: number): Rng {
    return new Rng(mix((BigInt.asUintN(64, BigInt(Math.trunc(seed))) + GOLDEN) & MASK), 0);
  }

  static restore(state: RngState): Rng {
    return new Rng(BigInt(state.key), state.count);
  }

  state(): RngState {
    return { key: this.#key.toString(), count: this.#count };
  }

  /** An independent generator named by numbers or words; it does not depend on how much was drawn from this one. */
  stream(...names: readonly (number | string)[]): Rng {
    let key = this.#key;
    for (const name of names) {
      for (const char of `${typeof name}:${name}`) key = mix(((key ^ BigInt(char.codePointAt(0)!)) + GOLDEN) & MASK);
    }
    return new Rng(mix(key), 0);
  }

  #uint32(): number {
    const n = this.#count++;
    const low = mix32(this.#low ^ Math.imul(n, 0x9e3779b1));
    return mix32((low + this.#high + Math.imul((n / 0x100000000) | 0, 0x85ebca77)) >>> 0);
  }

  /** Uniform in [0, 1) with 53 random bits. */
  next(): number {
    const high = this.#uint32() >>> 5;
    const low = this.#uint32() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** A whole number, uniform in [0, n). */
  int(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** Standard normal (Box–Muller; one draw of two is used, so that the count stays simple). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('pick from an empty list');
    return items[this.int(items.length)]!;
  }

  /** A shuffled copy (Fisher–Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [copy[i], copy[j]] = [copy[j]!, copy[i]!];
    }
    return copy;
  }
}
