/** What a judge's words or probabilities say of two answers, and what two orders, and all pairs together, come to. */
import type { GeneratedToken } from '../generation.ts';
import type { AskedPair, PairVerdict } from './judgement.ts';

/** What stands for a verdict in words: a letter alone, or with brackets, a noun or a remark in parentheses around it. */
const letter = /^[\s"'“”*_`[(]*(?:(?:answer|response|option|choice)\s+)?([AB])[\s"'“”*_`\])]*(?:[.!]?$|\s*[(–—])/i;
const tie = /^[\s"'“”*_`[(]*(?:(?:a\s+)?(?:tie|draw)|equal|C)[\s"'“”*_`\])]*(?:[.!]?$|\s*[(–—])/i;

/** The verdict that an extracted answer says; what says none clearly is unreadable, and nothing is guessed. */
export function verdictOf(answer: string | undefined): PairVerdict {
  if (answer === undefined) return 'unreadable';
  const [, said] = letter.exec(answer) ?? [];
  if (said) return said.toUpperCase() as 'A' | 'B';
  return tie.test(answer) ? 'tie' : 'unreadable';
}

export interface LikelihoodVerdict {
  readonly verdict: PairVerdict;
  /** log P(A) − log P(B), nats; absent where one of the two was not among the likeliest tokens. */
  readonly logOdds?: number;
}

/**
 * The verdict by the probabilities of the tokens “A” and “B” where the model said its verdict: at the last token that is one of
 * the letters alone, after the last `marker` where there is one.
 */
export function verdictOfTokens(tokens: readonly GeneratedToken[], marker: string | undefined): LikelihoodVerdict {
  const ends: number[] = [];
  let text = '';
  for (const token of tokens) {
    text += token.text;
    ends.push(text.length);
  }
  const at = marker === undefined ? -1 : text.toLowerCase().lastIndexOf(marker.toLowerCase());
  if (marker !== undefined && at === -1) return { verdict: 'unreadable' };
  const from = at === -1 ? 0 : at + marker!.length;
  const after = tokens.flatMap((token, i) => (ends[i]! > from && letterAlone(token.text) ? [token] : []));
  // After a marker the first letter is the verdict; without one, reasons come before it.
  const token = marker === undefined ? after.at(-1) : after[0];
  if (!token) return { verdict: 'unreadable' };
  const likeliest = (wanted: 'A' | 'B'): number =>
    Math.max(
      ...[token, ...(token.alternatives ?? [])]
        .filter(({ text: said }) => letterAlone(said) === wanted)
        .map(({ logProb }) => logProb),
    );
  const [a, b] = [likeliest('A'), likeliest('B')];
  if (!Number.isFinite(a) || !Number.isFinite(b)) return { verdict: letterAlone(token.text)! };
  return fromLogOdds(a - b);
}

/** Of a margin in nats; 0 is a tie. */
export const fromLogOdds = (logOdds: number): LikelihoodVerdict => ({
  verdict: logOdds > 0 ? 'A' : logOdds < 0 ? 'B' : 'tie',
  logOdds,
});

const letterAlone = (text: string): 'A' | 'B' | undefined =>
  /^[\s"'*[(]*([AB])[\s"'*\])]*$/.exec(text)?.[1] as 'A' | 'B' | undefined;

/** How the first of the two answers fared: 1 better, ½ tied, 0 worse. */
export type PairOutcome = 0 | 0.5 | 1;

/** What an order says of the first of the two; undefined where nothing could be read. */
export function outcomeOf(verdict: PairVerdict, order: 0 | 1): PairOutcome | undefined {
  if (verdict === 'unreadable') return undefined;
  if (verdict === 'tie') return 0.5;
  return (verdict === 'A') === (order === 0) ? 1 : 0;
}

/** Of both orders: what they agree on, else a tie. Undefined where one of them could not be read. */
export function pairOutcome({ verdicts }: AskedPair): PairOutcome | undefined {
  const [first, second] = [outcomeOf(verdicts[0], 0), outcomeOf(verdicts[1], 1)];
  if (first === undefined || second === undefined) return undefined;
  return first === second ? first : 0.5;
}

/** Both orders were read and say different things. */
export const isFlip = ({ verdicts }: AskedPair): boolean => {
  const [first, second] = [outcomeOf(verdicts[0], 0), outcomeOf(verdicts[1], 1)];
  return first !== undefined && second !== undefined && first !== second;
};

/**
 * All pairs as one ranking, best group first: answers by the mean of their outcomes (Copeland's score where every pair was read),
 * equal means are a tie. Answers of which no pair was read are left out.
 */
export function rankingOfPairs(answers: readonly string[], pairs: readonly AskedPair[]): string[][] {
  const points = new Map(answers.map(id => [id, { sum: 0, of: 0 }]));
  const give = (id: string, outcome: number): void => {
    const own = points.get(id);
    if (!own) return;
    own.sum += outcome;
    own.of++;
  };
  for (const pair of pairs) {
    const outcome = pairOutcome(pair);
    if (outcome === undefined) continue;
    give(pair.answers[0], outcome);
    give(pair.answers[1], 1 - outcome);
  }
  const groups = Map.groupBy(
    answers.filter(id => points.get(id)!.of > 0),
    id => points.get(id)!.sum / points.get(id)!.of,
  );
  return [...groups].sort(([a], [b]) => b - a).map(([, group]) => group);
}
