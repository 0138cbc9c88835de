import assert from 'node:assert/strict';
import { labelledFromPairs } from '../../../../src/core/preferences/labelled.ts';
import { parseTrlLabelled } from '../../../../src/core/preferences/trlImport.ts';

const messages = [{ role: 'user' as const, content: 'Q?' }];

describe('labelled answers', () => {
  it('from a ranking: what won is good, what lost is bad, the middle is left out', () => {
    const pair = (chosen: string, rejected: string) => ({ messages, chosen, rejected });
    const { rows, undecided } = labelledFromPairs([pair('a', 'b'), pair('a', 'c'), pair('b', 'c')]);
    assert.deepEqual(
      rows.map(({ completion, label }) => [completion, label]),
      [
        ['a', true],
        ['c', false],
      ],
    );
    assert.equal(undecided, 1);
  });

  it('from TRL’s unpaired format, texts and messages', () => {
    const rows = parseTrlLabelled(
      [
        JSON.stringify({ prompt: 'Q?', completion: 'A', label: true }),
        JSON.stringify({ prompt: messages, completion: [{ role: 'assistant', content: 'B' }], label: false }),
      ].join('\n'),
      'f.jsonl',
    );
    assert.deepEqual(rows, [
      { messages, completion: 'A', label: true },
      { messages, completion: 'B', label: false },
    ]);
  });

  for (const [row, message] of [
    [{ prompt: 'Q?', completion: 'A', label: 'yes' }, /f\.jsonl:1.*“label” of this row must be true or false/],
    [{ prompt: 'Q?', label: true }, /no “completion”/],
    [{ completion: 'A', label: true }, /“prompt”/],
    [{ prompt: 'Q?', chosen: 'A', rejected: 'B' }, /no “completion”/],
  ] as const) {
    it(`refuse ${JSON.stringify(row)}`, () => {
      assert.throws(
        () => parseTrlLabelled(JSON.stringify(row), 'f.jsonl'),
        (error: Error & { describe?(): string }) => message.test(error.describe?.() ?? error.message),
      );
    });
  }
});
