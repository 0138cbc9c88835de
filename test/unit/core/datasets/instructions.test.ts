import assert from 'node:assert/strict';
import type { HumanError } from '../../../../src/base/errors.ts';
import { parseInstructions } from '../../../../src/core/datasets/instructions.ts';

const user = (content: string) => ({ role: 'user' as const, content });

describe('instruction data', () => {
  it('is read from every layout, side by side', () => {
    const rows = [
      { prompt: 'Hi', completion: 'Ho' },
      {
        prompt: [{ role: 'system', content: 'Be short.' }, user('Hi')],
        completion: [{ role: 'assistant', content: 'Ho' }],
      },
      { messages: [user('Hi'), { role: 'assistant', content: 'Ho' }] },
      { instruction: 'Translate.', input: 'cat', output: 'chat' },
      { instruction: 'Say hi.', input: '', output: 'Hi.' },
      {
        conversations: [
          { from: 'human', value: 'Hi' },
          { from: 'gpt', value: 'Ho' },
        ],
      },
    ];
    assert.deepEqual(
      parseInstructions(rows.map(row => JSON.stringify(row)).join('\n'), 'f.jsonl').map(({ messages, completion }) => [
        messages.map(({ role, content }) => `${role}: ${content}`).join('|'),
        completion,
      ]),
      [
        ['user: Hi', 'Ho'],
        ['system: Be short.|user: Hi', 'Ho'],
        ['user: Hi', 'Ho'],
        ['user: Translate.\n\ncat', 'chat'],
        ['user: Say hi.', 'Hi.'],
        ['user: Hi', 'Ho'],
      ],
    );
  });

  for (const [name, row, sentence] of [
    ['no layout', { text: 'a' }, /no example: it needs “prompt”/],
    ['a conversation that ends with the user', { messages: [user('Hi')] }, /no example/],
    ['a role that nobody has', { conversations: [{ from: 'cat', value: 'Hi' }] }, /no example/],
    ['two answers in one', { prompt: 'a', completion: [user('b'), user('c')] }, /no example/],
    ['an empty answer', { prompt: 'a', completion: ' ' }, /no prompt, or an empty answer/],
    ['an empty prompt', { prompt: '', completion: 'b' }, /no prompt, or an empty answer/],
    ['a list', [], /no example/],
  ] as const) {
    it(`is refused with its line: ${name}`, () => {
      const text = `{"prompt":"a","completion":"b"}\n${JSON.stringify(row)}`;
      assert.throws(
        () => parseInstructions(text, 'f.jsonl'),
        (error: HumanError) => {
          assert.match(error.message, sentence);
          assert.deepEqual(error.place, { file: 'f.jsonl', line: 2 });
          return true;
        },
      );
    });
  }
});
