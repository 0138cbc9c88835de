/** Choosing a range of an answer word by word, for hands that stay on the keys. */
import type { Marking } from './model.ts';

interface Word {
  readonly start: number;
  readonly end: number;
}

const wordsOf = (text: string): Word[] =>
  Array.from(text.matchAll(/\S+/g), match => ({ start: match.index, end: match.index + match[0].length }));

/** The first word; undefined for an empty answer. */
export function startMarking(text: string, answer: number): Marking | undefined {
  const [first] = wordsOf(text);
  return first && { answer, ...first, stage: 'words', comment: '' };
}

/** One word on or back; `extend` keeps the beginning and moves the end. */
export function extendMarking(text: string, marking: Marking, by: 1 | -1, extend: boolean): Marking {
  const words = wordsOf(text);
  const first = words.findIndex(({ end }) => end > marking.start);
  const last = words.findLastIndex(({ start }) => start < marking.end);
  if (first < 0 || last < 0) return marking;
  const next = Math.min(words.length - 1, Math.max(extend ? first : 0, (by < 0 && !extend ? first : last) + by));
  return extend ? { ...marking, end: words[next]!.end } : { ...marking, ...words[next]! };
}
