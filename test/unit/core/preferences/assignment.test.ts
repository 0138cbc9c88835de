/** Sharing: everybody computes the same shares from any order of the same records, and they are even, whole and stable. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { assignedTo, type Sharing } from '../../../../src/core/preferences/assignment.ts';
import { JournalState } from '../../../../src/core/preferences/journalState.ts';
import type { ItemRecord, JournalRecord, JudgementRecord } from '../../../../src/core/preferences/judgement.ts';

const item = (id: string): ItemRecord => ({
  format: 1,
  type: 'item',
  id,
  at: '2026-01-01T00:00:00Z',
  author: 'ada',
  set: 's',
  messages: [{ role: 'user', content: id }],
  answers: ['a', 'b'].map(text => ({ id: text, text, model: 'm' })),
});
const judgement = (of: string, author: string, more: Partial<JudgementRecord> = {}): JudgementRecord => ({
  format: 1,
  type: 'judgement',
  id: `${of}-${author}-${more.judge ?? ''}`,
  at: '2026-01-02T00:00:00Z',
  author,
  item: of,
  ranking: [['a'], ['b']],
  shown: ['a', 'b'],
  verdict: 'ranked',
  flags: [],
  milliseconds: 1,
  ...more,
});
const open = (records: readonly JournalRecord[], author: string, sharing: Sharing) =>
  [...JournalState.of(records).openItems(author, 's', () => sharing)].map(one => [one.read()!.id, one.share] as const);
const own = (records: readonly JournalRecord[], author: string, sharing: Sharing) =>
  open(records, author, sharing).flatMap(([id, share]) => (share === 'own' ? [id] : []));

const names = ['Ada', 'Ben', 'Cem', 'Dora', 'Eve', 'Finn', 'Gül', 'Hao'];
const team = fc.record({
  annotators: fc.integer({ min: 1, max: 8 }).map(count => names.slice(0, count)),
  overlap: fc.integer({ min: 1, max: 4 }),
});
const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 40 });

describe('sharing items among people', () => {
  it('gives each item to exactly as many as are wanted, or to all there are', () => {
    fc.assert(
      fc.property(ids, team, (all, sharing) => {
        const records = all.map(item);
        const shares = new Map(sharing.annotators.map(name => [name, own(records, name, sharing)]));
        for (const id of all) {
          const holders = sharing.annotators.filter(name => shares.get(name)!.includes(id));
          assert.equal(holders.length, Math.min(sharing.overlap, sharing.annotators.length));
          assert.deepEqual(assignedTo(id, sharing).toSorted(), holders.toSorted());
        }
      }),
    );
  });

  it('makes shares even but for chance, and pairs of annotators as well', () => {
    const many = Array.from({ length: 4000 }, (_, i) => item(`item ${i}`));
    for (const [people, overlap] of [
      [4, 1],
      [4, 2],
      [8, 3],
      [5, 4],
    ] as const) {
      const sharing = { annotators: names.slice(0, people), overlap };
      const shares = sharing.annotators.map(name => new Set(own(many, name, sharing)));
      const p = overlap / people;
      // Five standard deviations of a binomial.
      const room = (share: number) => 5 * Math.sqrt(many.length * share * (1 - share));
      for (const share of shares)
        assert.ok(Math.abs(share.size - many.length * p) < room(p), `${people}/${overlap}: ${share.size}`);
      const together = p * ((overlap - 1) / (people - 1));
      for (const [i, a] of shares.entries())
        for (const b of shares.slice(i + 1)) {
          const both = [...a].filter(id => b.has(id)).length;
          assert.ok(Math.abs(both - many.length * together) <= room(together), `${people}/${overlap}: both ${both}`);
        }
    }
  });

  it('changes only what a newcomer takes when somebody joins, each item from one other at most', () => {
    fc.assert(
      fc.property(ids, team, (all, { annotators, overlap }) => {
        for (const id of all) {
          const before = assignedTo(id, { annotators, overlap });
          const after = assignedTo(id, { annotators: [...annotators, 'Newcomer'], overlap });
          const lost = before.filter(name => !after.includes(name));
          assert.deepEqual(
            after.filter(name => !before.includes(name)),
            after.includes('Newcomer') ? ['Newcomer'] : [],
          );
          assert.equal(lost.length, after.includes('Newcomer') && before.length === overlap ? 1 : 0);
        }
      }),
    );
  });

  it('does not hang on how names are written or ordered', () => {
    fc.assert(
      fc.property(ids, team, fc.infiniteStream(fc.nat()), (all, sharing, numbers) => {
        const shuffled = sharing.annotators
          .map(name => ({ name: ` ${name.normalize('NFD').toUpperCase()} `, order: numbers.next().value as number }))
          .sort((a, b) => a.order - b.order)
          .map(({ name }) => name);
        const records = all.map(item);
        for (const name of sharing.annotators)
          assert.deepEqual(
            own(records, name, sharing),
            own(records, name.toLowerCase(), { ...sharing, annotators: shuffled }),
          );
      }),
    );
  });

  it('offers one’s own share, what others left, and nothing that enough people judged; from any order of records', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 15 }),
        team,
        fc.array(
          fc.record({
            item: fc.nat(14),
            author: fc.constantFrom(...names, 'Visitor'),
            judge: fc.constantFrom(undefined, undefined, undefined, 'model'),
            verdict: fc.constantFrom('ranked' as const, 'ranked' as const, 'all-bad' as const, 'skipped' as const),
            undone: fc.nat(4).map(n => n === 0),
          }),
          { maxLength: 40 },
        ),
        fc.infiniteStream(fc.nat()),
        (count, sharing, votes, numbers) => {
          const items = Array.from({ length: count }, (_, i) => item(`i${i}`));
          const said = votes.flatMap(({ item: i, author, judge, verdict, undone }, n) => {
            if (i >= count) return [];
            const made = judgement(`i${i}`, author, { judge, verdict, id: `v${n}`, at: at(n) });
            return undone
              ? [
                  made,
                  { format: 1 as const, type: 'deletion' as const, id: `d${n}`, at: at(n), author, deletes: `v${n}` },
                ]
              : [made];
          });
          const records: JournalRecord[] = [...items, ...said];
          const merged = records
            .map(record => ({ record, order: numbers.next().value as number }))
            .sort((a, b) => a.order - b.order)
            .map(({ record }) => record);
          const standing = JournalState.of(records).judgements.filter(({ judge }) => judge === undefined);
          for (const author of [...sharing.annotators, 'Visitor']) {
            const expected = items.flatMap(({ id }) => {
              const of = standing.filter(one => one.item === id);
              if (of.some(one => one.author === author)) return [];
              if (of.filter(({ verdict }) => verdict !== 'skipped').length >= sharing.overlap) return [];
              return [[id, assignedTo(id, sharing).includes(author) ? 'own' : 'beyond'] as const];
            });
            const sorted = (list: (readonly [string, string])[]) => list.toSorted(([a], [b]) => (a < b ? -1 : 1));
            assert.deepEqual(sorted(open(merged, author, sharing)), sorted(expected));
            const progress = JournalState.of(merged).progress(author, () => sharing)[0]!;
            const mine = expected.filter(([, share]) => share === 'own').length;
            const judged = items.filter(({ id }) =>
              standing.some(one => one.item === id && one.author === author),
            ).length;
            assert.deepEqual(progress, {
              name: 's',
              judged,
              beyond: expected.length - mine,
              total: judged + (mine || expected.length),
            });
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('counts people as records come one by one, as it does at once', () => {
    const sharing = { overlap: 2, annotators: [] };
    const items = [item('x'), item('y')];
    const votes = [
      judgement('x', 'Ada'),
      judgement('x', 'Ben', { verdict: 'skipped' }),
      judgement('x', 'Cem', { judge: 'model' }),
    ];
    assert.deepEqual(open([...items, ...votes], 'Dora', sharing), [
      ['x', 'own'],
      ['y', 'own'],
    ]);
    const done = judgement('x', 'Eve');
    assert.deepEqual(open([...items, ...votes, done], 'Dora', sharing), [['y', 'own']]);
    const undone: JournalRecord = { format: 1, type: 'deletion', id: 'd', at: at(1), author: 'Eve', deletes: done.id };
    assert.equal(open([...items, ...votes, done, undone], 'Dora', sharing).length, 2);
  });
});

const at = (n: number): string => new Date(Date.UTC(2026, 0, 2) + n * 1000).toISOString();
