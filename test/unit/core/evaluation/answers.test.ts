import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { extractAnswers, gradeAnswer, type MatchPattern } from '../../../../src/core/evaluation/answers.ts';
import type { AnswerRule, Grade } from '../../../../src/core/prompts/template.ts';
import { assertLinear } from '../../../fakes/growth.ts';

/** Patterns of the tests are harmless. */
const match: MatchPattern = async (pattern, flags, texts, which) =>
  texts.map(text => {
    const found = [...text.matchAll(new RegExp(pattern, `${flags}g`))].at(which === 'last' ? -1 : 0);
    return found ? { text: found[0], groups: found.slice(1).map(group => group ?? null) } : null;
  });

const number: AnswerRule = { rule: 'last-number' };
const choice: AnswerRule = { rule: 'choice', choices: 'ABCDE' };
const marker: AnswerRule = { rule: 'after-marker', marker: 'The answer is' };
const regex = (pattern: string, flags = ''): AnswerRule => ({ rule: 'regex', pattern, flags });

const extraction: readonly [rule: AnswerRule, text: string, answer: string | undefined, afterPhrase?: boolean][] = [
  [{ rule: 'whole' }, '  yes\n', 'yes'],
  [{ rule: 'whole' }, ' \n ', undefined],
  [number, 'He has 3 and then 4 apples.', '4'],
  [number, 'It costs $1,234.50.', '1234.50'],
  [number, 'from 20-5 it is 15', '15'],
  [number, 'so 20-5', '5'],
  [number, 'minus: -7', '-7'],
  [number, 'minus: −7.25 °C', '-7.25'],
  [number, '10,20', '20'],
  [number, '12,345,678', '12345678'],
  [number, 'about .5', '.5'],
  [number, 'x2 and y3', '3'],
  [number, 'The answer is 7.', '7'],
  [number, '1.2.3', '1.2'],
  [number, 'none', undefined],
  [number, '', undefined],
  [choice, 'The answer is (B).', 'B'],
  [choice, 'A cat sat. Answer: C', 'C'],
  [choice, 'B) because D is wrong; so B', 'B'],
  [choice, 'Apple', undefined],
  [choice, "it is A's", undefined],
  [choice, 'Ä B Ö', 'B'],
  [{ rule: 'choice', choices: '1234' }, 'option 3.', '3'],
  [marker, 'First 2. The answer is 3. The answer is 4.', '4'],
  [marker, 'the ANSWER is: **12.5 kg**.', '12.5 kg'],
  [marker, 'The answer is "Paris".\nMore.', 'Paris'],
  [marker, 'The answer is\n\nParis', 'Paris'],
  [marker, 'The answer is 3.14. Then', '3.14'],
  [marker, 'No idea', undefined],
  [marker, 'The answer is', undefined],
  [regex('#(\\d+)'), 'a #1 b #22', '22'],
  [regex('#\\d+'), 'a #1 b #22', '#22'],
  [regex('(x)|(y)'), 'xy', 'y'],
  [regex('YES', 'i'), 'no yes', 'yes'],
  [regex('z'), 'abc', undefined],
  [number, ' 7. The other 3 are gone.', '7', true],
  [number, ' seven. That is 7.', '7', true],
  [marker, ' 7.\nproblem: 9', '7', true],
  [choice, ' (D). A is not.', 'D', true],
  [{ rule: 'whole' }, ' Paris. It is big.', 'Paris', true],
];

