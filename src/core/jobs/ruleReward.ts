/** Rewards that a rule gives by itself, each 0 … 1: a word, a length, valid JSON. Patterns, schemas and code run elsewhere. */
import { words } from '../statistics/textStatistics.ts';
import type { RuleReward } from './job.ts';

export type PlainRule = Exclude<RuleReward, { rule: 'regex' | 'javascript' | 'judge' | 'json-schema' }>;

export function plainReward(rule: PlainRule, answer: string): number {
  switch (rule.rule) {
    case 'word':
      return hasWord(answer, rule.word, rule.caseSensitive ?? false) ? 1 : 0;
    case 'length':
      return lengthReward(words(answer).length, rule.min, rule.max, rule.slack ?? 0);
    case 'json-valid':
      return isJson(answer) ? 1 : 0;
  }
}

/** The word (or phrase) by itself, not as part of a longer word. */
function hasWord(answer: string, word: string, caseSensitive: boolean): boolean {
  const wanted = word.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  if (wanted === '') return false;
  return new RegExp(`(?<![\\p{L}\\p{N}])${wanted}(?![\\p{L}\\p{N}])`, caseSensitive ? 'u' : 'iu').test(answer);
}

/** 1 inside [min, max], falling linearly to 0 over `slack` words outside. */
function lengthReward(count: number, min: number, max: number, slack: number): number {
  const outside = Math.max(min - count, count - max, 0);
  return outside === 0 ? 1 : Math.max(0, 1 - outside / (slack + 1));
}

function isJson(answer: string): boolean {
  try {
    JSON.parse(answer);
    return answer.trim() !== '';
  } catch {
    return false;
  }
}
