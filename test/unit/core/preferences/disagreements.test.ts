/** Disagreements: what counts as one, how severe it is, and what an adjudication does to what is derived. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as v from 'valibot';
import { annotatorOf } from '../../../../src/core/preferences/annotators.ts';
import { Disagreements, disagreementOf } from '../../../../src/core/preferences/disagreements.ts';
import { JournalState } from '../../../../src/core/preferences/journalState.ts';
import { trainingPairs } from '../../../../src/core/preferences/judgeChoice.ts';
import {
  type ItemRecord,
  type JournalRecord,
  JournalRecordSchema,
  type JudgementRecord,
} from '../../../../src/core/preferences/judgement.ts';
import { RecordTable } from '../../../../src/core/preferences/recordTable.ts';

const at = (n: number): string => new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
const item = (id: string, n = 0): ItemRecord => ({
  format: 1,
  type: 'item',
  id,
  at: at(n),
  author: 'ada',
  set: 's',
  messages: [{ role: 'user', content: id }],
  answers: ['a', 'b', 'c'].map(text => ({ id: text, text, model: 'm' })),
});
let clock = 100;
/** `a>b=c` by its author. */
const said = (of: string, author: string, ranking: string, more: Partial<JudgementRecord> = {}): JudgementRecord => ({
  format: 1,
  type: 'judgement',
  id: `${of}-${author}-${clock}`,
  at: at(clock++),
  author,
  item: of,
  ranking: ranking === '' ? [] : ranking.split('>').map(group => group.split('=')),
  shown: ['a', 'b', 'c'],
  verdict: 'ranked',
  flags: [],
  milliseconds: 1,
  ...more,
});
const pairs = (state: JournalState): string[] => trainingPairs(state).map(one => `${one.chosen}>${one.rejected}`);

describe('disagreements', () => {
  const check = (name: string, severity: number | undefined, ...judgements: JudgementRecord[]) =>
    it(`${severity === undefined ? 'sees none in' : 'weighs'} ${name}`, () => {
      const found = disagreementOf(item('x'), judgements)?.severity;
      if (severity === undefined) assert.equal(found, undefined);
      else assert.ok(Math.abs(found! - severity) < 1e-12, String(found));
    });
  check('opposite rankings', 1, said('x', 'ada', 'a>b>c'), said('x', 'ben', 'c>b>a'));
  check('one pair the other way round of three', 1 / 3, said('x', 'ada', 'a>b>c'), said('x', 'ben', 'b>a>c'));
  // Ada and Cem agree wholly; of Ben and each of them, one pair of three is turned: 2 of 9.
  check('a third who agrees', 2 / 9, said('x', 'ada', 'a>b>c'), said('x', 'ben', 'b>a>c'), said('x', 'cem', 'a>b>c'));
  check('a tie against a decision', undefined, said('x', 'ada', 'a>b>c'), said('x', 'ben', 'a=b>c'));
  check('a tie beside two opposites', (1 + 1 + 0.5) / 3, said('x', 'ada', 'a>b>c'), said('x', 'ben', 'b=c>a', {}));
  check('all bad against a ranking', undefined, said('x', 'ada', 'a>b'), said('x', 'ben', '', { verdict: 'all-bad' }));
  check('pairs that share one answer', undefined, said('x', 'ada', 'a>b'), said('x', 'ben', 'c>a'));
  const decided = (author: string, accepted: string[]) =>
    said('x', author, '', {
      kind: 'accept-reject',
      ranking: [accepted, ['a', 'b', 'c'].filter(id => !accepted.includes(id))].filter(group => group.length > 0),
      accepted,
    });
  check('all accepted against all rejected', 1, decided('ada', ['a', 'b', 'c']), decided('ben', []));
  check('the same accepted', undefined, decided('ada', ['a']), decided('ben', ['a']));

  it('lists the most severe first, of people alone, and settled ones last', () => {
    const records = [
      item('mild', 1),
      item('severe', 2),
      item('judged by a model', 3),
      item('skipped', 4),
      said('mild', 'ada', 'a>b>c'),
      said('mild', 'ben', 'b>a>c'),
      said('severe', 'ada', 'a>b>c'),
      said('severe', 'ben', 'c>b>a'),
      said('judged by a model', 'ada', 'a>b>c'),
      said('judged by a model', 'ben', 'c>b>a', { judge: 'model' }),
      said('skipped', 'ada', 'a>b>c'),
      said('skipped', 'ben', '', { verdict: 'skipped' }),
    ];
    const list = new Disagreements();
    const ids = (all: readonly JournalRecord[]) =>
      list.list(JournalState.of(all)).map(one => `${one.item}${one.settledBy ? ' settled' : ''}`);
    assert.deepEqual(ids(records), ['severe', 'mild']);
    const of = records.filter(one => one.type === 'judgement' && one.item === 'severe').map(({ id }) => id);
    const settled = said('severe', 'ada', 'c>a>b', { adjudicates: of });
    assert.deepEqual(ids([...records, settled]), ['mild', 'severe settled']);
    const undone: JournalRecord = {
      format: 1,
      type: 'deletion',
      id: 'd',
      at: at(999),
      author: 'ada',
      deletes: settled.id,
    };
    assert.deepEqual(ids([...records, settled, undone]), ['severe', 'mild']);
    // Somebody who judges it afterwards was not heard.
    assert.deepEqual(ids([...records, settled, said('severe', 'cem', 'b>a>c')]), ['severe', 'mild']);
    assert.deepEqual(new Disagreements().list(JournalState.of(records), 'other set'), []);
  });
});

