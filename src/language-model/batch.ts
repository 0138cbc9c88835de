/** Ragged sequences as the rectangular tensors that a training graph is fed with. */
import { int64, type Tensor, tensor } from '../engine/index.ts';

/** Which tokens are predicted: the state at `times[n]` of `rows[n]` predicts `targets[n]`. */
export interface Predictions {
  readonly rows: ArrayLike<number>;
  readonly times: ArrayLike<number>;
  readonly targets: ArrayLike<number>;
}

/** Predictions of all tokens from `starts[row]` on (the first token of a sequence is never predicted). */
export function predictFrom(ids: readonly ArrayLike<number>[], starts: ArrayLike<number>): Predictions {
  const rows: number[] = [];
  const times: number[] = [];
  const targets: number[] = [];
  ids.forEach((sequence, row) => {
    for (let t = Math.max(1, starts[row]!); t < sequence.length; t++) {
      rows.push(row);
      times.push(t - 1);
      targets.push(sequence[t]!);
    }
  });
  return { rows, times, targets };
}

/** Feeds `ids` (B, T), `at` (N), `rows` (N), `targets` (N), `last` (B): sequences padded on the right to the longest. */
export function packBatch(
  ids: readonly ArrayLike<number>[],
  predictions: Predictions | undefined,
  vocabSize: number,
  maxPositions: number,
): Record<string, Tensor> {
  const batch = ids.length;
  const time = ids.reduce((most, sequence) => Math.max(most, sequence.length), 0);
  if (batch === 0 || time === 0) throw new Error('a batch needs at least one token');
  if (time > maxPositions) throw new Error(`a sequence of ${time} tokens is longer than the model's ${maxPositions}`);
  const padded = new BigInt64Array(batch * time);
  const last = new BigInt64Array(batch);
  ids.forEach((sequence, row) => {
    if (sequence.length === 0) throw new Error(`sequence ${row} of the batch is empty`);
    for (let t = 0; t < sequence.length; t++) {
      const id = sequence[t]!;
      if (!(id >= 0 && id < vocabSize)) throw new Error(`token ${id} is outside the vocabulary of ${vocabSize}`);
      padded[row * time + t] = BigInt(id);
    }
    last[row] = BigInt(row * time + sequence.length - 1);
  });
  const { rows, times, targets } = predictions ?? { rows: [0], times: [0], targets: [0] };
  const at = new BigInt64Array(rows.length);
  for (let n = 0; n < rows.length; n++) {
    const length = ids[rows[n]!]?.length ?? 0;
    if (!(times[n]! >= 0 && times[n]! < length)) throw new Error(`prediction ${n} lies outside its sequence`);
    if (!(targets[n]! >= 0 && targets[n]! < vocabSize)) {
      throw new Error(`target ${targets[n]} is outside the vocabulary of ${vocabSize}`);
    }
    at[n] = BigInt(rows[n]! * time + times[n]!);
  }
  return {
    ids: tensor('int64', padded, [batch, time]),
    last: tensor('int64', last, [batch]),
    at: tensor('int64', at, [at.length]),
    rows: int64(rows),
    targets: int64(targets),
  };
}
