/** ROUGE of a text against a reference (Lin 2004): overlap of n-grams, and the longest common subsequence. */

export interface Rouge {
  readonly precision: number;
  readonly recall: number;
  /** Harmonic mean of both. */
  readonly f1: number;
}

/** Words as Google's `rouge_score` takes them without stemming: runs of letters and digits, lower case. Other scripts count too. */
const words = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

function scores(common: number, found: number, wanted: number): Rouge {
  const precision = found === 0 ? 0 : common / found;
  const recall = wanted === 0 ? 0 : common / wanted;
  return { precision, recall, f1: common === 0 ? 0 : (2 * precision * recall) / (precision + recall) };
}

/** ROUGE-n: n-grams that both have, each counted as often as both have it. */
export function rougeN(text: string, reference: string, n: number): Rouge {
  const counted = (source: string): Map<string, number> => {
    const list = words(source);
    const counts = new Map<string, number>();
    for (let i = 0; i + n <= list.length; i++) {
      const gram = list.slice(i, i + n).join(' ');
      counts.set(gram, (counts.get(gram) ?? 0) + 1);
    }
    return counts;
  };
  const [own, other] = [counted(text), counted(reference)];
  const sum = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((a, b) => a + b, 0);
  let common = 0;
  for (const [gram, count] of own) common += Math.min(count, other.get(gram) ?? 0);
  return scores(common, sum(own), sum(other));
}

/** Texts longer than this are compared by their beginning: the table of the subsequence grows with both. Words. */
const longest = 4000;

/** ROUGE-L: the longest common subsequence of words. */
export function rougeL(text: string, reference: string): Rouge {
  const [own, other] = [text, reference].map(source => words(source).slice(0, longest)) as [string[], string[]];
  let row = new Uint16Array(other.length + 1);
  for (const word of own) {
    const next = new Uint16Array(other.length + 1);
    for (let j = 0; j < other.length; j++)
      next[j + 1] = word === other[j] ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!);
    row = next;
  }
  return scores(row[other.length]!, own.length, other.length);
}
