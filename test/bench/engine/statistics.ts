/** The few numbers that a benchmark is summarised by. */

/** The middle value; the mean of the middle two of an even number of values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('the median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Half the distance between the quartiles as a share of the median: how much rounds differed. */
export function spread(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const low = Math.floor(place);
    return sorted[low]! + (place - low) * (sorted[Math.ceil(place)]! - sorted[low]!);
  };
  return (at(0.75) - at(0.25)) / 2 / median(values);
}
