/** Ragged sequences as the rectangular tensors that a training graph is fed with, several short ones to a row. */
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

/** How sequences lie in rows. No choice changes a loss or a gradient by more than rounding. */
export interface Layout {
  /** Several sequences share a row where they fit. Default true. */
  readonly packing?: boolean;
  /** Length of a row, at least that of the longest sequence, which is the default. */
  readonly rowLength?: number;
  /** Where a row that is not full has its padding. Default right. */
  readonly padding?: 'left' | 'right';
}

export interface BatchLimits {
  readonly vocabSize: number;
  readonly maxPositions: number;
}

/**
 * Feeds `ids`, `positions` and `segments` (R, T), `at`, `rows` and `targets` (N), `last` (B), for B sequences in R rows of T
 * tokens. `at` and `last` are places in the flattened (R·T).
 */
export function packBatch(
  ids: readonly ArrayLike<number>[],
  predictions: Predictions | undefined,
  limits: BatchLimits,
  layout: Layout = {},
): Record<string, Tensor> {
  checkSequences(ids, limits);
  const time = Math.max(layout.rowLength ?? 0, ...ids.map(sequence => sequence.length));
  const { rows: rowCount, starts } = place(
    ids.map(sequence => sequence.length),
    time,
    layout,
  );
  const shape = [rowCount, time];
  const packed = { ids: whole(shape), positions: whole(shape), segments: whole(shape) };
  ids.forEach((sequence, index) => {
    for (let t = 0; t < sequence.length; t++) {
      const at = starts[index]! + t;
      packed.ids[at] = BigInt(sequence[t]!);
      packed.positions[at] = BigInt(t);
      // Padding keeps segment 0: a token of its own, it sees only other padding.
      packed.segments[at] = BigInt(index + 1);
    }
  });
  const { rows, times, targets } = predictions ?? { rows: [0], times: [0], targets: [0] };
  checkPredictions({ rows, times, targets }, ids, limits);
  const made = (data: BigInt64Array): Tensor => tensor('int64', data, shape);
  return {
    ids: made(packed.ids),
    positions: made(packed.positions),
    segments: made(packed.segments),
    last: int64(ids.map((sequence, index) => starts[index]! + sequence.length - 1)),
    at: int64(Array.from(rows, (row, n) => starts[row]! + times[n]!)),
    rows: int64(rows),
    targets: int64(targets),
  };
}

const whole = ([rows, time]: readonly number[]): BigInt64Array => new BigInt64Array(rows! * time!);

/** The place in the flattened rows where each sequence starts: longest first, each into the first row that has room. */
function place(
  lengths: readonly number[],
  time: number,
  { packing = true, padding = 'right' }: Layout,
): { readonly rows: number; readonly starts: readonly number[] } {
  const order = lengths.map((_, index) => index);
  if (packing) order.sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const used: number[] = [];
  const places = lengths.map(() => ({ row: 0, from: 0 }));
  for (const index of order) {
    const length = lengths[index]!;
    const found = packing ? used.findIndex(taken => taken + length <= time) : -1;
    const row = found < 0 ? used.push(0) - 1 : found;
    places[index] = { row, from: used[row]! };
    used[row]! += length;
  }
  const shift = (row: number): number => (padding === 'left' ? time - used[row]! : 0);
  return { rows: used.length, starts: places.map(({ row, from }) => row * time + shift(row) + from) };
}

function checkSequences(ids: readonly ArrayLike<number>[], { vocabSize, maxPositions }: BatchLimits): void {
  if (ids.every(sequence => sequence.length === 0)) throw new Error('a batch needs at least one token');
  ids.forEach((sequence, index) => {
    if (sequence.length === 0) throw new Error(`sequence ${index} of the batch is empty`);
    if (sequence.length > maxPositions) {
      throw new Error(`a sequence of ${sequence.length} tokens is longer than the model's ${maxPositions}`);
    }
    for (let t = 0; t < sequence.length; t++) {
      const id = sequence[t]!;
      if (!(id >= 0 && id < vocabSize)) throw new Error(`token ${id} is outside the vocabulary of ${vocabSize}`);
    }
  });
}

function checkPredictions(
  { rows, times, targets }: Predictions,
  ids: readonly ArrayLike<number>[],
  { vocabSize }: BatchLimits,
): void {
  for (let n = 0; n < rows.length; n++) {
    const length = ids[rows[n]!]?.length ?? 0;
    if (!(times[n]! >= 0 && times[n]! < length)) throw new Error(`prediction ${n} lies outside its sequence`);
    if (!(targets[n]! >= 0 && targets[n]! < vocabSize)) {
      throw new Error(`target ${targets[n]} is outside the vocabulary of ${vocabSize}`);
    }
  }
}
