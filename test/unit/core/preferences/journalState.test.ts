/** The journal's state: the same from any order of records, and one by one as from all at once. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { JournalState } from '../../../../src/core/preferences/journalState.ts';
import type { JournalRecord } from '../../../../src/core/preferences/judgement.ts';

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

const look = (state: JournalState) => ({
  items: state.items.map(item => item.id),
  judgements: state.judgements.map(judgement => judgement.id),
  orphans: state.orphans.map(judgement => judgement.id),
});

describe('journalState', () => {
  it('does not depend on the order of records, nor on repeats', () => {
    fc.assert(
      fc.property(records, fc.infiniteStream(fc.nat()), (all, numbers) => {
        const shuffled = [...all, ...all.slice(0, 3)]
          .map(record => ({ record, order: numbers.next().value as number }))
          .sort((a, b) => a.order - b.order)
          .map(({ record }) => record);
        assert.deepEqual(look(new JournalState(shuffled)), look(new JournalState(all)));
      }),
    );
  });

  it('takes records one by one as it takes them at once', () => {
    fc.assert(
      fc.property(records, all => {
        let state = new JournalState([]);
        all.forEach((record, index) => {
          const seen = all.slice(0, index + 1);
          if (!state.add(record)) state = new JournalState(seen);
          assert.deepEqual(look(state), look(new JournalState(seen)));
        });
      }),
    );
  });
});
