import assert from 'node:assert/strict';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { isLiteral, type TargetKind, targetOf, withTarget } from '../../../../src/core/search/target.ts';

const body = (text: string, front = 'inputs: {q: {kind: string}}'): string => `---\n${front}\n---\n${text}`;

describe('what a search varies', () => {
  const cases: readonly [name: string, file: string, text: string, changed: string][] = [
    [
      'the paragraph before the value',
      body('user:\nSay it.\n\nQ: {{ q }}'),
      'Say it.',
      body('user:\nNEW\n\nQ: {{ q }}'),
    ],
    [
      'several paragraphs',
      body('user:\n\nOne.\n\nTwo.\n\nQ: {{ q }}\n'),
      'One.\n\nTwo.',
      body('user:\n\nNEW\n\nQ: {{ q }}\n'),
    ],
    [
      'words on the line of the value',
      body('user:\nTranslate to French: {{ q }}'),
      'Translate to French:',
      body('user:\nNEW {{ q }}'),
    ],
    [
      'nothing where there is only a label',
      body('user:\nProblem: {{ q }}'),
      '',
      body('user:\nNEW\n\nProblem: {{ q }}'),
    ],
    ['nothing where there is only a value', body('user:\n{{ q }}'), '', body('user:\nNEW\n\n{{ q }}')],
    [
      'the system message',
      body('system:\nBe short.\n\nuser:\nAsk. {{ q }}'),
      'Be short.',
      body('system:\nNEW\n\nuser:\nAsk. {{ q }}'),
    ],
    [
      'not the place of the examples',
      body('{{ shots }}\n\nuser:\nSort it.\n\n{{ q }}'),
      'Sort it.',
      body('{{ shots }}\n\nuser:\nNEW\n\n{{ q }}'),
    ],
    [
      'the input of that name',
      body(
        'user:\n{{ instruction }}\n\n{{ q }}',
        'inputs:\n  instruction: {kind: string, default: Do it.}\n  q: {kind: string}',
      ),
      'Do it.',
      body(
        'user:\n{{ instruction }}\n\n{{ q }}',
        'inputs:\n  instruction: {kind: string, default: NEW}\n  q: {kind: string}',
      ),
    ],
    [
      'Windows line ends',
      body('user:\nSay it.\n\nQ: {{ q }}').replaceAll('\n', '\r\n'),
      'Say it.',
      body('user:\nNEW\n\nQ: {{ q }}').replaceAll('\n', '\r\n'),
    ],
    [
      'a mustache template',
      body('user:\nSay {it}.\n\nQ: {{q}}', 'template: {format: {kind: mustache}}\ninputs: {q: {kind: string}}'),
      'Say {it}.',
      body('user:\nNEW\n\nQ: {{q}}', 'template: {format: {kind: mustache}}\ninputs: {q: {kind: string}}'),
    ],
    [
      'the trigger',
      body(
        'user:\n{{ q }}',
        'metadata: {tunesmith: {reasoning: {strategy: zero-shot-cot, trigger: Hm.}}}\ninputs: {q: {kind: string}}',
      ),
      'Hm.',
      body(
        'user:\n{{ q }}',
        'metadata: {tunesmith: {reasoning: {strategy: zero-shot-cot, trigger: NEW}}}\ninputs: {q: {kind: string}}',
      ),
    ],
    [
      'the trigger of chains of thought that vote',
      body(
        'user:\n{{ q }}',
        'metadata: {tunesmith: {reasoning: {strategy: self-consistency, trigger: Hm.}}}\ninputs: {q: {kind: string}}',
      ),
      'Hm.',
      body(
        'user:\n{{ q }}',
        'metadata: {tunesmith: {reasoning: {strategy: self-consistency, trigger: NEW}}}\ninputs: {q: {kind: string}}',
      ),
    ],
  ];
  for (const [name, file, text, changed] of cases) {
    it(name, () => {
      const template = parseTemplate(file, 'a.prompty');
      const target = targetOf(template);
      assert.equal(target.text, text);
      const after = withTarget(template, target, 'NEW');
      assert.equal(after.text, changed);
      assert.equal(targetOf(after).text, 'NEW', 'what was put in is what is read out');
      assert.equal(withTarget(template, target, target.text).text, file, 'the baseline is the template itself');
    });
  }

  const refused: readonly [name: string, file: string, kind: TargetKind | undefined, sentence: RegExp][] = [
    ['a trigger where there is none', body('user:\n{{ q }}'), 'trigger', /uses no trigger/],
    ['a template without messages to vary', body('assistant:\n{{ q }}'), undefined, /no system or user message/],
  ];
  for (const [name, file, kind, sentence] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => targetOf(parseTemplate(file, 'a.prompty'), kind), sentence));
  }

  it('knows which words a template would read as something else', () => {
    assert.deepEqual(
      ['Say {x}.', 'Use {{ q }}', 'a {% if %}', '{# note', 'user:', ' Assistant: ', 'user: say it'].map(isLiteral),
      [true, false, false, false, false, false, true],
    );
  });
});
