import assert from 'node:assert/strict';
import { readBank } from '../../../../src/core/datasets/bank.ts';
import { cutToBudget } from '../../../../src/core/datasets/budget.ts';
import { cachedEmbeddings } from '../../../../src/core/datasets/embeddings.ts';
import { mostDiverse, type SelectionRequest, selectExamples } from '../../../../src/core/datasets/selection.ts';

const bank = readBank(
  [
    { q: 'red apple pie', answer: 'food' },
    { q: 'red apple cake', answer: 'food', reasoning: 'Sweet.' },
    { q: 'blue whale song', answer: 'animal' },
    { q: 'green frog song', answer: 'animal' },
    { q: 'red apple tart', answer: 'food' },
  ]
    .map(row => JSON.stringify(row))
    .join('\n'),
  'b.jsonl',
);

const request = (
  settings: Partial<SelectionRequest['settings']>,
  rest: Partial<SelectionRequest> = {},
): SelectionRequest => ({
  bank,
  settings: {
    selection: 'fixed',
    seed: 0,
    similarity: 'bm25',
    lambda: 0.5,
    label: 'answer',
    order: 'selected',
    leakage: 0.8,
    ...settings,
  },
  inputs: ['q'],
  values: { q: 'a song of a frog' },
  shots: 2,
  reasoned: false,
  ...rest,
});

describe('selectExamples', () => {
  for (const [name, given, wanted] of [
    ['fixed', request({}), [0, 1, 2, 3, 4]],
    ['similar', request({ selection: 'similar' }), [3, 2, 0, 1, 4]],
    ['passes over the question itself', request({}, { values: { q: 'Red apple pie!' } }), [1, 2, 3, 4]],
    [
      'passes over what leaks',
      request({}, { bank: { ...bank, leaks: new Map([[2, { line: 1, similarity: 1 }]]) } }),
      [0, 1, 3, 4],
    ],
    ['only with reasoning', request({}, { reasoned: true }), [1]],
  ] as const) {
    it(name, async () => assert.deepEqual((await selectExamples(given)).candidates, wanted));
  }

  it('draws at random by the seed', async () => {
    const draw = async (seed: number) =>
      (await selectExamples(request({ selection: 'random', seed }))).candidates.join();
    assert.equal(await draw(1), await draw(1));
    assert.ok(new Set(await Promise.all([1, 2, 3, 4].map(draw))).size > 1);
  });

  it('takes as many of each label', async () => {
    const { candidates } = await selectExamples(request({ selection: 'balanced' }));
    const labels = candidates.map(index => bank.rows[index]!.values.answer);
    assert.equal(new Set(labels.slice(0, 2)).size, 2);
    assert.equal(new Set(labels.slice(2, 4)).size, 2);
  });

  it('looks at distance too where examples are to be diverse', async () => {
    const values = { q: 'red apple juice' };
    const first = async (lambda: number) =>
      (await selectExamples(request({ selection: 'diverse', lambda }, { values }))).candidates.slice(0, 2);
    assert.deepEqual(await first(1), [0, 1]);
    assert.deepEqual(await first(0.1), [0, 2]);
  });

  it('compares by vectors, each text computed once', async () => {
    let computed = 0;
    const embed = cachedEmbeddings(async texts => {
      computed += texts.length;
      return texts.map(text => (text.includes('whale') || text.includes('sea') ? [1, 0] : [0, 1]));
    });
    const own = { ...bank };
    for (let i = 0; i < 2; i++) {
      const { candidates } = await selectExamples(
        request({ selection: 'similar', similarity: 'embedding' }, { bank: own, embed, values: { q: 'the sea' } }),
      );
      assert.equal(candidates[0], 2);
    }
    assert.equal(computed, 6);
  });

  for (const [order, wanted] of [
    ['selected', [0, 3, 2]],
    ['similar-first', [3, 2, 0]],
    ['similar-last', [0, 2, 3]],
    ['label-interleaved', [0, 3, 2]],
  ] as const) {
    it(`arranges by ${order}`, async () => {
      assert.deepEqual(await (await selectExamples(request({ order }))).arrange([0, 3, 2]), wanted);
    });
  }

  it('shuffles the same examples by an order seed', async () => {
    const arranged = await Promise.all(
      [1, 2, 3, 4].map(async orderSeed => (await selectExamples(request({}, { orderSeed }))).arrange([0, 1, 2, 3])),
    );
    for (const one of arranged) assert.deepEqual([...one].sort(), [0, 1, 2, 3]);
    assert.ok(new Set(arranged.map(String)).size > 1);
  });
});

describe('selection from a bank of 10,000 examples', () => {
  it('takes at most 50 ms a question once the bank is indexed', async () => {
    const text = (i: number): string =>
      Array.from({ length: 30 }, (_, j) => `w${(i * 31 + j * j * 7) % 3000}`).join(' ');
    const lines = Array.from({ length: 10_000 }, (_, i) => JSON.stringify({ q: text(i), answer: 'x' }));
    const large = readBank(lines.join('\n'), 'b.jsonl');
    const select = async (i: number): Promise<number> => {
      const began = performance.now();
      const given = request({ selection: 'similar' }, { bank: large, values: { q: `${text(i)} and more words` } });
      assert.equal((await selectExamples(given)).candidates.length > 9000, true);
      return performance.now() - began;
    };
    await select(0);
    const times = [await select(5), await select(50), await select(500)].sort((a, b) => a - b);
    assert.ok(times[1]! <= 50, `median ${times[1]} ms`);
  });
});

describe('mostDiverse', () => {
  it('agrees with a case worked by hand', () => {
    // First the most relevant (0). Then 0.5·0.9 − 0.5·0.95 = −0.025 for 1, 0.5·0.4 − 0.5·0.1 = 0.15 for 2.
    const relevance = [1, 0.9, 0.4];
    const alike: Record<string, number> = { '10': 0.95, '20': 0.1, '12': 0.2, '21': 0.2 };
    const chosen = mostDiverse(
      [0, 1, 2],
      3,
      0.5,
      i => relevance[i]!,
      (a, b) => alike[`${a}${b}`] ?? 0,
    );
    assert.deepEqual(chosen, [0, 2, 1]);
  });
});

describe('cutToBudget', () => {
  for (const [policy, limit, kept, after] of [
    ['drop-last', 100, [0, 1, 2], 90],
    ['drop-last', 60, [0, 1], 50],
    ['drop-first', 60, [2], 20 + 40],
    ['drop-least-similar', 60, [2], 60],
    ['drop-least-similar', 75, [2], 60],
    ['fail', 60, [0, 1, 2], 90],
    ['drop-last', 5, [], 20],
  ] as const) {
    it(`${policy} within ${limit}`, () => {
      const cut = cutToBudget(20, [10, 20, 40], limit, policy, [0.1, 0.2, 0.9]);
      assert.deepEqual([cut.kept, cut.after, cut.before], [kept, after, 90]);
    });
  }
});
