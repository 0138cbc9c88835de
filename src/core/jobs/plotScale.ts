/** What plots drawn as SVG share: round ticks, and text that is safe in XML. */

export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Distance between four or so round numbers. */
function step({ low, high }: Range): number {
  const raw = (high - low) / 4;
  const unit = 10 ** Math.floor(Math.log10(raw));
  return unit * ([1, 2, 5].find(times => times * unit >= raw) ?? 10);
}

/** Round numbers inside the range, three at least. */
export function ticks(range: Range): number[] {
  const by = step(range);
  const found = multiples(range, by);
  // Half of what is round: 1 → 0.5, 2 → 1, 5 → 2.5.
  return found.length < 3 ? multiples(range, by / 2) : found;
}

function multiples({ low, high }: Range, by: number): number[] {
  const first = Math.ceil(low / by - 1e-9);
  return Array.from({ length: Math.floor(high / by + 1e-9) - first + 1 }, (_, i) => (first + i) * by);
}

/** The next round number at or above `high`. */
export const roundUp = (high: number): number => {
  const by = step({ low: 0, high });
  return Math.ceil(high / by) * by;
};

/** Also for attributes in double quotes. */
export const escapeXml = (label: string): string =>
  label.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');
