/** Which words of one text another does not have, as ranges: Myers' greedy algorithm over words (Myers 1986), bounded. */

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Words that are inserted or deleted at most; beyond, the texts have too little in common for marks to help. */
const mostChanges = 1500;

interface Word {
  readonly text: string;
  readonly start: number;
}

const wordsOf = (text: string): Word[] =>
  Array.from(text.matchAll(/[\p{L}\p{N}\p{M}_'’]+|[^\s\p{L}\p{N}\p{M}_'’]/gu), match => ({
    text: match[0],
    start: match.index,
  }));

/** What `text` has that `other` lacks, and the other way round. Undefined when they have too little in common. */
export function wordDiff(
  text: string,
  other: string,
): { readonly own: readonly Range[]; readonly others: readonly Range[] } | undefined {
  const [a, b] = [wordsOf(text), wordsOf(other)];
  let head = 0;
  while (head < a.length && head < b.length && a[head]!.text === b[head]!.text) head++;
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail]!.text === b[b.length - 1 - tail]!.text
  )
    tail++;
  const common = matches(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  if (!common) return undefined;
  const keptA = new Set(common.map(([i]) => i + head));
  const keptB = new Set(common.map(([, j]) => j + head));
  const lost = (words: readonly Word[], kept: ReadonlySet<number>): Range[] => {
    const ranges: Range[] = [];
    let before = -2;
    for (const [i, word] of words.entries()) {
      if (i < head || i >= words.length - tail || kept.has(i)) continue;
      const end = word.start + word.text.length;
      // Neighbours make one range, the space between them included.
      if (before === i - 1) ranges[ranges.length - 1] = { start: ranges.at(-1)!.start, end };
      else ranges.push({ start: word.start, end });
      before = i;
    }
    return ranges;
  };
  return { own: lost(a, keptA), others: lost(b, keptB) };
}

/** Indices of words that both have, in order: a longest common subsequence. */
function matches(a: readonly Word[], b: readonly Word[]): (readonly [number, number])[] | undefined {
  const most = Math.min(a.length + b.length, mostChanges);
  // furthest[k + most]: the furthest x on diagonal k = x − y; one copy a round to walk back on.
  const furthest = new Int32Array(2 * most + 2);
  const rounds: Int32Array[] = [];
  for (let d = 0; d <= most; d++) {
    rounds.push(furthest.slice(most - d, most + d + 2));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && furthest[k - 1 + most]! < furthest[k + 1 + most]!);
      let x = down ? furthest[k + 1 + most]! : furthest[k - 1 + most]! + 1;
      let y = x - k;
      while (x < a.length && y < b.length && a[x]!.text === b[y]!.text) {
        x++;
        y++;
      }
      furthest[k + most] = x;
      if (x >= a.length && y >= b.length) return walkBack(rounds, a.length, b.length);
    }
  }
  return undefined;
}

function walkBack(rounds: readonly Int32Array[], endX: number, endY: number): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  let [x, y] = [endX, endY];
  for (let d = rounds.length - 1; d >= 0; d--) {
    const before = rounds[d]!;
    const at = (k: number): number => before[k + d]!;
    const k = x - y;
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1));
    const fromX = d === 0 ? 0 : down ? at(k + 1) : at(k - 1);
    const fromY = d === 0 ? 0 : fromX - (down ? k + 1 : k - 1);
    const startX = d === 0 ? 0 : down ? fromX : fromX + 1;
    while (x > startX) found.push([--x, --y]);
    [x, y] = [fromX, fromY];
  }
  return found.reverse();
}
