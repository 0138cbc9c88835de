/** The figures of the charts: those that the command line prints, and counts that add up. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { agreement, annotatorFigures, annotatorOf } from '../../../../../src/core/preferences/annotators.ts';
import { everything } from '../../../../../src/core/preferences/browse/dataFilter.ts';
import { type Figures, figures } from '../../../../../src/core/preferences/browse/figures.ts';
import { comparisonsOf } from '../../../../../src/core/preferences/comparisons.ts';
import { JournalState } from '../../../../../src/core/preferences/journalState.ts';
import type { JournalRecord } from '../../../../../src/core/preferences/judgement.ts';
import { leaderboard } from '../../../../../src/core/preferences/leaderboard.ts';
import { pairsOf } from '../../../../../src/core/preferences/pairs.ts';
import { judgedRecords } from '../../../../fakes/judgedRecords.ts';

const options = { repeats: 20, seed: 0, splits: [] };
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function check(records: readonly JournalRecord[], made: Figures, state = JournalState.of(records)): void {
  const { judgements, itemById, repeats } = state;
  const comparisons = () => comparisonsOf(judgements, itemById);
  assert.equal(made.judgements, judgements.length);
  assert.deepEqual(made.agreement, agreement(comparisons(), options));
  assert.deepEqual(made.annotators, annotatorFigures(judgements, repeats, itemById, options));
  assert.deepEqual(made.board, leaderboard(comparisons(), options));
  assert.deepEqual(made.boardOfEqualLength, leaderboard(comparisons(), { ...options, controlLength: true }));
}

describe('figures', () => {
  it('are those of the command line, and their counts add up', () => {
    fc.assert(
      fc.property(judgedRecords, records => {
        const state = JournalState.of(records);
        const made = figures(state, { ...options, filter: everything });
        check(records, made);
        assert.equal(sum(made.timeline.series.map(({ counts }) => sum(counts))), state.judgements.length);
        for (const { annotator, counts } of made.timeline.series)
          assert.equal(sum(counts), state.judgements.filter(one => annotatorOf(one) === annotator).length);
        const pairs = state.judgements.flatMap(one => pairsOf(one, state.itemById.get(one.item)!));
        assert.deepEqual([sum(made.lengths.chosen), sum(made.lengths.rejected)], [pairs.length, pairs.length]);
        const { annotators, cells } = made.between;
        annotators.forEach((a, i) => {
          annotators.forEach((b, j) => {
            const [cell, turned] = [cells[i]![j]!, cells[j]![i]!];
            assert.deepEqual(cell && [cell.units, cell.raw], turned && [turned.units, turned.raw], `${a} ${b}`);
          });
        });
        if (annotators.length === 2 && cells[0]![1]) {
          assert.equal(cells[0]![1].units, made.agreement.units);
          assert.equal(cells[0]![1].raw, made.agreement.raw);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('are of what passes the filter alone', () => {
    fc.assert(
      fc.property(judgedRecords, records => {
        const people = records.filter(record => record.type !== 'judgement' || record.judge === undefined);
        const made = figures(JournalState.of(records), { ...options, filter: { ...everything, who: 'people' } });
        check(people, made);
      }),
      { numRuns: 40 },
    );
  });

  it('draw whole items where there are too many judgements, the same ones each time', () => {
    const records: JournalRecord[] = [];
    for (let i = 0; i < 2000; i++) {
      const at = new Date(Date.UTC(2026, 0, 1, i)).toISOString();
      const answers = ['x', 'y'].map(id => ({ id, text: id.repeat(1 + (i % 7)), model: id }));
      const base = { format: 1 as const, at };
      records.push({ ...base, type: 'item', author: 'ada', id: `i${i}`, set: 's', messages: [], answers });
      for (const author of ['ada', 'bob'])
        records.push({
          ...base,
          type: 'judgement',
          id: `${author}${i}`,
          author,
          item: `i${i}`,
          ranking: [['x'], ['y']],
          shown: ['x', 'y'],
          verdict: 'ranked',
          flags: [],
          milliseconds: 1,
        });
    }
    const made = figures(JournalState.of(records), { ...options, filter: everything, most: 1000 });
    assert.equal(made.judgements, 4000);
    assert.ok(made.used > 800 && made.used < 1200 && made.used % 2 === 0, `${made.used}`);
    assert.equal(made.agreement.units, made.used / 2);
    assert.equal(sum(made.timeline.series.map(({ counts }) => sum(counts))), 4000);
    assert.deepEqual(figures(JournalState.of(records), { ...options, filter: everything, most: 1000 }), made);
  });
});
