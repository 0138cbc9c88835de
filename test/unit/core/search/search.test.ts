import assert from 'node:assert/strict';
import { Rng } from '../../../../src/base/rng.ts';
import type { DataRow } from '../../../../src/core/datasets/rows.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import type { SearchOptions } from '../../../../src/core/search/options.ts';
import { reportMarkdown, verdictSentence } from '../../../../src/core/search/report.ts';
import {
  type Found,
  type RowResult,
  runSearch,
  type SearchHost,
  type SearchMemory,
} from '../../../../src/core/search/search.ts';
import { splitRows } from '../../../../src/core/search/splits.ts';
import { targetOf } from '../../../../src/core/search/target.ts';

const template = parseTemplate(
  '---\nname: sums\ninputs: {q: {kind: string}}\nmetadata: {tunesmith: {expected: a}}\n---\nuser:\nDo it.\n\n{{ q }}',
  'sums.prompty',
);
const rows = Array.from({ length: 200 }, (_, i): DataRow => ({ line: i + 1, values: { q: `question ${i}`, a: i } }));

class Memory implements SearchMemory {
  readonly texts = new Map<string, string>();
  readonly results = new Map<string, RowResult>();
  puts = 0;
  /** The process dies at this write. */
  readonly diesAt: number;
  constructor(diesAt = Number.POSITIVE_INFINITY, from?: Memory) {
    this.diesAt = diesAt;
    for (const [key, text] of from?.texts ?? []) this.texts.set(key, text);
    for (const [key, result] of from?.results ?? []) this.results.set(key, result);
  }
  text(key: string) {
    return this.texts.get(key);
  }
  result(key: string) {
    return this.results.get(key);
  }
  async put(found: readonly Found[]) {
    if (++this.puts === this.diesAt) throw new Error('killed');
    for (const one of found) {
      if ('text' in one) this.texts.set(one.key, one.text);
      else this.results.set(one.key, one.result);
    }
  }
}

interface Model {
  /** How often an instruction makes the model right. */
  rate(instruction: string): number;
  /** What the proposing model says to its n-th request. */
  writes(n: number, prompt: string): string;
}

/** A model whose rightness on a row hangs on the instruction and the row alone. */
function host(model: Model, memory: Memory, asked = { answers: 0, texts: 0 }): SearchHost & { asked: typeof asked } {
  return {
    asked,
    memory,
    async write(requests) {
      asked.texts += requests.length;
      return requests.map(({ prompt, repeat }) => {
        assert.ok(prompt.kind === 'messages');
        return model.writes(repeat, prompt.messages[0]!.content);
      });
    },
    async answer(candidate, some) {
      asked.answers += some.length;
      const instruction = targetOf(candidate).text;
      return some.map(({ line }) => {
        const right = Rng.seeded(7).stream(instruction, line).next() < model.rate(instruction);
        return { score: right ? 1 : 0 };
      });
    },
    progress() {},
  };
}

const optionsOf = (changes: Partial<SearchOptions> = {}): SearchOptions => ({
  template,
  target: targetOf(template),
  splits: splitRows(template, rows, 5),
  model: 'answerer',
  proposer: 'proposer',
  budget: 600,
  seed: 5,
  metric: 'accuracy',
  callsPerAnswer: 1,
  prefill: false,
  given: [],
  ...changes,
});

/** One of ten proposals is good, and its paraphrases are a little better. */
const hopeful: Model = {
  rate: text => (text.startsWith('Add') ? (text.endsWith('please.') ? 0.9 : 0.85) : 0.3),
  writes: (n, prompt) =>
    prompt.startsWith('Write this')
      ? prompt.includes('Add')
        ? `Add them ${n}, please.`
        : `Again ${n}.`
      : n === 4
        ? 'Add them.'
        : `Try ${n}.`,
};
/** All words are alike. */
const hopeless: Model = { rate: () => 0.5, writes: (n, prompt) => `${prompt.length % 7} words ${n}.` };

