import assert from 'node:assert/strict';
import { type ScoredRow, scoreRows, softmax } from '../../../../src/core/evaluation/score.ts';
import { summariseScores } from '../../../../src/core/evaluation/scoreSummary.ts';
import type { ScoreRow } from '../../../../src/core/evaluation/scoreTexts.ts';
import type { ScoreMeasure } from '../../../../src/core/prompts/template.ts';
import type { ModelDescription, TextGenerator } from '../../../../src/core/textGenerator.ts';

const model: ModelDescription = {
  id: 'words',
  label: 'Words',
  detail: '',
  kind: 'local',
  chat: false,
  logProbs: true,
  controlledSampling: true,
};

/** Every word is a token; a word costs its vowels, and one without any is what the model itself would write. */
function wordModel(asked: string[][] = []): TextGenerator {
  return {
    model,
    generate: () => Promise.reject(new Error('is not asked')),
    async score(items) {
      asked.push(items.map(({ continuation }) => continuation));
      return items.map(({ continuation }) => {
        const tokens = (continuation.match(/\s*\S+/g) ?? []).map(text => {
          const logProb = -(text.match(/[aeiou]/g) ?? []).length;
          return { text, logProb, rank: 1 - logProb };
        });
        return { tokens, logLikelihood: tokens.reduce((sum, { logProb }) => sum + logProb, 0) };
      });
    },
  };
}

const row = (number: number, texts: readonly string[], more: Partial<ScoreRow> = {}): ScoreRow => ({
  number,
  task: 'candidates',
  part: 'continuation',
  context: '',
  candidates: texts.map(candidate => ({
    candidate,
    scored: { prompt: { kind: 'text', text: '' }, continuation: candidate },
  })),
  ...more,
});
const options = (by: ScoreMeasure = 'total') => ({ by, method: 'partial', as: 'text' }) as const;
const scored = (rows: readonly ScoreRow[], by?: ScoreMeasure): Promise<ScoredRow[]> =>
  scoreRows(wordModel(), rows, options(by));

describe('scoreRows', () => {
  // 4 nats over 4 tokens and 10 characters; 3 over 1 and 4; 2 over 1 and 2.
  const texts = ['a be ci do', 'aieb', 'ea'];

  it('decides by the sum, by tokens or by characters', async () => {
    for (const [by, best] of [
      ['total', 2],
      ['per-token', 0],
      ['per-character', 0],
    ] as const) {
      const [one] = await scored([row(1, texts)], by);
      assert.equal(one!.best, best, by);
      const scores = one!.candidates.map(({ score }) => score);
      assert.deepEqual(
        one!.candidates.map(({ probability }) => probability),
        softmax(scores),
      );
      assert.equal(Math.max(...scores), scores[best]);
    }
    const [first] = await scored([row(1, texts)]);
    const { total, perToken, perCharacter } = first!.candidates[0]!.likelihood;
    assert.deepEqual([total, perToken, perCharacter], [-4, -1, -4 / 10]);
  });

  it('takes the first of equals, and says nothing of right or wrong where nothing is expected', async () => {
    const [one] = await scored([row(1, ['ab', 'ba'])]);
    assert.deepEqual([one!.best, one!.correct, 'expected' in one!], [0, undefined, false]);
  });

  it('hands rows on in order, with batches that hold whole rows', async () => {
    const asked: string[][] = [];
    const numbers: number[] = [];
    const rows = Array.from({ length: 50 }, (_, i) => row(i + 1, ['a', 'e', `${i}`], { expected: 2 }));
    const results = await scoreRows(wordModel(asked), rows, options(), {
      onRows: part => numbers.push(...part.map(({ number }) => number)),
    });
    assert.deepEqual(
      numbers,
      rows.map(({ number }) => number),
    );
    assert.deepEqual(asked.flat().length, 150);
    assert.ok(asked.length > 1 && asked.every(batch => batch.length % 3 === 0));
    assert.ok(results.every(({ correct }) => correct));
  });

  it('refuses a model that cannot score in one sentence, and stops when it is told to', async () => {
    const { score: _, ...mute } = wordModel();
    await assert.rejects(scoreRows(mute, [], options()), /“Words” does not tell how likely/);
    await assert.rejects(
      scoreRows(wordModel(), [row(1, ['a', 'b'])], options(), { signal: AbortSignal.abort() }),
      /abort/i,
    );
  });

  it('knows what greedy decoding writes, also from a server that tells the likeliest token alone', async () => {
    const word = (text: string): ScoreRow => row(1, [text], { task: 'last-word', expected: 0 });
    const [right, wrong] = await scored([word('my sky'), word('my sea')]);
    assert.deepEqual([right!.correct, right!.candidates[0]!.rank], [true, 1]);
    assert.deepEqual([wrong!.correct, wrong!.candidates[0]!.rank], [false, 3]);
    const server = (likeliest?: string): TextGenerator => ({
      ...wordModel(),
      score: async () => [
        {
          logLikelihood: -1,
          tokens: [
            { text: 'sky', logProb: -1, ...(likeliest ? { alternatives: [{ text: likeliest, logProb: -0.5 }] } : {}) },
          ],
        },
      ],
    });
    for (const [likeliest, greedy, rank] of [
      ['sky', true, 1],
      ['sea', false, undefined],
      [undefined, undefined, undefined],
    ] as const) {
      const [one] = await scoreRows(server(likeliest), [word('sky')], options());
      assert.deepEqual([one!.correct, one!.candidates[0]!.rank], [greedy, rank], likeliest);
    }
  });
});

describe('softmax', () => {
  it('keeps to numbers where powers do not', () => {
    assert.deepEqual(softmax([-2000, -2000]), [0.5, 0.5]);
    const [a, b] = softmax([0, Math.log(3)]);
    assert.ok(Math.abs(a! - 0.25) < 1e-12 && Math.abs(b! - 0.75) < 1e-12);
  });
});

describe('summariseScores', () => {
  it('counts by every way of scoring, with Wilson’s interval for the one that decides', async () => {
    const both = (number: number, expected: number): ScoreRow => ({
      ...row(number, ['aa', 'e']),
      part: 'partial',
      candidates: ['x', 'y'].map((candidate, i) => ({
        candidate,
        scored: { prompt: { kind: 'text', text: '' }, continuation: ['aa', 'e'][i]! },
        other: { prompt: { kind: 'text', text: '' }, continuation: ['o', 'oo'][i]! },
      })),
      expected,
    });
    const { accuracy, ways } = summariseScores('candidates', await scored([both(1, 1), both(2, 1), both(3, 0)]));
    assert.deepEqual([accuracy!.right, accuracy!.n], [2, 3]);
    assert.ok(Math.abs(accuracy!.low - 0.2077) < 1e-4 && Math.abs(accuracy!.high - 0.9385) < 1e-4);
    const right = Object.fromEntries(ways!.map(({ part, by, right }) => [`${part} ${by}`, right]));
    assert.deepEqual(right, {
      'partial total': 2,
      'partial per-token': 2,
      'partial per-character': 1,
      'full total': 1,
      'full per-token': 1,
      'full per-character': 1,
    });
  });

  it('has perplexity and the median rank of words', async () => {
    const word = (text: string): ScoreRow => row(1, [text], { task: 'last-word', expected: 0 });
    const summary = summariseScores('last-word', await scored([word('sky'), word('aeae'), word('ai')]));
    assert.deepEqual([summary.accuracy!.right, summary.medianRank], [1, 3]);
    assert.ok(Math.abs(summary.perplexity! - Math.exp(2)) < 1e-12);
    assert.deepEqual(summariseScores('last-word', []), { rows: 0 });
  });
});
