/** Length and variety of a set of texts: the two figures that show a policy which has learned to cheat. */

/** Words: runs of letters, digits and apostrophes, in lower case. Han and kana characters count one each. */
export function words(text: string): string[] {
  return (
    text
      .toLowerCase()
      .match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*/gu) ?? []
  );
}

/** distinct-n (Li et al. 2016): different n-grams over all n-grams of all texts together; 0 where there are none. */
export function distinct(texts: readonly string[], n: number): number {
  const seen = new Set<string>();
  let total = 0;
  for (const text of texts) {
    const list = words(text);
    for (let start = 0; start + n <= list.length; start++) {
      seen.add(list.slice(start, start + n).join(' '));
      total++;
    }
  }
  return total === 0 ? 0 : seen.size / total;
}

/** Mean number of words. */
export const meanWords = (texts: readonly string[]): number =>
  texts.length === 0 ? 0 : texts.reduce((sum, text) => sum + words(text).length, 0) / texts.length;
