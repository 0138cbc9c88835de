/** Sums and means over ragged rows: lengths decide what counts, never a pad token. */

/** Mean of the values whose mask is 1; 0 where none is. */
export function maskedMean(values: ArrayLike<number>, mask: ArrayLike<number>): number {
  let sum = 0;
  let count = 0;
  for (let index = 0; index < values.length; index++) {
    sum += values[index]! * mask[index]!;
    count += mask[index]!;
  }
  return count === 0 ? 0 : sum / count;
}

/** Sum of each row of a flat list that holds the rows one after the other. values (Σ lengths), lengths (B) → (B). */
export function rowSums(values: ArrayLike<number>, lengths: readonly number[]): Float64Array {
  const sums = new Float64Array(lengths.length);
  let at = 0;
  for (const [row, length] of lengths.entries()) {
    for (let end = at + length; at < end; at++) sums[row]! += values[at]!;
  }
  if (at !== values.length) throw new RangeError(`${values.length} values do not fill rows of ${at} together`);
  return sums;
}
