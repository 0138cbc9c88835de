/** Judges that follow a rule: what is asked, what is written down, and that order and concurrency change nothing. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { HumanError } from '../../../../src/base/errors.ts';
import { directAsk } from '../../../../src/core/evaluation/ask.ts';
import { Dispatcher } from '../../../../src/core/evaluation/dispatch.ts';
import type { Generation } from '../../../../src/core/generation.ts';
import { makeJudge } from '../../../../src/core/preferences/judge.ts';
import { judgeWork } from '../../../../src/core/preferences/judgeItems.ts';
import type { ItemRecord } from '../../../../src/core/preferences/judgement.ts';
import {
  type JudgeContext,
  type JudgeJudgement,
  type JudgeTask,
  runJudge,
} from '../../../../src/core/preferences/judgeRun.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import type { TextGenerator } from '../../../../src/core/textGenerator.ts';
import { description, generationOf, serverModel } from '../../../fakes/generators.ts';
import {
  asRecord,
  itemOf,
  judgeModel,
  personSays,
  plainJudge,
  plainTemplate,
  sha256,
  stateOf,
} from '../../../fakes/judges.ts';
import { renderInProcess } from '../../../fakes/renderInProcess.ts';

const judgeOf = (generator: TextGenerator, likelihood = false, template = plainTemplate()) =>
  makeJudge({ template, generator, render: renderInProcess, likelihood, hash: sha256 });

const run = async (
  generator: TextGenerator,
  tasks: readonly JudgeTask[],
  more: Partial<JudgeContext> & { readonly likelihood?: boolean } = {},
) => {
  const judge = await judgeOf(generator, more.likelihood);
  const saved: JudgeJudgement[] = [];
  const counts = await runJudge(judge, tasks, {
    ask: directAsk(generator),
    match: async () => assert.fail('no pattern is used here'),
    save: async judgement => saved.push(judgement),
    ...more,
  });
  return { judge, saved, counts };
};
const longer = (a: string, b: string): string => (a.length > b.length ? 'A' : a.length < b.length ? 'B' : 'tie');
const items = (count: number): ItemRecord[] =>
  Array.from({ length: count }, (_, i) => itemOf(`i${i}`, [`short ${i}`, `a longer answer ${i}`]));
const tasks = (list: readonly ItemRecord[]): JudgeTask[] => list.map(item => ({ item }));

describe('a judge', () => {
  it('is asked about two answers in both orders, and its name says what it was', async () => {
    const model = judgeModel(longer);
    const [item] = items(1);
    const { judge, saved, counts } = await run(model, [{ item: item!, rubric: { text: 'x', version: 'abc' } }]);
    assert.equal(model.calls.length, 2);
    const place = (text: string, call: string): number => call.indexOf(`\n${text}\n`);
    const [short, long] = item!.answers.map(({ text }) => text) as [string, string];
    assert.equal(
      model.calls.filter(call => place(short, call) < place(long, call)).length,
      1,
      'each of the two stood first once',
    );
    assert.match(judge.id, /^plain-judge on https:\/\/models\.example\/v1\|m #[0-9a-f]{8}$/);
    const [first, second] = [...item!.answers].sort((a, b) => (a.id < b.id ? -1 : 1));
    const isLong = first!.text === long;
    assert.deepEqual(saved, [
      {
        item: 'i0',
        kind: 'pairwise',
        ranking: isLong ? [[first!.id], [second!.id]] : [[second!.id], [first!.id]],
        shown: [first!.id, second!.id],
        verdict: 'ranked',
        flags: [],
        guidelines: 'abc',
        milliseconds: 2,
        judge: judge.id,
        judgedBy: {
          model: 'https://models.example/v1|m',
          template: 'plain-judge',
          templateHash: sha256(plainJudge()).slice(0, 12),
          verdictsFrom: 'text',
        },
        pairs: [{ answers: [first!.id, second!.id], verdicts: isLong ? ['A', 'B'] : ['B', 'A'] }],
      },
    ]);
    assert.deepEqual(counts, { total: 1, judged: 1, pairs: 1, ties: 0, flips: 0, unreadable: 0, failed: 0 });
  });

  it('has another name with another template, model, way of reading or sampling', async () => {
    const model = judgeModel(longer);
    const ids = await Promise.all([
      judgeOf(model),
      judgeOf(model, true),
      judgeOf({ ...model, model: description({ id: 'local:other' }) }),
      judgeOf({ ...model, identity: async () => 'another revision' }),
      judgeOf(model, false, parseTemplate(`${plainJudge()}\nBe fair.`, 'plain-judge.prompty')),
      judgeOf(
        model,
        false,
        parseTemplate(plainJudge().replace('temperature: 0', 'temperature: 1'), 'plain-judge.prompty'),
      ),
    ]);
    assert.equal(new Set(ids.map(({ id }) => id)).size, ids.length);
    assert.equal((await judgeOf(model)).id, ids[0]!.id);
  });

  it('that always names the first only ties, and each is counted as a flip', async () => {
    const { saved, counts } = await run(
      judgeModel(() => 'A'),
      tasks(items(5)),
    );
    assert.ok(saved.every(({ ranking }) => ranking.length === 1 && ranking[0]!.length === 2));
    assert.deepEqual(counts, { total: 5, judged: 5, pairs: 5, ties: 0, flips: 5, unreadable: 0, failed: 0 });
  });

  it('whose words say no verdict says nothing, and nothing is guessed', async () => {
    const { saved, counts } = await run(
      judgeModel((_a, b) => (b.startsWith('short') ? 'A is worse than B' : 'B')),
      tasks(items(2)),
    );
    assert.deepEqual(
      saved.map(({ verdict, skipReason, ranking }) => [verdict, skipReason, ranking]),
      [
        ['skipped', 'unreadable', []],
        ['skipped', 'unreadable', []],
      ],
    );
    assert.equal(counts.unreadable, 2);
  });

  it('ranks several answers pair by pair', async () => {
    const model = judgeModel(longer);
    const item = itemOf('i', ['xxx', 'x', 'xx', 'yy']);
    const { saved, counts } = await run(model, [{ item }]);
    assert.equal(model.calls.length, 12);
    assert.equal(saved[0]!.kind, 'ranking');
    const text = new Map(item.answers.map(answer => [answer.id, answer.text]));
    assert.deepEqual(
      saved[0]!.ranking.map(group => group.map(id => text.get(id)).sort()),
      [['xxx'], ['xx', 'yy'], ['x']],
    );
    assert.deepEqual([counts.pairs, counts.ties, counts.flips], [6, 1, 0]);
  });

  it('comes to the same in any order of items and of answers, and however many at once', async () => {
    const alphabet = fc.string({ minLength: 1, maxLength: 6 });
    const itemsWith = fc.array(fc.uniqueArray(alphabet, { minLength: 2, maxLength: 4 }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(
        itemsWith,
        fc.array(fc.nat(3), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        async (texts, waits, turn) => {
          const noisy = (a: string, b: string): string =>
            ['A', 'B', 'tie', '?'][sha256(`${a}\n${b}`).charCodeAt(0) % 4]!;
          const plain = texts.map((own, i) => itemOf(`i${i}`, own));
          const { saved: wanted } = await run(judgeModel(noisy), tasks(plain));
          let call = 0;
          const slow = judgeModel(async (a, b) => {
            for (let i = waits[call++ % waits.length]!; i > 0; i--) await new Promise(resolve => setImmediate(resolve));
            return noisy(a, b);
          });
          const turned = turn ? plain.map(item => ({ ...item, answers: [...item.answers].reverse() })) : plain;
          const ask = new Dispatcher().ask(slow, { concurrency: 1 + waits[0]! });
          const { saved } = await run(slow, tasks([...turned].reverse()), { ask });
          const sorted = (list: readonly JudgeJudgement[]) => [...list].sort((a, b) => (a.item < b.item ? -1 : 1));
          assert.deepEqual(sorted(saved), sorted(wanted));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('goes on where an item fails, and says why at the end', async () => {
    const model = judgeModel(a => {
      if (a.includes('2')) throw new HumanError('too long');
      return 'A';
    });
    const { saved, counts } = await run(model, tasks(items(4)));
    assert.equal(saved.length, 3);
    assert.equal(counts.failed, 1);
    assert.match(String(counts.failure), /too long/);
  });

  it('asks no more once everything fails', async () => {
    const model = judgeModel(() => {
      throw new HumanError('no such model');
    });
    const { counts } = await run(model, tasks(items(500)));
    assert.ok(counts.failed < 60, String(counts.failed));
    assert.ok(model.calls.length < 120);
  });

  it('that is cancelled keeps what it judged, and writes nothing down half', async () => {
    const abort = new AbortController();
    let calls = 0;
    const model = judgeModel((a, b) => {
      if (++calls === 9) abort.abort();
      return longer(a, b);
    });
    const ask = new Dispatcher().ask(model, { concurrency: 1 });
    const { saved, counts } = await run(model, tasks(items(40)), { ask, signal: abort.signal });
    assert.ok(saved.length > 0 && saved.length <= 4, String(saved.length));
    assert.equal(counts.judged, saved.length);
    assert.ok(saved.every(({ pairs }) => pairs!.length === 1));
  });

  it('decides by the probabilities of its letter where the model tells them', async () => {
    const model = serverModel(() => '', {
      generate: async request => {
        const { logProbs } = request;
        assert.ok(logProbs);
        const tokens = ['Verdict', ':', ' A'].map((text, i) => ({
          text,
          logProb: i === 2 ? -0.9 : 0,
          alternatives: i === 2 ? [{ text: ' B', logProb: -0.6 }] : [],
        }));
        return generationOf(request, 'Verdict: A', { tokens } as Partial<Generation>);
      },
    });
    const { judge, saved } = await run(model, tasks(items(1)), { likelihood: true });
    assert.match(judge.id, /, by likelihood #/);
    assert.deepEqual(saved[0]!.pairs![0]!.verdicts, ['B', 'B']);
    assert.ok(Math.abs(saved[0]!.pairs![0]!.logOdds![0] + 0.3) < 1e-9);
  });

  it('reads words where its template asks in several steps, whatever the model tells', async () => {
    for (const strategy of ['zero-shot-cot', 'self-consistency', 'least-to-most']) {
      const text = plainJudge().replace('reasoning:', `reasoning:\n      strategy: ${strategy}`);
      const judge = await judgeOf(judgeModel(longer), true, parseTemplate(text, 'plain-judge.prompty'));
      assert.equal(judge.reading, 'words', strategy);
    }
  });

  it('writes nothing where a local model scores “A” and “B” after the marker', async () => {
    const asked: string[] = [];
    const model: TextGenerator = {
      model: description({ kind: 'local', id: 'local:scores' }),
      generate: async () => assert.fail('it is not asked to write'),
      score: async requests =>
        requests.map(({ prompt, continuation }) => {
          assert.equal(prompt.kind, 'messages');
          const { messages } = prompt as { messages: readonly { role: string; content: string }[] };
          asked.push(`${messages.at(-1)!.role}: ${messages.at(-1)!.content}|${continuation}`);
          const text = messages.at(-2)!.content;
          const longFirst = text.indexOf('a longer') < text.indexOf('short');
          return { logLikelihood: (continuation.trim() === 'A') === longFirst ? -0.1 : -3, tokens: [] };
        }),
    };
    const { saved, counts } = await run(model, tasks(items(3)), { likelihood: true });
    assert.deepEqual(new Set(asked), new Set(['assistant: Verdict:| A', 'assistant: Verdict:| B']));
    assert.equal(counts.flips, 0);
    const long = items(3).map(({ answers }) => answers[1]!.id);
    assert.deepEqual(saved.map(({ ranking }) => ranking[0]![0]).sort(), long.sort());
    assert.equal(saved[0]!.judgedBy!.verdictsFrom, 'likelihood');
  });
});

describe('what a judge is asked about', () => {
  const select = { id: 'j', author: 'ada', rubricOf: () => undefined };
  const all = { ...select, scope: { kind: 'all' } } as const;
  const judged = (item: ItemRecord, author = 'ada', guidelines?: string) =>
    asRecord(
      {
        item: item.id,
        ranking: [],
        shown: [],
        verdict: 'ranked',
        flags: [],
        milliseconds: 0,
        judge: 'j',
        guidelines,
        pairs: [],
      },
      author,
    );
  const ids = ({ tasks: found }: { readonly tasks: readonly JudgeTask[] }) => found.map(({ item }) => item.id);

  it('is all of a set, without what it judged before, whoever ran it', () => {
    const [a, b, c] = items(3) as [ItemRecord, ItemRecord, ItemRecord];
    const other = itemOf('o', ['x', 'y'], 'other');
    const same = { ...itemOf('same', ['x', 'y']), answers: [a.answers[0]!, a.answers[0]!] };
    const state = stateOf(a, b, c, other, same, judged(b, 'bob'));
    assert.deepEqual(ids(judgeWork(state, { ...all, set: 's' })), ['i0', 'i2']);
    assert.equal(judgeWork(state, all).known, 1);
    assert.deepEqual(ids(judgeWork(state, { ...select, scope: { kind: 'items', ids: ['o', 'i1'] } })), ['o']);
    assert.throws(() => judgeWork(state, { ...select, scope: { kind: 'items', ids: ['none'] } }), /no item “none”/);
  });

  it('is asked again by new guidelines, and says what it replaces', () => {
    const [a, b] = items(2) as [ItemRecord, ItemRecord];
    const state = stateOf(a, b, judged(a, 'ada', 'v1'), judged(b, 'bob', 'v1'));
    const by = (version: string) => ({ ...all, rubricOf: () => ({ text: '', version }) });
    assert.deepEqual(ids(judgeWork(state, by('v1'))), []);
    const again = judgeWork(state, by('v2')).tasks;
    assert.deepEqual(
      again.map(({ item, replaces }) => [item.id, replaces]),
      [
        ['i0', 'judge ada i0 j'],
        // A record of somebody else's stays theirs.
        ['i1', undefined],
      ],
    );
  });

  it('is what people judged, of several people first, the same in any order', () => {
    const list = items(30);
    const people = [
      ...list.slice(0, 20).map(item => personSays('ann', item, text => text.length)),
      ...list.slice(5, 10).map(item => personSays('bob', item, text => text.length)),
    ];
    const overlap = { ...select, scope: { kind: 'overlap', count: 8 } } as const;
    const found = ids(judgeWork(stateOf(list, people), overlap));
    assert.equal(found.length, 8);
    assert.deepEqual(new Set(found.slice(0, 5)), new Set(['i5', 'i6', 'i7', 'i8', 'i9']));
    assert.deepEqual(ids(judgeWork(stateOf([...people].reverse(), [...list].reverse()), overlap)), found);
    assert.throws(() => judgeWork(stateOf(list), overlap), /People have judged none/);
  });

  it('ends where the budget of questions ends', () => {
    const state = stateOf(itemOf('two', ['x', 'y']), itemOf('three', ['x', 'y', 'z']), itemOf('last', ['v', 'w']));
    const work = judgeWork(state, { ...all, budget: 5 });
    assert.deepEqual([ids(work), work.questions, work.left], [['two', 'last'], 4, 1]);
  });
});
