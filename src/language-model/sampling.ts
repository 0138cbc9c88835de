/** Choosing next tokens from logits, inside graphs, with one uniform number a token as the only source of chance. */
import { createSession, Graph, int64, type Session, type Tensor, type TensorData, tensor } from '../engine/index.ts';
import { type SamplingKind, samplingGraph } from './samplingGraph.ts';

/** Cuts apply one after the other, each to what the one before left: top-k, top-p, min-p. */
export interface SamplingRule {
  /** What the logits are divided by; 0 takes the likeliest token. */
  readonly temperature: number;
  /** Keep the k likeliest, of equal ones those with lower ids; 0 keeps all. */
  readonly topK?: number;
  /** Keep the likeliest whose probabilities reach this sum (arXiv 1904.09751); 1 keeps all. */
  readonly topP?: number;
  /** Keep those at least this share of the likeliest (arXiv 2407.01082); 0 keeps all. */
  readonly minP?: number;
  /**
   * Before all else, logits of tokens that the sequence already has are divided by it where they are positive and multiplied
   * where not (CTRL, arXiv 1909.05858); 1 leaves them as they are.
   */
  readonly repetitionPenalty?: number;
}

/** One token to draw from a row of logits. */
export interface Draw {
  /** Several draws may name one row. */
  readonly row: number;
  readonly rule: SamplingRule;
  /** In [0, 1). Without cuts it is where the running sum of probabilities in the order of ids is inverted, else of likelihood. */
  readonly uniform: number;
  /** The tokens of the sequence, for a repetition penalty. */
  readonly seen?: Iterable<number>;
}

export interface Choice {
  readonly id: number;
  /** Nats, of the model's own distribution: untempered, uncut, without a penalty. */
  readonly logProb: number;
}

/** Candidates that the cuts are tried on first; all others of the vocabulary are far less likely. */
const CANDIDATES = [64, 1024];
/** So few rows are done before another thread would be awake. */
const ALONE = 4;
/** Rows that are copied together for a graph. */
const GATHERED = 64;

export interface SamplerOptions {
  readonly vocabSize: number;
  readonly threads?: number;
  /** False takes results as copies (see `DecoderOptions.inPlace`). */
  readonly inPlace?: boolean;
}

