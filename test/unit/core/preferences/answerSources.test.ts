import assert from 'node:assert/strict';
import { isHumanError } from '../../../../src/base/errors.ts';
import { type AnswerFile, answersFromFiles, answersOfJob } from '../../../../src/core/preferences/answerSources.ts';

const file = (name: string, ...rows: unknown[]): AnswerFile => ({
  name,
  text: rows.map(row => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'),
});
const short = ({ items }: ReturnType<typeof answersFromFiles>) =>
  items.map(
    ({ messages, answers }) =>
      `${messages.map(({ role, content }) => `${role[0]}:${content}`).join(' ')} → ${answers.map(({ text, model }) => `${text} (${model})`).join(', ')}`,
  );

describe('answers from elsewhere', () => {
  const check = (name: string, files: AnswerFile[], expected: string[], alone = 0) =>
    it(name, () => {
      const sourced = answersFromFiles(files);
      assert.deepEqual(short(sourced), expected);
      assert.equal(sourced.alone, alone);
    });
  check(
    'several in a row',
    [file('a.jsonl', { prompt: 'p', answers: ['x', { text: 'y', model: 'm' }] })],
    ['u:p → x (a), y (m)'],
  );
  check(
    'two models, a file each, in any order',
    [
      file('out/base.jsonl', { prompt: 'p', output: 'x' }, { prompt: 'q', output: 'z' }),
      file('out/tuned.jsonl', { prompt: 'q', output: 'z' }, { prompt: 'p', output: 'y' }),
    ],
    ['u:p → x (base), y (tuned)'],
    1,
  );
  check(
    'one a row with its model, joined by prompt',
    [
      file(
        'a.jsonl',
        { instruction: 'Sum', input: '1 2', response: '3', model: 'm1' },
        { question: 'alone', answer: '?' },
        { instruction: 'Sum', input: '1 2', response: '4', model: 'm2' },
      ),
    ],
    ['u:Sum\n\n1 2 → 3 (m1), 4 (m2)'],
    1,
  );
  check(
    'conversations, and pairs of TRL',
    [
      file('a.jsonl', {
        prompt: [
          { role: 'system', content: 's' },
          { role: 'user', content: 'p' },
        ],
        chosen: [{ role: 'assistant', content: 'x' }],
        rejected: [{ role: 'assistant', content: 'y' }],
      }),
    ],
    ['s:s u:p → x (a), y (a)'],
  );

  const refuse = (name: string, row: unknown, line: number, words: RegExp) =>
    it(`refuses ${name}`, () =>
      assert.throws(
        () => answersFromFiles([file('a.jsonl', { prompt: 'p', answer: 'x' }, row)]),
        error => isHumanError(error) && error.place.line === line && words.test(error.message),
      ));
  refuse('a row without a prompt', { answer: 'x' }, 2, /“prompt”/);
  refuse('a row without an answer', { prompt: 'p', answers: [] }, 2, /no answer/);
  refuse('an unknown role', { prompt: [{ role: 'tool', content: 'x' }], answer: 'x' }, 2, /“prompt”/);
  refuse('what is no JSON', '{"prompt"', 2, /not valid JSON/);

  it('compares a job before its first step and after its last', () => {
    const at = (step: number, ...answers: string[]) => ({
      step,
      samples: answers.map((answer, i) => ({ prompt: `p${i}`, answer })),
    });
    const sourced = answersOfJob('j1', [at(0, 'a', 'same'), at(20, 'c', 'same'), at(10, 'b', 'x')]);
    assert.deepEqual(short(sourced), ['u:p0 → a (j1@0), c (j1@20)']);
    assert.equal(sourced.alone, 1);
    assert.equal(sourced.items[0]!.answers[0]!.source, 'job:j1');
    assert.deepEqual(answersOfJob('j1', [at(0, 'a')]), { items: [], alone: 1 });
    assert.deepEqual(answersOfJob('j1', []), { items: [], alone: 0 });
  });
});
