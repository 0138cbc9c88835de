/** What to ask next: what is open and unknown comes before what is settled, and nothing twice. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AnswerForms, candidateOf, Features } from '../../../../src/core/preferences/answerFeatures.ts';
import { comparisonsOf } from '../../../../src/core/preferences/comparisons.ts';
import { JournalState } from '../../../../src/core/preferences/journalState.ts';
import type { ItemRecord, JournalRecord, JudgementRecord } from '../../../../src/core/preferences/judgement.ts';
import { type NextMode, type NextOptions, nextItems } from '../../../../src/core/preferences/nextItems.ts';
import { type Observed, PreferencePosterior } from '../../../../src/core/preferences/preferencePosterior.ts';
import { shownAnswers } from '../../../../src/core/preferences/rankingSession.ts';
import { promptKey } from '../../../../src/core/preferences/splits.ts';

let clock = 0;
const stamp = () => new Date(Date.UTC(2026, 0, 1) + 1000 * clock++).toISOString();
const item = (id: string, prompt: string, models: readonly string[]): ItemRecord => ({
  format: 1,
  type: 'item',
  id,
  at: stamp(),
  author: 'ada',
  set: 's',
  messages: [{ role: 'user', content: prompt }],
  answers: models.map(model => ({ id: `${model}-${prompt}`, text: `answer of ${model} to ${prompt}`, model })),
});
const wins = (of: ItemRecord, author: string, best = 0): JudgementRecord => ({
  format: 1,
  type: 'judgement',
  id: `${of.id}-${author}`,
  at: stamp(),
  author,
  item: of.id,
  ranking: [[of.answers[best]!.id], [of.answers[1 - best]!.id]],
  shown: [],
  verdict: 'ranked',
  flags: [],
  milliseconds: 1,
});
const next = (records: readonly JournalRecord[], options: Partial<NextOptions> = {}) =>
  nextItems(JournalState.of(records), { author: 'ada', ...options });

/** What each item is worth after some were chosen, without any of the planner's short cuts. */
function plain(records: readonly JournalRecord[], mode: NextMode, chosen: readonly string[]): Map<string, number> {
  const state = JournalState.of(records);
  const forms = new AnswerForms();
  const features = new Features(state.items.map(one => candidateOf(one, forms)));
  const differences = (of: ItemRecord) => {
    const [a, b] = candidateOf(of, forms).answers;
    return features.difference(a!, b!);
  };
  const posterior = new PreferencePosterior(features.size);
  posterior.fit(
    [...comparisonsOf(state.judgements, state.itemById)].map(({ item: of, first, outcome }) => ({
      difference: differences(of),
      outcome: first.id === of.answers[0]!.id ? outcome : 1 - outcome,
    })),
  );
  const seen = new Map<string, number>();
  const see = (of: ItemRecord) => seen.set(promptKey(of.messages), (seen.get(promptKey(of.messages)) ?? 0) + 1);
  for (const judgement of state.judgements) see(state.itemById.get(judgement.item)!);
  for (const id of chosen) {
    const of = state.itemById.get(id)!;
    posterior.expect(differences(of));
    see(of);
  }
  return new Map(
    state.items.map(of => {
      const coverage = 1 / (1 + (seen.get(promptKey(of.messages)) ?? 0));
      const information = posterior.information(differences(of));
      const score = { coverage, uncertainty: information, mixed: information * (0.25 + coverage) }[mode as 'mixed'];
      return [of.id, score];
    }),
  );
}

