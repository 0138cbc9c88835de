/** Verdicts of judges: what is read, what is refused, and what two orders and many pairs come to. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { AskedPair, PairVerdict } from '../../../../src/core/preferences/judgement.ts';
import {
  isFlip,
  pairOutcome,
  rankingOfPairs,
  verdictOf,
  verdictOfTokens,
} from '../../../../src/core/preferences/judgeVerdict.ts';

const pair = (first: PairVerdict, second: PairVerdict, answers: [string, string] = ['x', 'y']): AskedPair => ({
  answers,
  verdicts: [first, second],
});

describe('a verdict in words', () => {
  it('is a letter or a tie that stands alone', () => {
    const check = (wanted: PairVerdict, ...texts: string[]) => {
      for (const text of texts) assert.equal(verdictOf(text), wanted, text);
    };
    check('A', 'A', ' a ', '**A**', '[[A]]', '"A".', 'Answer A', 'response A', 'A (it is true)', 'A – it is true');
    check('B', 'B', '[B]', 'Option B.', '“B”');
    check('tie', 'tie', 'Tie.', 'a tie', 'draw', 'equal', '[[C]]', 'C');
    check(
      'unreadable',
      '',
      'A is worse than B',
      'A good answer',
      'B, or rather A',
      'AB',
      'A or B',
      'neither',
      'D',
      'both',
    );
    assert.equal(verdictOf(undefined), 'unreadable');
  });
});

describe('a verdict by probabilities', () => {
  const token = (text: string, logProb = -1, alternatives: [string, number][] = []) => ({
    text,
    logProb,
    alternatives: alternatives.map(([other, value]) => ({ text: other, logProb: value })),
  });
  it('is the likelier letter at the place of the verdict', () => {
    const words = [token('A'), token(' seems'), token(' fine'), token('. Verdict'), token(':')];
    assert.deepEqual(verdictOfTokens([...words, token(' A', -0.9, [[' B', -0.5]])], 'Verdict:'), {
      verdict: 'B',
      logOdds: -0.4,
    });
    assert.deepEqual(verdictOfTokens([...words, token(' A', -0.1, [[' C', -3]])], 'Verdict:'), { verdict: 'A' });
    assert.deepEqual(verdictOfTokens(words, 'Verdict:'), { verdict: 'unreadable' });
    assert.deepEqual(verdictOfTokens([token('A')], 'Verdict:'), { verdict: 'unreadable' });
  });
  it('is the last letter where no marker leads up to it', () => {
    assert.equal(verdictOfTokens([token('A'), token(' or'), token(' B', -0.1, [[' A', -2]])], undefined).verdict, 'B');
  });
});

describe('two orders', () => {
  it('agree, or are a tie', () => {
    const check = (first: PairVerdict, second: PairVerdict, outcome: number | undefined, flip: boolean) => {
      assert.equal(pairOutcome(pair(first, second)), outcome, `${first} ${second}`);
      assert.equal(isFlip(pair(first, second)), flip, `${first} ${second}`);
    };
    check('A', 'B', 1, false);
    check('B', 'A', 0, false);
    check('tie', 'tie', 0.5, false);
    check('A', 'A', 0.5, true);
    check('B', 'B', 0.5, true);
    check('A', 'tie', 0.5, true);
    check('unreadable', 'B', undefined, false);
    check('tie', 'unreadable', undefined, false);
  });

  it('turn with the pair: what is asked the other way round says the opposite', () => {
    const verdict = fc.constantFrom<PairVerdict>('A', 'B', 'tie', 'unreadable');
    fc.assert(
      fc.property(verdict, verdict, (first, second) => {
        const outcome = pairOutcome(pair(first, second));
        const turned = pairOutcome(pair(second, first, ['y', 'x']));
        assert.equal(turned, outcome === undefined ? undefined : 1 - outcome);
      }),
    );
  });
});

describe('pairs as a ranking', () => {
  it('are summed: wins and half the ties', () => {
    const pairs = [pair('A', 'B', ['x', 'y']), pair('A', 'A', ['y', 'z']), pair('A', 'B', ['x', 'z'])];
    assert.deepEqual(rankingOfPairs(['x', 'y', 'z'], pairs), [['x'], ['y', 'z']]);
  });
  it('that go round are a tie, and what was not read is left out', () => {
    const round = [pair('A', 'B', ['x', 'y']), pair('A', 'B', ['y', 'z']), pair('B', 'A', ['x', 'z'])];
    assert.deepEqual(rankingOfPairs(['x', 'y', 'z'], round), [['x', 'y', 'z']]);
    const unread = [
      pair('unreadable', 'B', ['x', 'y']),
      pair('A', 'B', ['y', 'z']),
      pair('A', 'unreadable', ['x', 'z']),
    ];
    assert.deepEqual(rankingOfPairs(['x', 'y', 'z'], unread), [['y'], ['z']]);
  });
});
