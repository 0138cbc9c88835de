/** What a data view finds, against the same said plainly over whole records. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { annotatorOf } from '../../../../../src/core/preferences/annotators.ts';
import { DataDesk } from '../../../../../src/core/preferences/browse/dataDesk.ts';
import { type DataFilter, everything, type Outcome } from '../../../../../src/core/preferences/browse/dataFilter.ts';
import { dataDetail } from '../../../../../src/core/preferences/browse/dataRows.ts';
import { type DataSort, newestFirst } from '../../../../../src/core/preferences/browse/selection.ts';
import { comparisonsOf } from '../../../../../src/core/preferences/comparisons.ts';
import { JournalState } from '../../../../../src/core/preferences/journalState.ts';
import {
  type ItemRecord,
  type JournalRecord,
  JudgementKinds,
  type JudgementRecord,
} from '../../../../../src/core/preferences/judgement.ts';
import { pairsOf } from '../../../../../src/core/preferences/pairs.ts';
import { parseSplits, splitOf } from '../../../../../src/core/preferences/splits.ts';
import { judgedRecords } from '../../../../fakes/judgedRecords.ts';

const splits = parseSplits('train=0.5,test=0.5');
const some = <T>(...values: T[]) => fc.oneof({ weight: 3, arbitrary: fc.constant<T[]>([]) }, fc.subarray(values));

const filters: fc.Arbitrary<DataFilter> = fc.record({
  text: fc.constantFrom('', '', 'NUMBER 3', 'answer 2', 'too long', 'item1', 'nowhere'),
  sets: some('letters', 'sums'),
  models: some('pebble', 'granite'),
  splits: some('train', 'test'),
  annotators: some('ada', 'bob (gpt)'),
  who: fc.constantFrom('all', 'all', 'people', 'judges'),
  flags: some('wrong', 'unsafe'),
  kinds: some(...JudgementKinds),
  outcomes: some<Outcome>('decided', 'tie', 'all-bad', 'skipped', 'unjudged'),
  guidelines: some('aaaaaaaaaaaa'),
  from: fc.constantFrom(null, null, Date.UTC(2026, 0, 2, 0, 5)),
  to: fc.constantFrom(null, null, Date.UTC(2026, 0, 2, 0, 15)),
  disagreement: fc.boolean(),
  repeats: fc.constantFrom(false, false, true),
  items: fc.constantFrom(null, null, null, ['item0', 'item2']),
});

/** The judgements of an item that pass, or undefined where the item does not: the filter as its documentation says it. */
function plainly(state: JournalState, item: ItemRecord, filter: DataFilter): JudgementRecord[] | undefined {
  const allows = <T>(wanted: readonly T[], ...own: T[]) => wanted.length === 0 || own.some(one => wanted.includes(one));
  if (!allows(filter.sets, item.set) || !allows(filter.splits, splitOf(item.messages, splits).name)) return undefined;
  if (!allows(filter.models, ...item.answers.map(({ model }) => model))) return undefined;
  if (filter.items && !filter.items.includes(item.id)) return undefined;
  const all = state.judgements.filter(judgement => judgement.item === item.id);
  const passing = all.filter(judgement => {
    const compares = judgement.kind !== 'best-worst' && judgement.kind !== 'accept-reject';
    const tie = judgement.verdict === 'ranked' && compares && judgement.ranking.some(group => group.length > 1);
    const outcome = judgement.verdict !== 'ranked' ? judgement.verdict : tie ? 'tie' : 'decided';
    const time = Date.parse(judgement.at);
    return (
      allows(filter.annotators, annotatorOf(judgement)) &&
      (filter.who === 'all' || (judgement.judge !== undefined) === (filter.who === 'judges')) &&
      allows(filter.flags, ...judgement.flags) &&
      allows(filter.kinds, judgement.kind ?? 'ranking') &&
      allows(filter.outcomes, outcome) &&
      allows(filter.guidelines, judgement.guidelines ?? '') &&
      time >= (filter.from ?? 0) &&
      time < (filter.to ?? Number.POSITIVE_INFINITY) &&
      (!filter.repeats || judgement.repeatOf !== undefined)
    );
  });
  if (passing.length === 0) {
    const { text: _, sets: __, models: ___, splits: ____, items: _____, disagreement: ______, ...asked } = filter;
    const plain = JSON.stringify({ ...asked, outcomes: [] }) === JSON.stringify(askedOfNone);
    if (all.length > 0 || !plain || !allows(filter.outcomes, 'unjudged')) return undefined;
  }
  if (filter.disagreement && !disagreement(passing, item)) return undefined;
  const text = filter.text.toLowerCase();
  const texts = [
    ...item.messages.map(({ content }) => content),
    ...item.answers.map(answer => answer.text),
    ...passing.map(({ note }) => note ?? ''),
  ];
  return texts.some(own => own.toLowerCase().includes(text)) || item.id === text ? passing : undefined;
}
const { text: _, sets: __, models: ___, splits: ____, items: _____, disagreement: ______, ...askedOfNone } = everything;

