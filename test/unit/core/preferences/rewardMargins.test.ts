/** Smallest margins first, whatever the order of answers; one's own share is scored first. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { JournalState } from '../../../../src/core/preferences/journalState.ts';
import type { ItemRecord } from '../../../../src/core/preferences/judgement.ts';
import { nextItems } from '../../../../src/core/preferences/nextItems.ts';
import { reasonText } from '../../../../src/core/preferences/nextWords.ts';
import { itemsToScore, type Rewards, smallestMargin } from '../../../../src/core/preferences/rewardMargins.ts';

const item = (id: string, texts: readonly string[]): ItemRecord => ({
  format: 1,
  type: 'item',
  id,
  at: new Date(Date.UTC(2026, 0, 1)).toISOString(),
  author: 'ada',
  set: 's',
  messages: [{ role: 'user', content: `question ${id}` }],
  answers: texts.map(text => ({ id: `${id}-${text}`, text: `${text} to ${id}`, model: 'm' })),
});

const toScore = (state: JournalState, most: number, sharingOf?: () => { overlap: number; annotators: string[] }) => {
  const work = itemsToScore(state, { author: 'ada', sharingOf }, most);
  for (;;) {
    const step = work.next();
    if (step.done) return step.value.map(({ id }) => id);
  }
};

describe('rewardMargins', () => {
  it('finds the closest two answers', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.double({ min: -9, max: 9, noNaN: true })), { maxLength: 6 }), given => {
        const answers = given.map((_, i) => ({ id: `a${i}` }));
        const rewards = new Map(given.flatMap((reward, i) => (reward === null ? [] : [[`a${i}`, reward] as const])));
        const all = [...rewards].flatMap(([a, x], i) =>
          [...rewards].slice(i + 1).map(([b, y]) => ({ margin: Math.abs(x - y), answers: [a, b].sort() })),
        );
        const found = smallestMargin(answers, rewards);
        if (all.length === 0) assert.equal(found, undefined);
        else {
          assert.equal(found!.margin, Math.min(...all.map(({ margin }) => margin)));
          const pair = all.find(one => one.answers.join() === [...found!.answers].sort().join());
          assert.equal(pair!.margin, found!.margin);
        }
      }),
    );
  });

  it('puts what the reward model is unsure of first, and what it has not read last, each with its reason', () => {
    const items = ['sure', 'unsure', 'unread', 'between'].map(id => item(id, ['yes', 'no']));
    const rewards: Rewards = new Map(
      Object.entries({ sure: 3.2, unsure: 0.12, between: 0.04 + 0.5 }).map(([id, margin]) => [
        id,
        new Map([
          [`${id}-yes`, 1],
          [`${id}-no`, 1 + margin],
        ]),
      ]),
    );
    const found = nextItems(JournalState.of(items), { author: 'ada', mode: 'margin', rewards });
    assert.deepEqual(
      found.map(one => one.item),
      ['unsure', 'between', 'sure', 'unread'],
    );
    const shown = ['unsure-no', 'unsure-yes'];
    assert.deepEqual(
      found.map(({ reason }) => reasonText(reason, shown)),
      [
        'The reward model is unsure: 0.1 apart',
        'The reward model is unsure: 0.5 apart',
        'The reward model puts them 3.2 apart',
        'The reward model has not read this one yet',
      ],
    );
    const first = nextItems(JournalState.of(items), { author: 'ada', mode: 'margin', rewards, first: 'sure' });
    assert.deepEqual(
      first.map(one => one.item),
      ['sure', 'unsure', 'between', 'unread'],
    );
  });

  it('of a pair weighs the two answers that will be shown alone, and names them where there are more', () => {
    const items = [item('x', ['a', 'b', 'c'])];
    const rewards: Rewards = new Map([
      [
        'x',
        new Map([
          ['x-a', 0],
          ['x-b', 0.02],
          ['x-c', 5],
        ]),
      ],
    ]);
    const state = JournalState.of(items);
    const [all] = nextItems(state, { author: 'ada', mode: 'margin', rewards });
    assert.equal(reasonText(all!.reason, ['x-b', 'x-c', 'x-a']), 'The reward model puts A and C 0.02 apart');
    const margins = ['ada', 'ben', 'cem', 'dan', 'eve', 'fay'].map(author => {
      const [one] = nextItems(state, { author, mode: 'margin', rewards, kindOf: () => 'pairwise' });
      return one!.reason.kind === 'margin' ? one!.reason.margin : Number.NaN;
    });
    // Whom the shuffle shows c, that person's margin is large.
    assert.ok(new Set(margins).size > 1, String(margins));
  });

  it('has one’s own share scored first, the same items each time', () => {
    const items = Array.from({ length: 40 }, (_, i) => item(`i${i}`, ['yes', 'no']));
    const state = JournalState.of(items);
    const some = toScore(state, 10);
    assert.equal(new Set(some).size, 10);
    assert.deepEqual(toScore(state, 20).slice(0, 10), some);
    const sharing = () => ({ overlap: 1, annotators: ['ada', 'ben'] });
    const own = [...state.openItems('ada', undefined, sharing)].filter(({ share }) => share === 'own').length;
    const shared = toScore(state, 40, sharing);
    const owned = new Set(
      [...state.openItems('ada', undefined, sharing)].filter(({ share }) => share === 'own').map(one => one.read()!.id),
    );
    assert.ok(shared.slice(0, own).every(id => owned.has(id)));
  });
});
