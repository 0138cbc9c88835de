/** The journal's state: the same from any order of records, and one by one as from all at once. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { JournalState } from '../../../../src/core/preferences/journalState.ts';
import type { JournalRecord } from '../../../../src/core/preferences/judgement.ts';
import { RecordTable } from '../../../../src/core/preferences/recordTable.ts';
import { PlainJournalState } from '../../../fakes/plainJournalState.ts';

const ids = ['a', 'b', 'c'];
const base = { format: 1 as const, author: 'ada' };
const answers = ['x', 'y'].map(id => ({ id, text: id, model: 'm' }));
const two = (value: number) => String(value).padStart(2, '0');

/** Records whose times rise with their place, as one process writes them; ids and references meet often. */
const records = fc
  .array(
    fc.record({
      type: fc.constantFrom('item', 'judgement', 'judgement', 'deletion'),
      item: fc.constantFrom(...ids),
      author: fc.constantFrom('ada', 'bob'),
      target: fc.nat(11),
    }),
    { maxLength: 12 },
  )
  .map(rows =>
    rows.map(({ type, item, author, target }, index): JournalRecord => {
      const at = `2026-01-01T00:00:${two(index)}Z`;
      if (type === 'item') return { ...base, at, type, id: item, set: 's', messages: [], answers };
      if (type === 'deletion') {
        return { ...base, at, type, id: `d${index}`, deletes: target < 3 ? ids[target]! : `j${target}` };
      }
      return {
        ...base,
        at,
        author,
        type: 'judgement',
        id: `j${index}`,
        item,
        ranking: [],
        shown: [],
        verdict: 'skipped',
        flags: [],
        milliseconds: 0,
        replaces: target % 3 === 0 ? `j${target}` : undefined,
      };
    }),
  );

const look = (state: JournalState | PlainJournalState) => ({
  items: state.items.map(item => item.id),
  judgements: state.judgements.map(judgement => judgement.id),
  orphans: state.orphans.map(judgement => judgement.id),
  repeats: state.repeats.map(pair => pair.map(judgement => judgement.id).join()).sort(),
});

describe('journalState', () => {
  it('says what the plain state says, in any order of records and with some of them twice', () => {
    fc.assert(
      fc.property(records, fc.infiniteStream(fc.nat()), (all, numbers) => {
        const shuffled = [...all, ...all.slice(0, 3)]
          .map(record => ({ record, order: numbers.next().value as number }))
          .sort((a, b) => a.order - b.order)
          .map(({ record }) => record);
        assert.deepEqual(look(JournalState.of(shuffled)), look(new PlainJournalState(all)));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes records one by one, in any order, as it takes them at once', () => {
    fc.assert(
      fc.property(records, fc.infiniteStream(fc.nat()), fc.boolean(), (inOrder, numbers, shuffled) => {
        const all = inOrder
          .map((record, index) => ({ record, order: shuffled ? (numbers.next().value as number) : index }))
          .sort((a, b) => a.order - b.order)
          .map(({ record }) => record);
        const table = new RecordTable();
        const make = () => JournalState.over(table, row => all[row]);
        let state = make();
        all.forEach((record, index) => {
          table.add(record, { file: 0, offset: 0, length: 0 });
          if (!state.catchUp()) state = make();
          const plain = new PlainJournalState(all.slice(0, index + 1));
          assert.deepEqual(look(state), look(plain));
          assert.equal(state.judgementCount, plain.judgements.length);
          for (const item of plain.items) {
            const judged = plain.judgements.find(one => one.item === item.id && one.author === 'ada');
            assert.equal(state.judgement({ item: item.id, author: 'ada' })?.id, judged?.id);
          }
        });
      }),
      { numRuns: 1000 },
    );
  });

  it('goes on from a snapshot, many records at a time, as if it had seen all of them at once', () => {
    fc.assert(
      fc.property(records, fc.infiniteStream(fc.nat()), fc.nat(12), fc.nat(12), (inOrder, numbers, one, other) => {
        const all = inOrder
          .map(record => ({ record, order: numbers.next().value as number }))
          .sort((a, b) => a.order - b.order)
          .map(({ record }) => record);
        const [first, second] = [Math.min(one, other), Math.max(one, other)];
        const table = new RecordTable();
        const add = (some: readonly JournalRecord[]) => {
          for (const record of some) table.add(record, { file: 0, offset: 0, length: 0 });
        };
        const read = (row: number) => all[row];
        add(all.slice(0, first));
        const begun = JournalState.over(table, read);
        const early = begun.snapshot();
        add(all.slice(first, second));
        let later = JournalState.from(early, table, read) ?? JournalState.over(table, read);
        assert.deepEqual(look(later), look(JournalState.of(all.slice(0, second))));
        add(all.slice(second));
        const snapshot = later.snapshot();
        if (!later.catchUp()) later = JournalState.over(table, read);
        const whole = new PlainJournalState(all);
        assert.deepEqual(look(later), look(whole));
        const again = JournalState.from(snapshot, table, read) ?? JournalState.over(table, read);
        assert.deepEqual(look(again), look(whole));
        assert.equal(again.judgementCount, later.judgementCount);
      }),
      { numRuns: 2000 },
    );
  });

  it('knows progress, the next item and own judgements as a walk over all records does', () => {
    fc.assert(
      fc.property(records, all => {
        const state = JournalState.of(all);
        const { items, judgements } = state;
        const judged = (item: string) => judgements.some(one => one.item === item && one.author === 'ada');
        assert.deepEqual(
          state.progress('ada'),
          items.length === 0
            ? []
            : [{ name: 's', judged: items.filter(({ id }) => judged(id)).length, total: items.length, beyond: 0 }],
        );
        assert.equal(state.nextItem('ada', 's')?.id, items.find(({ id }) => !judged(id))?.id);
        for (const { id } of items) assert.equal(state.isOpen(id, 'ada'), !judged(id));
        assert.deepEqual(
          [...state.openItems('ada')].map(held => held.read()?.id),
          items.map(({ id }) => id).filter(id => !judged(id)),
        );
        assert.deepEqual(
          [...state.ownJudgements('ada', 's')].map(({ id }) => id),
          judgements
            .filter(({ author }) => author === 'ada')
            .map(({ id }) => id)
            .reverse(),
        );
      }),
    );
  });
});
