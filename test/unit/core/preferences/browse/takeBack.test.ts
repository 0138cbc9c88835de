/** What goes when findings are mended: the items that the fix names, with all that falls with them; of one's own, the older. */
import assert from 'node:assert/strict';
import { dataDetail, promptsOf } from '../../../../../src/core/preferences/browse/dataRows.ts';
import { idsOf, olderOwn, withItems } from '../../../../../src/core/preferences/browse/takeBack.ts';
import { Hygiene } from '../../../../../src/core/preferences/hygiene.ts';
import { JournalState } from '../../../../../src/core/preferences/journalState.ts';
import type { JournalRecord } from '../../../../../src/core/preferences/judgement.ts';

const base = { format: 1 as const, author: 'ada' };
const at = (n: number): string => new Date(Date.UTC(2026, 0, 1) + n).toISOString();
const item = (id: string, n: number, content = 'Which of the two kettles leaks?'): JournalRecord => ({
  ...base,
  type: 'item',
  id,
  at: at(n),
  set: 's',
  messages: [{ role: 'user', content }],
  answers: ['left', 'right'].map(text => ({ id: text, text, model: 'm' })),
});
const judgement = (id: string, n: number, of: string, order: string[], more: object = {}): JournalRecord => ({
  ...base,
  type: 'judgement',
  id,
  at: at(n),
  item: of,
  ranking: order.map(one => [one]),
  shown: ['left', 'right'],
  verdict: 'ranked',
  flags: [],
  milliseconds: 1,
  ...more,
});

const state = JournalState.of([
  item('a', 1),
  item('b', 2),
  judgement('old', 3, 'a', ['left', 'right']),
  judgement('new', 4, 'b', ['right', 'left']),
  judgement('again', 5, 'b', ['right', 'left'], { repeatOf: 'new' }),
  judgement('bob', 6, 'b', ['left', 'right'], { author: 'bob' }),
]);
const hygiene = new Hygiene();
for (const one of state.items) hygiene.addItem(one);
for (const one of state.judgements) hygiene.addJudgement({ item: state.itemById.get(one.item)!, judgement: one });
const { findings } = hygiene.finish();
const of = (kind: string) => findings.filter(finding => finding.kind === kind);

describe('takeBack', () => {
  it('takes down all but the first of duplicates, with every judgement of them', () => {
    const taken = withItems(state, of('duplicate-items'));
    assert.deepEqual(
      taken.items.map(({ id }) => id),
      ['b'],
    );
    assert.deepEqual(idsOf(taken).sort(), ['again', 'bob', 'new']);
  });

  it('of a contradiction takes back one’s own older judgement, and nobody else’s', () => {
    const found = of('contradictions');
    assert.equal(found.length, 1);
    assert.deepEqual(idsOf(olderOwn({ state, author: 'ada' }, found)), ['old']);
    assert.throws(() => olderOwn({ state, author: 'cyd' }, found), /None of these judgements is yours/);
    assert.throws(() => withItems(state, [{ kind: 'secrets', items: ['gone'], detail: '' }]), /taken down already/);
  });

  it('takes and shows an adjudication beside the judgements that it settled', () => {
    const settled = JournalState.of([
      item('a', 1),
      judgement('one', 2, 'a', ['left', 'right']),
      judgement('two', 3, 'a', ['right', 'left'], { author: 'bob' }),
      judgement('last', 4, 'a', ['right', 'left'], { adjudicates: ['one', 'two'] }),
    ]);
    assert.equal(settled.judgedRows.judgements.length, 2);
    const detail = dataDetail(settled, 'a', { author: 'ada', splits: [] })!;
    assert.deepEqual(
      detail.judgements.map(({ annotator, own }) => [annotator, own]),
      [
        ['ada', true],
        ['bob', false],
        ['ada (adjudication)', true],
      ],
    );
    assert.deepEqual(
      detail.answers.map(({ better, worse }) => [better, worse]),
      [
        [1, 1],
        [1, 1],
      ],
    );
    const taken = withItems(settled, [{ kind: 'secrets', items: ['a'], detail: '' }]);
    assert.deepEqual(idsOf(taken), ['one', 'two', 'last']);
  });

  it('names items by their prompts, without what must not be read', () => {
    const key = `sk-${'a1B2'.repeat(8)}`;
    const prompts = promptsOf(JournalState.of([item('a', 1, `Use ${key} for it`)]), ['a', 'gone']);
    assert.deepEqual(prompts, { a: 'Use [API key] for it' });
  });
});
