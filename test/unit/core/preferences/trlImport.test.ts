import assert from 'node:assert/strict';
import type { PreferencePair } from '../../../../src/core/preferences/judgement.ts';
import { exportTrl } from '../../../../src/core/preferences/trlExport.ts';
import { parseTrlPreferences, parseTrlPrompts } from '../../../../src/core/preferences/trlImport.ts';

const read = (...rows: unknown[]) => parseTrlPreferences(rows.map(row => JSON.stringify(row)).join('\n'), 'p.jsonl');
const color = [{ role: 'user', content: 'What color is the sky?' }];
const blue = { role: 'assistant', content: 'It is blue.' };
const green = { role: 'assistant', content: 'It is green.' };

describe('TRL preferences', () => {
  for (const [name, row, expected] of [
    ['standard', { prompt: 'The sky is', chosen: ' blue.', rejected: ' green.' }, ['The sky is', ' blue.', ' green.']],
    [
      'conversational',
      { prompt: color, chosen: [blue], rejected: [green] },
      ['What color is the sky?', 'It is blue.', 'It is green.'],
    ],
    [
      'prompt inside both conversations',
      { chosen: [...color, blue], rejected: [...color, green] },
      ['What color is the sky?', 'It is blue.', 'It is green.'],
    ],
    [
      'HH-RLHF',
      { chosen: '\n\nHuman: Sky?\n\nAssistant: Blue', rejected: '\n\nHuman: Sky?\n\nAssistant: Green' },
      ['Sky?', 'Blue', 'Green'],
    ],
  ] as const) {
    it(`reads ${name}`, () => {
      const [pair] = read(row);
      assert.deepEqual([pair!.messages.at(-1)!.content, pair!.chosen, pair!.rejected], expected);
      assert.equal(pair!.messages.at(-1)!.role, 'user');
    });
  }

  it('keeps a margin', () => {
    const row = { prompt: 'x', chosen: 'a', rejected: 'b' };
    const margins = read({ ...row, margin: 0.5 }, { ...row, margin: null }, row).map(pair => pair.margin);
    assert.deepEqual(margins, [0.5, undefined, undefined]);
  });

  it('keeps the turns of a longer dialogue', () => {
    const [pair] = read({
      chosen: '\n\nHuman: A\n\nAssistant: B\n\nHuman: C\n\nAssistant: D',
      rejected: '\n\nHuman: A\n\nAssistant: B\n\nHuman: C\n\nAssistant: E',
    });
    assert.deepEqual(pair!.messages, [
      { role: 'user', content: 'A' },
      { role: 'assistant', content: 'B' },
      { role: 'user', content: 'C' },
    ]);
    assert.deepEqual([pair!.chosen, pair!.rejected], ['D', 'E']);
  });

  it('reads back what is exported', () => {
    const pair: PreferencePair = {
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Hi' },
      ],
      chosen: 'a',
      rejected: 'b',
      judgement: 'j',
      item: 'i',
    };
    const [again] = parseTrlPreferences(exportTrl([pair], 'conversational'), 'x.jsonl');
    assert.deepEqual({ ...again, judgement: 'j', item: 'i' }, pair);
  });

  for (const [row, message] of [
    [{ prompt: 'a', chosen: 'b' }, /no “rejected”/],
    [{ prompt: 'a', chosen: 3, rejected: 'b' }, /no “chosen”/],
    [{ prompt: [{ role: 'robot', content: '' }], chosen: 'a', rejected: 'b' }, /“prompt”/],
    [{ chosen: 'a', rejected: 'b' }, /no prompt in common/],
    [{ chosen: [...color, blue], rejected: [green] }, /no prompt in common/],
    [{ prompt: 'a', chosen: 'b', rejected: 'c', margin: '1' }, /“margin”/],
    [7, /no “chosen”/],
  ] as const) {
    it(`refuses ${JSON.stringify(row).slice(0, 50)} with its line`, () => {
      assert.throws(() => read({ prompt: 'x', chosen: 'a', rejected: 'b' }, row), {
        name: 'HumanError',
        message,
        place: { file: 'p.jsonl', line: 2 },
      });
    });
  }
});

describe('TRL prompts', () => {
  it('reads texts and conversations', () => {
    const prompts = parseTrlPrompts(`{"prompt":"Hi"}\n${JSON.stringify({ prompt: color, other: 1 })}`, 'q.jsonl');
    assert.deepEqual(prompts, [
      { kind: 'messages', messages: [{ role: 'user', content: 'Hi' }] },
      { kind: 'messages', messages: color },
    ]);
  });
  it('refuses a row without one', () => {
    assert.throws(() => parseTrlPrompts('{"text":"Hi"}', 'q.jsonl'), {
      name: 'HumanError',
      place: { file: 'q.jsonl', line: 1 },
    });
    assert.throws(() => parseTrlPrompts('{"prompt":[]}', 'q.jsonl'), { name: 'HumanError' });
  });
});