function disagreement(judgements: readonly JudgementRecord[], item: ItemRecord): boolean {
  const all = [...comparisonsOf(judgements, { get: () => item })];
  return all.some(a => all.some(b => a.first === b.first && a.second === b.second && a.outcome !== b.outcome));
}

/** All of what a desk finds, with as many pauses as it offers. */
async function find(desk: DataDesk, records: readonly JournalRecord[], filter: DataFilter, sort: DataSort) {
  const state = JournalState.of(records);
  desk.show(filter, sort);
  await desk.find(
    () => state,
    () => Promise.resolve(),
    () => {},
  );
  return { state, rows: desk.rows(state, 0, 1000).rows };
}

const deskOf = (): DataDesk => {
  const desk = new DataDesk();
  desk.setSplits('train=0.5,test=0.5');
  return desk;
};

describe('dataDesk', () => {
  it('finds what the filter says, with its judgements and pairs', async () => {
    await fc.assert(
      fc.asyncProperty(judgedRecords, filters, async (records, filter) => {
        const desk = deskOf();
        const { state, rows } = await find(desk, records, filter, newestFirst);
        const expected = state.items.flatMap(item => {
          const judgements = plainly(state, item, filter);
          return judgements ? [{ item, judgements }] : [];
        });
        assert.deepEqual(rows.map(({ id }) => id).sort(), expected.map(({ item }) => item.id).sort());
        for (const row of rows) {
          const { judgements } = expected.find(({ item }) => item.id === row.id)!;
          assert.equal(row.judgements, judgements.length);
          assert.deepEqual(row.annotators.sort(), [...new Set(judgements.map(annotatorOf))].sort());
        }
        const { found } = desk.state();
        const passing = expected.flatMap(({ judgements }) => judgements);
        assert.equal(found.judgements, passing.length);
        assert.equal(found.pairs, passing.flatMap(one => pairsOf(one, state.itemById.get(one.item)!)).length);
      }),
      { numRuns: 400 },
    );
  });

  it('counts for its menus what the records say', () => {
    return fc.assert(
      fc.asyncProperty(judgedRecords, async records => {
        const desk = deskOf();
        const { state } = await find(desk, records, everything, newestFirst);
        const { facets } = desk.state();
        const { items, judgements } = state;
        assert.deepEqual([facets.items, facets.judgements], [items.length, judgements.length]);
        for (const { name, count } of facets.sets)
          assert.equal(count, items.filter(({ set }) => set === name).length, name);
        for (const { name, count } of facets.models)
          assert.equal(count, items.filter(({ answers }) => answers.some(({ model }) => model === name)).length, name);
        for (const { name, count, judge } of facets.annotators) {
          const own = judgements.filter(judgement => annotatorOf(judgement) === name);
          assert.equal(count, own.length, name);
          assert.ok(own.every(judgement => (judgement.judge !== undefined) === judge));
        }
        for (const { name, count } of facets.flags)
          assert.equal(count, judgements.filter(({ flags }) => flags.includes(name)).length, name);
        for (const { name, count } of facets.splits)
          assert.equal(count, items.filter(({ messages }) => splitOf(messages, splits).name === name).length, name);
        assert.equal(
          facets.outcomes.reduce((sum, { count }) => sum + count, 0),
          judgements.length + items.filter(({ id }) => !judgements.some(({ item }) => item === id)).length,
        );
        assert.equal(facets.repeats, judgements.filter(({ repeatOf }) => repeatOf !== undefined).length);
      }),
      { numRuns: 100 },
    );
  });

  it('shows items in order, and a longer text within what the shorter one found', async () => {
    await fc.assert(
      fc.asyncProperty(judgedRecords, fc.boolean(), async (records, descending) => {
        const desk = deskOf();
        const { rows } = await find(desk, records, everything, { by: 'time', descending });
        const times = rows.map(({ time }) => time);
        assert.deepEqual(
          times,
          [...times].sort((a, b) => (descending ? b - a : a - b)),
        );
        const { rows: counts } = await find(desk, records, everything, { by: 'judgements', descending: true });
        assert.deepEqual(
          counts.map(({ judgements }) => judgements),
          counts.map(({ judgements }) => judgements).sort((a, b) => b - a),
        );
        const state = JournalState.of(records);
        const ask = async (own: DataDesk, text: string) => {
          own.show({ ...everything, text }, newestFirst);
          await own.find(
            () => state,
            () => undefined,
            () => {},
          );
          return own.rows(state, 0, 1000).rows;
        };
        const typing = deskOf();
        for (const text of ['a', 'answer', 'answer 1', 'answer 1 of 2'])
          assert.deepEqual(await ask(typing, text), await ask(deskOf(), text));
      }),
      { numRuns: 100 },
    );
  });

  it('says whether those who judged an item agree, in its line and in its detail', async () => {
    await fc.assert(
      fc.asyncProperty(judgedRecords, async records => {
        const { state, rows } = await find(deskOf(), records, everything, newestFirst);
        for (const { id, agreed } of rows) {
          const detail = dataDetail(state, id, { author: 'ada', splits })!;
          const item = state.itemById.get(id)!;
          const own = state.judgements.filter(judgement => judgement.item === id);
          const several = own.filter(({ verdict }) => verdict !== 'skipped').length > 1;
          assert.equal(agreed, several ? !disagreement(own, item) : null);
          assert.equal(detail.agreed, agreed);
          assert.deepEqual(
            detail.judgements.map(judgement => judgement.own),
            own.map(({ author }) => author === 'ada'),
          );
          const pairs = detail.pairs.reduce((sum, { count }) => sum + count, 0);
          assert.equal(pairs, own.flatMap(one => pairsOf(one, state.itemById.get(one.item)!)).length);
          const shares = detail.answers.map(({ better, tied, worse }) =>
            better + tied + worse === 0 ? 0.5 : (better + tied / 2) / (better + tied + worse),
          );
          assert.deepEqual(
            shares,
            [...shares].sort((a, b) => b - a),
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  it('starts anew when the journal changes, and when something else is asked for', async () => {
    const records: JournalRecord[] = Array.from({ length: 9000 }, (_, i) => ({
      format: 1,
      type: 'item',
      id: `item${i}`,
      at: new Date(i).toISOString(),
      author: 'ada',
      set: 's',
      messages: [{ role: 'user', content: `Number ${i}` }],
      answers: ['a', 'b'].map(id => ({ id, text: id, model: 'm' })),
    }));
    let state = JournalState.of(records.slice(0, 8000));
    const desk = new DataDesk();
    let pauses = 0;
    await desk.find(
      () => state,
      async () => {
        if (++pauses === 1) state = JournalState.of(records);
      },
      () => {},
    );
    assert.equal(desk.state().found.items, 8000);
    assert.equal(desk.isCurrent(state), false);
    await desk.find(
      () => state,
      () => undefined,
      () => {},
    );
    assert.equal(desk.state().found.items, 9000);
    assert.ok(desk.isCurrent(state));

    let second: Promise<void> | undefined;
    desk.show({ ...everything, text: 'number' }, newestFirst);
    const first = desk.find(
      () => state,
      async () => {
        if (second) return;
        desk.show({ ...everything, text: 'number 8999' }, newestFirst);
        second = desk.find(
          () => state,
          () => Promise.resolve(),
          () => {},
        );
      },
      () => {},
    );
    await first;
    await second;
    assert.deepEqual([desk.state().found.items, desk.state().share], [1, 1]);
  });
});