describe('nextItems', () => {
  const settled = Array.from({ length: 40 }, (_, i) => item(`s${i}`, `settled ${i}`, ['good', 'poor']));
  const even = Array.from({ length: 40 }, (_, i) => item(`e${i}`, `even ${i}`, ['one', 'two']));
  const judged = [...settled.map(one => wins(one, 'bob')), ...even.map((one, i) => wins(one, 'bob', i % 2))];

  it('prefers models that it knows little of, then what is open, to what is settled', () => {
    const fresh = [
      item('known', 'p1', ['good', 'poor']),
      item('open', 'p2', ['one', 'two']),
      item('new', 'p3', ['new', 'newer']),
    ];
    const found = next([...settled, ...even, ...judged, ...fresh], { mode: 'uncertainty', count: 90 });
    const place = (id: string) => found.findIndex(one => one.item === id);
    assert.equal(place('new'), 0);
    assert.ok(place('open') < place('known'), `${place('open')} ${place('known')}`);
    assert.ok(found[0]!.score > found.at(-1)!.score);
  });

  it('covers prompts that nobody has judged first', () => {
    const found = next([...settled, ...judged.slice(0, 20), item('new', 'unseen', ['good', 'poor'])], {
      mode: 'coverage',
      count: 60,
    });
    const seen = found.map(({ reason }) => reason.kind);
    assert.equal(seen[0], 'new-prompt');
    assert.equal(seen.lastIndexOf('new-prompt'), seen.indexOf('few-judgements') - 1);
  });

  it('asks nothing twice: not what this author judged, nor another item with the same prompt and answers', () => {
    const [first] = settled;
    const again = { ...first!, id: 'copy', at: stamp() };
    const ids = next([first!, again, even[0]!, { ...even[0]!, id: 'copy2', at: stamp() }, wins(first!, 'ada')]).map(
      one => one.item,
    );
    assert.deepEqual(ids, ['e0']);
    assert.deepEqual(
      next([first!, wins(first!, 'bob')]).map(one => one.item),
      ['s0'],
      'others’ judgements do not answer for one',
    );
    assert.deepEqual(
      next([...settled], { mode: 'order', count: 3 }).map(one => one.item),
      ['s0', 's1', 's2'],
    );
    assert.deepEqual(next([]), []);
  });

  it('chooses as one does who weighs every item anew before each choice', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<NextMode>('mixed', 'uncertainty', 'coverage'),
        fc.array(fc.tuple(fc.nat(5), fc.nat(3), fc.nat(3), fc.nat(40)), { minLength: 3, maxLength: 12 }),
        fc.array(fc.tuple(fc.nat(11), fc.boolean()), { maxLength: 8 }),
        (mode, shapes, votes) => {
          const items = shapes.map(([prompt, a, b, words], i): ItemRecord => {
            const made = item(`i${i}`, `prompt ${prompt}`, [`m${a}`, `m${b}`]);
            for (const [j, answer] of made.answers.entries()) {
              answer.id = `${i}-${j}`;
              answer.text = 'word '.repeat(1 + words * j);
            }
            return made;
          });
          const said = votes.flatMap(([i, second]) =>
            items[i] ? [{ ...wins(items[i], `bob${i}`, Number(second)), id: `v${i}${second}` }] : [],
          );
          const all = next([...items, ...said], { mode, count: items.length });
          assert.equal(all.length, items.length);
          // What is chosen first changes what the others are worth, not the choice itself.
          for (let length = 1; length < items.length; length++)
            assert.deepEqual(next([...items, ...said], { mode, count: length }), all.slice(0, length));
          for (const [i, one] of all.entries()) {
            const rest = new Set(all.slice(i).map(({ item: id }) => id));
            const given = plain(
              [...items, ...said],
              mode,
              all.slice(0, i).map(({ item: id }) => id),
            );
            for (const id of rest)
              assert.ok(given.get(id)! <= one.score + 1e-12, `${mode}: ${id} is worth more than ${one.item}`);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('begins with what is on the screen, and chooses the others beside it', () => {
    const found = next([...settled, ...even, ...judged, item('new', 'p3', ['new', 'newer'])], {
      mode: 'uncertainty',
      first: 's7',
      count: 5,
    });
    assert.deepEqual([found[0]!.item, found[1]!.item], ['s7', 'new']);
  });

  it('shuffles for each person by itself, and the same way again', () => {
    const order = (author: string) => next(settled, { author, mode: 'random', count: 40 }).map(one => one.item);
    assert.deepEqual(order('ada'), order('ada'));
    assert.notDeepEqual(order('ada'), order('bob'));
    assert.deepEqual(order('ada').toSorted(), settled.map(({ id }) => id).toSorted());
    assert.deepEqual(
      next([...settled, wins(settled[3]!, 'ada')], { mode: 'random', count: 40 }).map(one => one.item),
      order('ada').filter(id => id !== 's3'),
      'what is judged leaves the rest in its order',
    );
  });

  it('weighs of several answers to a pair the two that will be shown', () => {
    const five = item('five', 'p', ['a', 'b', 'c', 'd', 'e']);
    const [found] = next([...settled, ...judged.slice(0, 40), five], {
      mode: 'uncertainty',
      first: 'five',
      kindOf: () => 'pairwise',
    });
    const shown = shownAnswers(five, 'ada', { kind: 'pairwise' }).map(({ model }) => model);
    const { reason } = found!;
    assert.ok(reason.kind === 'open' || reason.kind === 'unsure');
    assert.deepEqual(reason.models.toSorted(), shown.toSorted());
  });

  it('fits what it is told, with a variance that shrinks where it was asked', () => {
    const posterior = new PreferencePosterior(2, 1e-6);
    const x = Float64Array.of(1, 0);
    // 3 of 4 won: log-odds log 3.
    const observed: Observed[] = [1, 1, 1, 0].map(outcome => ({ difference: x, outcome }));
    posterior.fit(observed);
    assert.ok(Math.abs(posterior.margin(x) - Math.log(3)) < 1e-4);
    // 1 / (n p (1 − p)) = 1 / (4 · ¾ · ¼)
    assert.ok(Math.abs(posterior.variance(x) - 4 / 3) < 1e-3);
    const unasked = Float64Array.of(0, 1);
    assert.ok(posterior.information(unasked) > posterior.information(x));
    const before = posterior.information(x);
    posterior.expect(x);
    assert.ok(posterior.information(x) < before);
  });
});
