import assert from 'node:assert/strict';
import type { HumanError } from '../../../../src/base/errors.ts';
import { joinFiles, parseInstructions } from '../../../../src/core/datasets/instructions.ts';

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

  it('is read from a list, as Alpaca’s own file is one', () => {
    const rows = [
      { instruction: 'Say hi.', output: 'Hi.' },
      { prompt: 'a', completion: 'b' },
    ];
    assert.deepEqual(
      parseInstructions(JSON.stringify(rows, null, 2), 'alpaca.json').map(({ completion }) => completion),
      ['Hi.', 'b'],
    );
    assert.throws(
      () => parseInstructions('[{"prompt":"a","completion":"b"},\n{}]', 'f.json'),
      /Row 2 of the list: .*no example/,
    );
  });

  it('has the tasks that its rows name, or those of its files', () => {
    const parsed = parseInstructions(
      '{"prompt":"a","completion":"b"}\n{"prompt":"a","completion":"b","task":"x y"}',
      'd/one.jsonl',
    );
    const tasks = (files: string[]) => joinFiles(files.map(file => ({ file, rows: parsed }))).map(({ task }) => task);
    assert.deepEqual(tasks(['d/one.jsonl']), [undefined, 'x_y']);
    assert.deepEqual(tasks(['d/one.jsonl', 'two.json']), ['one', 'x_y', 'two', 'x_y']);
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
