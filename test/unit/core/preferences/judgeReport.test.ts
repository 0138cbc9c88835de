/** Reports on judges whose worth is known: perfect, chance, place, length, and too few shared items. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Rng } from '../../../../src/base/rng.ts';
import { directAsk } from '../../../../src/core/evaluation/ask.ts';
import { makeJudge } from '../../../../src/core/preferences/judge.ts';
import type { ItemRecord, JudgementRecord } from '../../../../src/core/preferences/judgement.ts';
import { type JudgeReport, judgeReports } from '../../../../src/core/preferences/judgeReport.ts';
import {
  judgeReportLines,
  judgeReportMarkdown,
  judgeVerdict,
} from '../../../../src/core/preferences/judgeReportText.ts';
import { runJudge } from '../../../../src/core/preferences/judgeRun.ts';
import { cohenKappa } from '../../../../src/core/statistics/agreement.ts';
import { asRecord, itemOf, judgeModel, personSays, plainTemplate, sha256, stateOf } from '../../../fakes/judges.ts';
import { renderInProcess } from '../../../fakes/renderInProcess.ts';

type Rule = (a: string, b: string) => string;

async function judged(items: readonly ItemRecord[], rule: Rule): Promise<JudgementRecord[]> {
  const generator = judgeModel(rule);
  const judge = await makeJudge({
    template: plainTemplate(),
    generator,
    render: renderInProcess,
    likelihood: false,
    hash: sha256,
  });
  const saved: JudgementRecord[] = [];
  await runJudge(
    judge,
    items.map(item => ({ item })),
    {
      ask: directAsk(generator),
      match: async () => [],
      save: async judgement => saved.push(asRecord(judgement)),
    },
  );
  return saved;
}

/** A text's worth, the same for everybody, with nothing to do with its length. */
const worth = (text: string): number => Number.parseInt(sha256(text).slice(0, 8), 16);
/** By worth, but for a share of pairs that this person sees the other way round. */
const erring = (name: string, share: number) => (text: string) =>
  Rng.seeded(0).stream(name, text).next() < share ? -worth(text) : worth(text);
const better: Rule = (a, b) => (worth(a) > worth(b) ? 'A' : 'B');
const itemsOf = (count: number, answers = 2): ItemRecord[] =>
  Array.from({ length: count }, (_, i) =>
    itemOf(
      `i${i}`,
      Array.from(
        { length: answers },
        (_, j) => `answer ${i} ${j} ${'word '.repeat(Number.parseInt(sha256(`${i} ${j}`).slice(0, 2), 16) % 20)}`,
      ),
    ),
  );
const report = (...records: Parameters<typeof stateOf>): JudgeReport => judgeReports(stateOf(...records))[0]!;