describe('prompt search', () => {
  it('finds the instruction that works, and the held-out rows say that it does', async () => {
    const searched = host(hopeful, new Memory());
    const report = await runSearch(optionsOf(), searched);
    const winner = report.candidates[report.winner]!;
    assert.match(winner.text, /^Add them/);
    assert.equal(report.verdict, 'better');
    assert.ok(report.heldOut.comparison.exactP < 0.001);
    assert.ok(report.heldOut.winner.low > report.heldOut.baseline.high);
    assert.equal(searched.asked.answers + searched.asked.texts, report.budget.spent);
    assert.ok(report.budget.spent <= 600, `${report.budget.spent}`);
    assert.ok(report.candidates.some(({ origin, parent }) => origin === 'paraphrased' && parent !== undefined));
    const text = reportMarkdown(report);
    assert.match(text, /The winner is better: of 80 held-out rows it mends \d+ and breaks \d+ \(p < 0\.001\)/);
    assert.match(text, /dev score below is optimistic/);
    assert.match(text, /\| baseline \| Do it\. \| \d+ % \(\d+–\d+\) \|/);
  });

  it('says that a gain is noise where all words are alike', async () => {
    let claims = 0;
    for (let seed = 0; seed < 40; seed++) {
      const report = await runSearch(
        optionsOf({ seed, splits: splitRows(template, rows, seed) }),
        host(hopeless, new Memory()),
      );
      if (report.verdict === 'better' || report.verdict === 'worse') claims++;
      else assert.match(verdictSentence(report), /noise|Keep them/);
    }
    // The exact test at 5 % errs at most so often: more than 6 of 40 has a probability of 1 %.
    assert.ok(claims <= 6, `${claims} of 40 searches claimed a difference`);
  });

  it('goes on to the same report wherever it was killed, and asks nothing again', async () => {
    const whole = host(hopeful, new Memory());
    const report = await runSearch(optionsOf(), whole);
    for (let diesAt = 1; diesAt <= (whole.memory as Memory).puts; diesAt++) {
      const first = new Memory(diesAt);
      await assert.rejects(runSearch(optionsOf(), host(hopeful, first)), /killed/);
      const again = host(hopeful, new Memory(Number.POSITIVE_INFINITY, first));
      assert.deepEqual(await runSearch(optionsOf(), again), report);
      assert.equal(again.asked.answers, whole.asked.answers - first.results.size);
      assert.equal(again.asked.texts, whole.asked.texts - first.texts.size);
    }
    const nothing = host(hopeful, new Memory(Number.POSITIVE_INFINITY, whole.memory as Memory));
    assert.deepEqual(await runSearch(optionsOf(), nothing), report);
    assert.deepEqual(nothing.asked, { answers: 0, texts: 0 });
  });

  it('stops when it is cancelled', async () => {
    const abort = new AbortController();
    const memory = new Memory();
    const stopping = { ...host(hopeful, memory), signal: abort.signal, progress: () => abort.abort() };
    await assert.rejects(runSearch(optionsOf(), stopping), { name: 'AbortError' });
    assert.equal(memory.results.size, 0);
  });

  it('compares what it is given without a proposing model', async () => {
    const given = ['Add these.', 'Do  it!', 'Guess.'];
    const report = await runSearch(optionsOf({ proposer: undefined, given, budget: 300 }), host(hopeful, new Memory()));
    assert.deepEqual(
      report.candidates.map(({ text, origin }) => [text, origin]),
      [
        ['Do it.', 'template'],
        ['Add these.', 'given'],
        ['Guess.', 'given'],
      ],
    );
    assert.equal(report.winner, 1);
    assert.match(reportMarkdown(report), /no proposing model/);
  });

  it('keeps the template’s words where nothing beats them', async () => {
    const best: Model = { rate: text => (text === 'Do it.' ? 0.95 : 0.1), writes: n => `Other ${n}.` };
    const report = await runSearch(optionsOf(), host(best, new Memory()));
    assert.deepEqual([report.winner, report.verdict], [0, 'baseline']);
    assert.match(verdictSentence(report), /Nothing beat the template’s own words/);
  });

  const refused: readonly [name: string, changes: Partial<SearchOptions>, sentence: RegExp][] = [
    ['a budget that is too small', { budget: 30 }, /too small for this search/],
    ['nothing to compare', { proposer: undefined }, /nothing to compare/],
    ['a candidate that is no plain sentence', { given: ['{{ q }}'] }, /cannot be a candidate/],
  ];
  for (const [name, changes, sentence] of refused) {
    it(`refuses ${name}`, async () => {
      const untouched = host(hopeful, new Memory());
      await assert.rejects(async () => runSearch(optionsOf(changes), untouched), sentence);
      assert.deepEqual(untouched.asked, { answers: 0, texts: 0 });
    });
  }
});
