/** Which of some known words a mistyped one may mean. */

/** Up to three candidates, the nearest first: as many changes as a slip of the fingers makes, or the same but for case and dashes. */
export function nearest(word: string, candidates: readonly string[]): string[] {
  const limit = word.length <= 3 ? 1 : word.length <= 7 ? 2 : 3;
  const plain = (text: string): string => text.toLowerCase().replace(/[-_ ]/g, '');
  return candidates
    .filter(candidate => candidate !== word)
    .map(candidate => ({
      candidate,
      distance: plain(candidate) === plain(word) ? 0 : distance(word, candidate, limit),
    }))
    .filter(
      found => found.distance <= limit && found.distance < Math.max(found.candidate.length, word.length) / 2 + 0.5,
    )
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(found => found.candidate);
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); more than `limit` counts as infinite. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit || a.length > 60) return Number.POSITIVE_INFINITY;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