describe('the report on a judge', () => {
  it('of a perfect one: it agrees in all, and is like people', async () => {
    const items = itemsOf(40, 3);
    const people = ['ann', 'bob'].flatMap(name => items.map(item => personSays(name, item, erring(name, 0.1))));
    const found = report(
      items,
      items.map(item => personSays('ann', item, worth)),
      await judged(items, better),
    );
    assert.equal(found.shared.agreement.estimate, 1);
    assert.deepEqual([found.shared.agreement.low, found.shared.agreement.high, found.shared.agreement.n], [1, 1, 120]);
    assert.equal(found.shared.kappa.estimate, 1);
    assert.equal(found.flips.estimate, 0);
    assert.equal(found.standing, 'above-chance');
    const beside = report(items, people, await judged(items, better));
    assert.equal(beside.standing, 'like-people');
    assert.equal(beside.ceiling.items, 40);
    assert.deepEqual(beside.cautions, []);
    assert.match(judgeVerdict(beside), /about as much as they agree with each other/);
  });

  it('of one with nothing but a bias of place: all ties, no better than chance', async () => {
    for (const [letter, share] of [
      ['A', 1],
      ['B', 0],
    ] as const) {
      const items = itemsOf(30);
      const people = items.map(item => personSays('ann', item, worth));
      const found = report(items, people, await judged(items, () => letter));
      assert.equal(found.ties, 30);
      assert.equal(found.flips.estimate, 1);
      assert.equal(found.firstWins.estimate, share);
      assert.equal(found.shared.kappa.estimate, 0);
      assert.equal(found.standing, 'chance');
      assert.deepEqual(found.cautions, ['flips', 'position']);
      assert.match(judgeVerdict(found), /^No better than chance/);
      assert.match(judgeReportLines(found), letter === 'A' ? /stands first \(100 %/ : /stands second \(100 %/);
    }
  });

  it('of one that prefers the longer answer: how often lies within the interval, against people who do not', async () => {
    // By length in 80 % of the pairs, else by worth; the same in both orders.
    const bias = 0.8;
    const rule: Rule = (a, b) => {
      const draw = Rng.seeded(1).stream([a, b].sort().join('\n')).next();
      return draw < bias ? (a.length > b.length ? 'A' : 'B') : a.length > b.length ? 'B' : 'A';
    };
    let covered = 0;
    for (let seed = 0; seed < 10; seed++) {
      const items = itemsOf(120).map(item => ({ ...item, id: `${item.id} ${seed}` }));
      const fresh = items.map(item =>
        itemOf(
          item.id,
          item.answers.map(({ text }) => `${text}${seed}`),
        ),
      );
      const people = fresh.map(item => personSays('ann', item, worth));
      const found = report(fresh, people, await judged(fresh, rule));
      const { low, high } = found.longerWins;
      if (low <= bias && bias <= high) covered++;
      assert.ok(found.cautions.includes('longer'), JSON.stringify(found.shared.longerDifference));
      assert.ok(found.shared.longerByPeople.low < 0.5 && found.shared.longerByPeople.high > 0.5 - 0.1);
    }
    assert.ok(covered >= 8, String(covered));
  });

  it('of a coin: κ is about 0 and its interval has 0', async () => {
    const items = itemsOf(60);
    const coin: Rule = (a, b) => {
      const [x] = [a, b].sort();
      return (sha256(`coin ${a < b ? a + b : b + a}`).charCodeAt(0) % 2 === 0) === (a === x) ? 'A' : 'B';
    };
    const found = report(
      items,
      items.map(item => personSays('ann', item, worth)),
      await judged(items, coin),
    );
    assert.equal(found.flips.estimate, 0);
    assert.ok(Math.abs(found.shared.kappa.estimate) < 0.3);
    assert.equal(found.standing, 'chance');
  });

  it('of one that is better than chance and worse than people', async () => {
    const items = itemsOf(150);
    const people = ['ann', 'bob', 'eve'].flatMap(name => items.map(item => personSays(name, item, erring(name, 0.02))));
    const dull: Rule = (a, b) => (erring('judge', 0.25)(a) > erring('judge', 0.25)(b) ? 'A' : 'B');
    const found = report(items, people, await judged(items, dull));
    assert.equal(found.standing, 'below-people', JSON.stringify([found.shared.agreement, found.ceiling]));
    assert.ok(found.ceiling.difference.high < 0);
  });

  it('of too few items that people judged too says so', async () => {
    const items = itemsOf(30);
    const people = items.slice(0, 19).map(item => personSays('ann', item, worth));
    const found = report(items, people, await judged(items, better));
    assert.equal(found.standing, 'too-few');
    assert.match(judgeVerdict(found), /people have judged 19 of the items.*20 are needed/);
    assert.equal(found.items, 30);
    const none = report(items, await judged(items, better));
    assert.deepEqual([none.shared.items, none.standing], [0, 'too-few']);
    assert.doesNotMatch(judgeReportMarkdown([none]), /NaN/);
  });

  it('counts what it could not read, and leaves it out', async () => {
    const items = itemsOf(40);
    const people = items.map(item => personSays('ann', item, worth));
    const mute: Rule = (a, b) => (a.includes('answer 1') ? 'hm' : better(a, b));
    const found = report(items, people, await judged(items, mute));
    assert.equal(found.unreadable, 11);
    assert.equal(found.shared.items, 29);
    assert.ok(found.cautions.includes('unreadable'));
    assert.equal(found.shared.agreement.estimate, 1);
  });

  it('has Cohen’s κ of both ways round, and shares that are counted by hand', async () => {
    const say = fc.constantFrom('A', 'B', 'tie');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(say, say), { minLength: 3, maxLength: 12 }), async said => {
        const items = said.map((_, i) => itemOf(`i${i}`, [`x${i}`, `y${i}`]));
        // Both ask the same: is the first text better, the second, or neither.
        const value = (word: string) => (word === 'A' ? 1 : word === 'B' ? -1 : 0);
        const people = items.map((item, i) =>
          personSays('ann', item, text => (text.startsWith('x') ? value(said[i]![0]) : 0)),
        );
        const rule: Rule = (a, b) => {
          const word = said[Number(a.slice(1))]![1];
          return word === 'tie' ? 'tie' : (word === 'A') === a.startsWith('x') ? 'A' : b === '' ? '' : 'B';
        };
        const found = report(items, people, await judged(items, rule));
        const both = (which: 0 | 1) => [...said.map(one => value(one[which])), ...said.map(one => -value(one[which]))];
        const kappa = cohenKappa(both(1), both(0));
        assert.ok(
          Math.abs(found.shared.kappa.estimate - kappa) < 1e-12 ||
            (Number.isNaN(kappa) && Number.isNaN(found.shared.kappa.estimate)),
        );
        const same = said.filter(([person, judge]) => person === judge).length;
        assert.ok(Math.abs(found.shared.agreement.estimate - same / said.length) < 1e-12);
        assert.equal(found.flips.estimate, 0);
      }),
      { numRuns: 40 },
    );
  });

  it('is one a judge, whoever ran it, with the later judgement of an item', async () => {
    const items = itemsOf(25);
    const own = await judged(items, better);
    const others = own.map(judgement => ({
      ...judgement,
      id: `${judgement.id} b`,
      author: 'bob',
      at: new Date(9e12).toISOString(),
    }));
    const found = judgeReports(stateOf(items, own, others));
    assert.equal(found.length, 1);
    assert.deepEqual([found[0]!.items, found[0]!.authors], [25, ['bob']]);
  });
});