/** What is chosen for one row depends on nothing but that row, its rule and its number. */
export class TokenSampler {
  readonly #options: SamplerOptions;
  readonly #sessions = new Map<string, Promise<Session>>();
  #copied = new Float32Array(0);

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** Choices in the order of the draws; logits (N, V). */
  async draw(logits: Float32Array, draws: readonly Draw[]): Promise<Choice[]> {
    const penalised = [...draws.keys()].filter(i => (draws[i]!.rule.repetitionPenalty ?? 1) !== 1);
    if (penalised.length === 0) return this.#drawUnpenalised(logits, draws);
    const others = [...draws.keys()].filter(i => !penalised.includes(i));
    const choices = new Array<Choice>(draws.length);
    const drawn = await this.#drawUnpenalised(
      logits,
      others.map(i => draws[i]!),
    );
    others.forEach((i, at) => {
      choices[i] = drawn[at]!;
    });
    for (const i of penalised) {
      const { rule, row, seen = [], uniform } = draws[i]!;
      const changed = await this.#penalise(logits, row, [...seen], rule.repetitionPenalty!);
      const [{ id }] = (await this.#drawUnpenalised(changed, [{ row: 0, rule, uniform }])) as [Choice];
      const own = logits.subarray(row * this.#options.vocabSize, (row + 1) * this.#options.vocabSize);
      choices[i] = { id, logProb: (await this.targetLogProbs(own, [id]))[0]! };
    }
    return choices;
  }

  /** One row of logits (V) after the penalty. */
  async #penalise(logits: Float32Array, row: number, seen: readonly number[], penalty: number): Promise<Float32Array> {
    const whole = this.#rows(logits, [row]);
    if (seen.length === 0) return whole.data as Float32Array;
    const feeds = {
      logits: whole,
      seen: int64(seen, [1, seen.length]),
      penalty: tensor('float32', Float32Array.of(penalty), []),
    };
    return (await this.#run('penalty', feeds)).penalised as Float32Array;
  }

  async #drawUnpenalised(logits: Float32Array, draws: readonly Draw[]): Promise<Choice[]> {
    const choices = new Array<Choice>(draws.length);
    const { vocabSize } = this.#options;
    const kinds = Map.groupBy(draws.keys(), i => kindOf(draws[i]!.rule, vocabSize));
    for (const [kind, all] of kinds) {
      let pending: readonly number[] = all;
      const sizes = cuts(kind) ? [...CANDIDATES, vocabSize] : [0];
      for (const size of sizes) {
        const left: number[] = [];
        for (let start = 0; start < pending.length; start += GATHERED) {
          const part = pending.slice(start, start + GATHERED);
          const results = await this.#drawPart(
            kind,
            logits,
            part.map(i => draws[i]!),
            Math.min(size, vocabSize),
          );
          part.forEach((i, at) => {
            const choice = results[at];
            if (choice) choices[i] = choice;
            else left.push(i);
          });
        }
        pending = left;
        if (pending.length === 0) break;
      }
    }
    return choices;
  }

  /** Undefined where the cuts may leave more than `candidates`. */
  async #drawPart(
    kind: SamplingKind,
    logits: Float32Array,
    draws: readonly Draw[],
    candidates: number,
  ): Promise<(Choice | undefined)[]> {
    const { vocabSize } = this.#options;
    const n = draws.length;
    const floats = (values: (draw: Draw) => number): Tensor =>
      tensor('float32', Float32Array.from(draws, values), [n, 1]);
    const feeds: Record<string, Tensor> = {
      logits: this.#rows(
        logits,
        draws.map(({ row }) => row),
      ),
      uniforms: pairs(draws.map(({ uniform }) => uniform)),
      temperatures: floats(({ rule }) => rule.temperature),
      topK: int64(
        draws.map(({ rule }) => rule.topK || vocabSize),
        [n, 1],
      ),
      // Above 1, so that rounding cuts nothing.
      topP: floats(({ rule: { topP = 1 } }) => (topP < 1 ? topP : 2)),
      minP: floats(({ rule }) => rule.minP ?? 0),
      ...(cuts(kind) ? { counted: countTo(candidates) } : {}),
    };
    const enough = new Uint8Array(n);
    const { ids, logProbs } = await this.#run(kind, feeds, { enough });
    return draws.map(({ rule: { topK = 0 } }, i) => {
      const covered = !cuts(kind) || candidates === vocabSize || (topK > 0 && topK <= candidates) || enough[i] === 1;
      return covered ? { id: Number(ids![i]), logProb: Number(logProbs![i]) } : undefined;
    });
  }

  /** Log-probability of target n in row n of logits (N, V): (N), nats. */
  async targetLogProbs(logits: Float32Array, targets: ArrayLike<number>): Promise<Float32Array> {
    const feeds = { logits: this.#tensor(logits, targets.length), targets: int64(targets) };
    return (await this.#run('targets', feeds)).logProbs as Float32Array;
  }

  /** The n likeliest tokens of one row of logits (N, V), best first. */
  async likeliest(logits: Float32Array, row: number, n: number): Promise<Choice[]> {
    const count = Math.min(n, this.#options.vocabSize);
    if (count <= 0) return [];
    const { ids, logProbs } = await this.#run('likeliest', {
      logits: this.#rows(logits, [row]),
      counted: countTo(count),
    });
    return Array.from({ length: count }, (_, i) => ({ id: Number(ids![i]), logProb: Number(logProbs![i]) }));
  }

  async dispose(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).dispose();
  }

  async #run(
    kind: SamplingKind,
    feeds: Readonly<Record<string, Tensor>>,
    into: Readonly<Record<string, TensorData>> = {},
  ): Promise<Record<string, TensorData>> {
    const session = await this.#session(kind, feeds.logits!.dims[0]! <= ALONE);
    const results = await session.run(feeds, into);
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data]));
  }

  #session(kind: SamplingKind, alone: boolean): Promise<Session> {
    const key = `${kind} ${alone}`;
    let session = this.#sessions.get(key);
    if (!session) {
      const { vocabSize, inPlace } = this.#options;
      const threads = alone ? 1 : this.#options.threads;
      const graph = new Graph();
      const options = { ...(threads === undefined ? {} : { threads }), copyOutputs: inPlace === false };
      session = createSession(graph, samplingGraph(graph, kind, vocabSize), options);
      this.#sessions.set(key, session);
    }
    return session;
  }

  /** Rows of logits: as they lie where they are neighbours, else copied together. */
  #rows(logits: Float32Array, rows: readonly number[]): Tensor {
    const { vocabSize } = this.#options;
    const first = rows[0]!;
    if (rows.every((row, i) => row === first + i)) {
      return this.#tensor(logits.subarray(first * vocabSize, (first + rows.length) * vocabSize), rows.length);
    }
    const size = rows.length * vocabSize;
    if (this.#copied.length < size) this.#copied = new Float32Array(size);
    rows.forEach((row, i) => {
      this.#copied.set(logits.subarray(row * vocabSize, (row + 1) * vocabSize), i * vocabSize);
    });
    return this.#tensor(this.#copied.subarray(0, size), rows.length);
  }

  #tensor(data: Float32Array, rows: number): Tensor {
    return tensor('float32', data, [rows, this.#options.vocabSize]);
  }
}

function kindOf({ temperature, topK = 0, topP = 1, minP = 0 }: SamplingRule, vocabSize: number): SamplingKind {
  if (temperature === 0) return 'greedy';
  if (topK > 0 && topK < vocabSize) return 'narrow';
  if (topP < 1) return 'nucleus';
  if (minP > 0) return 'narrow';
  return temperature === 1 ? 'plain' : 'tempered';
}

const cuts = (kind: SamplingKind): boolean => kind === 'narrow' || kind === 'nucleus';

/** Double-precision numbers as sums of two floats, which graphs take: (N, 2). */
function pairs(values: readonly number[]): Tensor {
  const data = new Float32Array(2 * values.length);
  values.forEach((value, i) => {
    data[2 * i] = value;
    data[2 * i + 1] = value - data[2 * i]!;
  });
  return tensor('float32', data, [values.length, 2]);
}

const countTo = (n: number): Tensor => int64(Array.from({ length: n }, (_, i) => i));
