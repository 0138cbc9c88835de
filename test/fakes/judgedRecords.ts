/** Items and judgements of every kind, from a few names, so that they meet often. */
import fc from 'fast-check';
import {
  type ItemRecord,
  type JournalRecord,
  JudgementKinds,
  type JudgementRecord,
} from '../../src/core/preferences/judgement.ts';

const base = { format: 1 as const };
const models = ['pebble', 'granite', 'slate'];

const items = fc
  .array(
    fc.record({ set: fc.constantFrom('letters', 'sums'), answers: fc.integer({ min: 2, max: 4 }), word: fc.nat(9) }),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map(list =>
    list.map(
      ({ set, answers, word }, i): ItemRecord => ({
        ...base,
        type: 'item',
        author: 'ada',
        id: `item${i}`,
        at: new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString(),
        set,
        messages: [{ role: 'user', content: `Question Number ${word}, asked ${i} times` }],
        answers: Array.from({ length: answers }, (_, a) => ({
          id: `a${i}${a}`,
          text: `answer ${a} of ${i} ${'x'.repeat((a * 7 + i) % 5)}`,
          model: models[(a + word) % 3]!,
        })),
      }),
    ),
  );

/** All records, in the order in which they were written; a tenth of the judgements is taken back. */
export const judgedRecords: fc.Arbitrary<JournalRecord[]> = items.chain(all =>
  fc
    .array(
      fc.record({
        item: fc.constantFrom(...all),
        author: fc.constantFrom('ada', 'bob', 'cyd'),
        judge: fc.constantFrom(undefined, undefined, undefined, 'gpt'),
        kind: fc.constantFrom(undefined, ...JudgementKinds),
        verdict: fc.constantFrom('ranked', 'ranked', 'ranked', 'all-bad', 'skipped'),
        places: fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }),
        flags: fc.subarray(['wrong', 'unsafe']),
        note: fc.constantFrom(undefined, undefined, 'Too LONG for me'),
        guidelines: fc.constantFrom(undefined, 'aaaaaaaaaaaa', 'bbbbbbbbbbbb'),
        repeat: fc.boolean(),
        deleted: fc.constantFrom(false, false, false, false, true),
      }),
      { maxLength: 24 },
    )
    .map(rows => [
      ...all,
      ...rows.flatMap(({ item, places, repeat, deleted, verdict, note, judge, kind, guidelines, ...row }, i) => {
        const at = new Date(Date.UTC(2026, 0, 2, 0, i)).toISOString();
        const groups = [0, 1, 2].map(place => item.answers.filter((_, a) => places[a] === place).map(({ id }) => id));
        const judgement: JudgementRecord = {
          ...base,
          ...row,
          type: 'judgement',
          id: `judgement${i}`,
          at,
          item: item.id,
          ranking: verdict === 'ranked' ? groups.filter(group => group.length > 0) : [],
          shown: item.answers.map(({ id }) => id),
          verdict: verdict as JudgementRecord['verdict'],
          milliseconds: 1000,
          ...(judge && { judge }),
          ...(kind && { kind }),
          ...(note && { note }),
          ...(guidelines && { guidelines }),
          ...(repeat && { repeatOf: `judgement${i - 1}` }),
        };
        const taken: JournalRecord = {
          ...base,
          type: 'deletion',
          id: `deletion${i}`,
          at,
          author: row.author,
          deletes: judgement.id,
        };
        return deleted ? [judgement, taken] : [judgement];
      }),
    ]),
);