describe('an adjudication', () => {
  const judgements = [said('x', 'ada', 'a>b>c'), said('x', 'ben', 'c>b>a')];
  const others = [item('y', 1), said('y', 'ada', 'a>b')];
  const settled = said('x', 'ada', 'b>a', { adjudicates: judgements.map(({ id }) => id) });
  const records = [item('x'), ...judgements, ...others, settled];

  it('keeps what everybody said, its author as well, and is alone in what is derived', () => {
    const state = JournalState.of(records);
    assert.deepEqual(
      state.judgements.map(({ id }) => id),
      [...judgements, others[1]!].map(({ id }) => id),
    );
    assert.equal(state.judgement({ item: 'x', author: 'ada' })?.id, judgements[0]!.id);
    assert.equal(state.adjudication('x')?.id, settled.id);
    assert.deepEqual([...state.repeats], []);
    assert.deepEqual(pairs(state), ['a>b', 'b>a']);
    assert.deepEqual(pairs(JournalState.of(records.slice(0, -1))), ['a>b', 'a>c', 'b>c', 'c>b', 'c>a', 'b>a', 'a>b']);
    assert.equal(annotatorOf(settled), 'ada (adjudication)');
    assert.deepEqual(state.judges, []);
    assert.deepEqual(
      [...state.ownJudgements('ada', 's')].map(({ id }) => id),
      [others[1]!.id, judgements[0]!.id],
    );
    assert.deepEqual(
      [...state.ownJudgements('ada', 's', 'adjudicator')].map(({ id }) => id),
      [settled.id],
    );
  });

  it('gives way to a later one, of whomever, and comes back when that is undone', () => {
    const later = said('x', 'cem', 'c>a', { adjudicates: settled.adjudicates });
    const undone: JournalRecord = {
      format: 1,
      type: 'deletion',
      id: 'd',
      at: at(999),
      author: 'cem',
      deletes: later.id,
    };
    assert.deepEqual(pairs(JournalState.of([...records, later])), ['a>b', 'c>a']);
    assert.deepEqual(pairs(JournalState.of([...records, later, undone])), ['a>b', 'b>a']);
  });

  it('is the same from any order of records, and one by one as at once', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            author: fc.constantFrom('ada', 'ben', 'cem'),
            ranking: fc.constantFrom('a>b>c', 'c>b>a', 'b>a=c'),
            settles: fc.boolean(),
            undoes: fc.option(fc.nat(9), { nil: undefined }),
          }),
          { maxLength: 10 },
        ),
        fc.infiniteStream(fc.nat()),
        (rows, numbers) => {
          const all: JournalRecord[] = [item('x')];
          for (const [i, { author, ranking, settles, undoes }] of rows.entries()) {
            const ids = all.flatMap(one => (one.type === 'judgement' && !one.adjudicates ? [one.id] : []));
            all.push(
              undoes !== undefined && undoes < i
                ? { format: 1, type: 'deletion', id: `d${i}`, at: at(i + 1), author, deletes: `j${undoes}` }
                : said('x', author, ranking, { id: `j${i}`, at: at(i + 1), ...(settles && { adjudicates: ids }) }),
            );
          }
          const shuffled = all
            .map(record => ({ record, order: numbers.next().value as number }))
            .sort((a, b) => a.order - b.order)
            .map(({ record }) => record);
          const look = (state: JournalState) => ({
            pairs: pairs(state),
            judgements: state.judgements.map(({ id }) => id),
            settled: state.adjudication('x')?.id,
            open: new Disagreements().list(state).map(({ severity, settledBy }) => [severity, settledBy?.id]),
          });
          const whole = look(JournalState.of(all));
          assert.deepEqual(look(JournalState.of(shuffled)), whole);
          const table = new RecordTable();
          const make = () => JournalState.over(table, row => shuffled[row]);
          let state = make();
          for (const record of shuffled) {
            table.add(record, { file: 0, offset: 0, length: 0 });
            if (!state.catchUp()) state = make();
          }
          assert.deepEqual(look(state), whole);
          const standing = rows.flatMap(({ settles, undoes }, i) =>
            settles &&
            !(undoes !== undefined && undoes < i) &&
            !all.some(one => one.type === 'deletion' && one.deletes === `j${i}`)
              ? [`j${i}`]
              : [],
          );
          assert.equal(whole.settled, standing.at(-1));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is a judgement to readers that do not know it', () => {
    const { adjudicates: _, ...known } = settled;
    assert.ok(v.is(JournalRecordSchema, known));
    assert.ok(v.is(JournalRecordSchema, settled));
    // They take it for its author's later judgement; the other person's stands.
    const state = JournalState.of([item('x'), ...judgements, known as JudgementRecord]);
    assert.deepEqual(
      state.judgements.map(({ id }) => id),
      [judgements[1]!.id, settled.id],
    );
  });
});
