import assert from 'node:assert/strict';
import { JournalState } from '../../../../src/core/preferences/journalState.ts';
import type { ItemRecord, JudgementRecord } from '../../../../src/core/preferences/judgement.ts';
import {
  chooseSet,
  medianPace,
  rankingOf,
  ranksOf,
  shownAnswers,
} from '../../../../src/core/preferences/rankingSession.ts';

const item = (id: string, set = 'replies', texts = ['a', 'b', 'c', 'd']): ItemRecord => ({
  format: 1,
  type: 'item',
  id,
  at: '2026-01-01T00:00:00Z',
  author: 'ada',
  set,
  messages: [{ role: 'user', content: id }],
  answers: texts.map(text => ({ id: text, text, model: 'local:pebble' })),
});

let clock = 0;
const judgement = (of: string, more: Partial<JudgementRecord> = {}): JudgementRecord => ({
  format: 1,
  type: 'judgement',
  id: `j-${of}`,
  at: new Date(Date.UTC(2026, 0, 2) + clock++ * 1000).toISOString(),
  author: 'ada',
  item: of,
  ranking: [['a'], ['b']],
  shown: ['a', 'b'],
  verdict: 'ranked',
  flags: [],
  milliseconds: 1000,
  ...more,
});

describe('ranking session', () => {
  it('shuffles each item by itself and the same way again', () => {
    const items = Array.from({ length: 200 }, (_, i) => item(`i${i}`));
    const orders = items.map(one => shownAnswers(one, 'ada').map(answer => answer.id));
    assert.deepEqual(
      items.map(one => shownAnswers(one, 'ada').map(answer => answer.id)),
      orders,
    );
    // Each answer stands first about as often as the others: 50 of 200, within four standard deviations.
    for (const id of ['a', 'b', 'c', 'd']) {
      const first = orders.filter(order => order[0] === id).length;
      assert.ok(Math.abs(first - 50) < 25, `${id} is first ${first} times`);
    }
    const others = items.map(one => shownAnswers(one, 'bob').map(answer => answer.id));
    assert.notDeepEqual(others, orders);
  });

  it('shows equal answers once and leaves out items that have nothing to compare', () => {
    assert.equal(shownAnswers(item('x', 's', ['a', 'b', 'a']), 'ada').length, 2);
    const state = JournalState.of([item('x', 's', ['a', 'a'])]);
    assert.deepEqual(state.progress('ada'), []);
    assert.equal(state.nextItem('ada', 's'), undefined);
  });

  it('goes through a set in order, past what this author has judged', () => {
    const items = [item('1'), item('2'), item('3')].map((one, i) => ({ ...one, at: `2026-01-01T00:00:0${i}Z` }));
    const next = (judgements: JudgementRecord[]) =>
      JournalState.of([...items, ...judgements]).nextItem('ada', 'replies');
    assert.equal(next([])?.id, '1');
    assert.equal(next([judgement('1')])?.id, '2');
    assert.equal(next([judgement('1', { author: 'bob' })])?.id, '1');
    assert.equal(next([judgement('1', { judge: 'rule' })])?.id, '1');
    assert.equal(next([judgement('1'), judgement('2'), judgement('3')]), undefined);
  });

  it('counts by set and opens where work is left', () => {
    const items = [item('1', 'old'), item('2', 'new'), item('3', 'done')].map((one, i) => ({
      ...one,
      at: `2026-01-01T00:00:0${i}Z`,
    }));
    const sets = JournalState.of([...items, judgement('3')]).progress('ada');
    assert.deepEqual(sets, [
      { name: 'old', judged: 0, total: 1, beyond: 0 },
      { name: 'new', judged: 0, total: 1, beyond: 0 },
      { name: 'done', judged: 1, total: 1, beyond: 0 },
    ]);
    assert.equal(chooseSet(sets, undefined), 'new');
    assert.equal(chooseSet(sets, 'done'), 'done');
    assert.equal(chooseSet(sets, 'gone'), 'new');
    assert.equal(chooseSet([], undefined), undefined);
  });

  it('undoes newest first, own judgements of the set only', () => {
    const items = [item('1'), item('2'), item('3'), item('4', 'other')];
    const judgements = [
      judgement('1'),
      judgement('2'),
      judgement('3', { judge: 'rule' }),
      judgement('4'),
      judgement('1', { id: 'bobs', author: 'bob' }),
    ];
    assert.deepEqual(
      [...JournalState.of([...items, ...judgements]).ownJudgements('ada', 'replies')].map(one => one.id),
      ['j-2', 'j-1'],
    );
  });

  it('takes the median of the last judgements without skips', () => {
    const times = (...all: number[]) => all.map(milliseconds => judgement('x', { milliseconds }));
    assert.equal(medianPace([]), undefined);
    assert.equal(medianPace(times(3, 1, 2)), 2);
    assert.equal(medianPace(times(4, 1, 2, 3)), 2.5);
    assert.equal(medianPace([...times(9), judgement('x', { milliseconds: 1, verdict: 'skipped' })]), 9);
    assert.equal(medianPace(times(5, 5, 1, 1, 1, 1, 1), 2), 5);
  });

  it('turns ranks into groups and back', () => {
    const shown = ['a', 'b', 'c', 'd'];
    assert.deepEqual(rankingOf(shown, [2, 1, 4, 2]), [['b'], ['a', 'd'], ['c']]);
    assert.deepEqual(ranksOf(shown, [['b'], ['a', 'd'], ['c']]), [2, 1, 4, 2]);
    assert.equal(rankingOf(shown, [2, 1, null, 2]), undefined);
    assert.equal(rankingOf(shown, [2, 1]), undefined);
    assert.deepEqual(ranksOf(shown, []), [null, null, null, null]);
  });
});