/** Answers as models mangle them, one a line: what each rule has to read. Written by hand. */
const hostile = readFileSync(new URL('../../../golden/answers/hostile.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as { rule: AnswerRule; text: string; answer: string | null });

const grading: readonly [grade: Grade, answer: string | undefined, expected: unknown, right: boolean][] = [
  ['equal', ' Positive. ', 'positive', true],
  ['equal', 'le  chat\nnoir', 'le chat noir', true],
  ['equal', 'positively', 'positive', false],
  ['equal', '7', 7, true],
  ['equal', 'true', true, true],
  ['equal', '[banana]', 'banana', false],
  ['equal', undefined, '', false],
  ['equal', 'e\u0301', '\u00e9', true],
  ['numbers-equal', '7.0 boxes', '7', true],
  ['numbers-equal', '1,000', 1000, true],
  ['numbers-equal', '7.1', 7, false],
  ['numbers-equal', 'seven', 7, false],
  ['numbers-equal', '7', 'seven', false],
  ['numbers-equal', '1000000001', '1000000000', false],
  ['numbers-equal', '0.3333333333', '1/3', true],
  ['numbers-equal', '0.333', '1/3', false],
  ['one-of', 'Rome', ['Paris', 'Rome'], true],
  ['one-of', 'rome', 'Paris|Rome', true],
  ['one-of', 'Ro', 'Paris|Rome', false],
  ['contains', 'It is Rome, surely', 'rome', true],
  ['contains', 'It is Rome', 'Paris', false],
  ['numbers-equal', '3/4', '0.75', true],
  ['numbers-equal', '2 1/2', 2.5, true],
  ['numbers-equal', '½', 0.5, true],
  ['numbers-equal', '\\frac{3}{4}', '3/4', true],
  ['numbers-equal', '15, not 12', 15, true],
  ['numbers-equal', '15 rather than 12.5', 15, true],
  ['numbers-equal', '3 × 5 = 15', 15, true],
  ['numbers-equal', '$1,200', 1200, true],
  ['numbers-equal', '12 %', '12%', true],
  ['numbers-equal', '-3', 3, false],
  ['numbers-equal', '1e3', 1000, true],
  ['numbers-equal', 'not 12', 12, true],
  ['regex', 'colour', '^colou?r$', true],
  ['regex', 'colors', '^colou?r$', false],
  ['json-equal', '```json\n{"b": 2, "a": [1]}\n```', { a: [1], b: 2 }, true],
  ['json-equal', '{"a": 1.0}', '{"a": 1}', true],
  ['json-equal', '{"a": 1, "b": 2}', { a: 1 }, false],
  ['json-equal', '[1, 2]', [2, 1], false],
  ['json-equal', 'none', { a: 1 }, false],
  ['rouge-l', 'the cat sat on the mat', 'the cat was on the mat', true],
  ['rouge-l', 'a dog', 'the cat was on the mat', false],
  ['rouge-l', 'a dog', ['the cat', 'one dog'], true],
];

describe('extractAnswers', () => {
  for (const [rule, text, answer, afterPhrase] of extraction) {
    it(`${rule.rule} reads ${answer} from ${JSON.stringify(text)}${afterPhrase ? ' after the phrase' : ''}`, async () => {
      assert.deepEqual(await extractAnswers([text], rule, match, { afterPhrase }), [answer]);
    });
  }

  it('asks for all texts at once', async () => {
    let calls = 0;
    const counting: MatchPattern = (...args) => {
      calls++;
      return match(...args);
    };
    assert.deepEqual(await extractAnswers(['a1', 'b', 'c3'], regex('\\d'), counting), ['1', undefined, '3']);
    assert.equal(calls, 1);
  });

  it('takes time in proportion to long answers', async () => {
    for (const unit of [
      '1,',
      '1.',
      '-',
      '9',
      ' ',
      '"',
      '. ',
      'A',
      '1,234',
      '1/',
      '1 1/',
      '{',
      '[{',
      '}',
      '1e',
      '\\boxed{',
      '\\frac{1}',
      'not 1',
    ])
      for (const rule of [number, choice, marker, { rule: 'json-path', path: '$.a' } as const])
        await assertLinear(
          size => extractAnswers([unit.repeat(size)], rule, match),
          25_000,
          JSON.stringify([unit, rule]),
        );
  });
});

describe('hostile answers', () => {
  it('are at least 150 and cover every rule', () => {
    assert.ok(hostile.length >= 150);
    assert.deepEqual([...new Set(hostile.map(({ rule }) => rule.rule))].sort(), [
      'after-marker',
      'choice',
      'json-path',
      'last-number',
      'regex',
      'whole',
    ]);
  });

  for (const { rule, text, answer } of hostile) {
    it(`${rule.rule} reads ${answer} from ${JSON.stringify(text)}`, async () => {
      const [found] = await extractAnswers([text], rule, match);
      assert.equal(found ?? null, answer);
    });
  }
});

describe('gradeAnswer', () => {
  for (const [grade, answer, expected, right] of grading) {
    it(`${JSON.stringify(answer)} is ${right ? 'right' : 'wrong'} for ${JSON.stringify(expected)} (${grade})`, async () => {
      assert.equal(await gradeAnswer(answer, expected, { rule: grade, threshold: 0.5 }, match), right);
    });
  }
});
