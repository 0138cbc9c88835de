import assert from 'node:assert/strict';
import { triggers } from '../../../../src/core/evaluation/triggers.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import type { Template } from '../../../../src/core/prompts/template.ts';

const parse = (settings: string): Template =>
  parseTemplate(`---\nname: n\ninputs: {a: {}}\nmetadata:\n  tunesmith: ${settings}\n---\nuser:\n{{ a }}`, 'x.prompty');

const told = (template: Template): string[] =>
  template.diagnostics.map(({ message, range }) => `${template.text.slice(range.start, range.end)}: ${message}`);

describe('readTunesmithSettings', () => {
  it('fills what is not said', () => {
    const { tunesmith, diagnostics } = parse('{examples: {bank: b.jsonl}}');
    assert.deepEqual(diagnostics, []);
    const { range: _, answer, reasonedAnswer, ...examples } = tunesmith.examples!;
    assert.deepEqual(examples, {
      bank: 'b.jsonl',
      shots: 4,
      selection: 'fixed',
      seed: 0,
      similarity: 'bm25',
      embeddingModel: 'pebble',
      lambda: 0.5,
      label: 'answer',
      order: 'selected',
      leakage: 0.8,
      overBudget: 'drop-last',
    });
    assert.equal(tunesmith.reasoning.of, 'few-shot-cot');
    assert.equal(parse('{}').tunesmith.reasoning.of, 'zero-shot-cot');
    assert.deepEqual([tunesmith.grade, tunesmith.axes], [{ rule: 'equal', threshold: 0.5 }, {}]);
  });

  it('reads what is scored', () => {
    const read = (settings: string) => {
      const { tunesmith, diagnostics } = parse(`{score: ${settings}}`);
      assert.deepEqual(diagnostics, []);
      const { range: _, ...score } = tunesmith.score!;
      return score;
    };
    const common = { task: 'candidates', method: 'partial', by: 'total', as: 'chat' };
    assert.deepEqual(read('{candidates: [yes, 2, true]}'), { ...common, candidates: ['yes', '2', 'true'] });
    assert.deepEqual(read('{candidates: list, by: per-token}'), {
      ...common,
      candidates: { column: 'list' },
      by: 'per-token',
    });
    assert.deepEqual(read('{candidates: list, input: a, method: full}'), {
      ...common,
      candidates: { column: 'list' },
      input: 'a',
      method: 'full',
      as: 'text',
    });
    assert.deepEqual(read('{task: last-word}'), { ...common, task: 'last-word', as: 'text' });
    assert.equal(parse('{}').tunesmith.score, undefined);
    for (const wrong of [
      '{}',
      '{candidates: []}',
      '{candidates: [one]}',
      '{candidates: [a, a]}',
      '{candidates: {a: b}}',
    ])
      assert.equal(told(parse(`{score: ${wrong}}`)).length, 1, wrong);
  });

  it('reads everything', () => {
    const { tunesmith, diagnostics, text } = parse(`
    examples: {bank: b.jsonl, shots: 2, selection: diverse, similarity: embedding, embeddingModel: m, lambda: 0.3, label: kind, order: similar-last, leakage: 1, overBudget: fail, seed: 3}
    reasoning: {strategy: self-consistency, samples: 7, of: direct, trigger: detective, critique: C, revise: R, decompose: D, answer: {rule: json-path, path: $.a}}
    grade: {rule: rouge-l, threshold: 0.4}
    expected: y
    axes:
      prefix: {none: '', header: "# Copyright 2022 Google LLC"}
      trigger: [step-by-step, Own words.]
      shots: [0, 2]
      temperature: [0, 0.7]
      strategy: [direct, least-to-most]
      model: [pebble]
      suffix: ['', {label: json, text: Answer in JSON.}]
`);
    assert.deepEqual(diagnostics, []);
    const { range: _, answer, reasonedAnswer, ...examples } = tunesmith.examples!;
    assert.deepEqual(examples, {
      bank: 'b.jsonl',
      shots: 2,
      selection: 'diverse',
      seed: 3,
      similarity: 'embedding',
      embeddingModel: 'm',
      lambda: 0.3,
      label: 'kind',
      order: 'similar-last',
      leakage: 1,
      overBudget: 'fail',
    });
    const { answerRange, ...reasoning } = tunesmith.reasoning;
    assert.match(text.slice(answerRange!.start, answerRange!.end), /^answer: \{rule: json-path.*\}$/);
    assert.deepEqual(reasoning, {
      strategy: 'self-consistency',
      trigger: "Let's think like a detective step by step.",
      extract: 'Therefore, the answer is',
      samples: 7,
      of: 'direct',
      critique: 'C',
      revise: 'R',
      decompose: 'D',
      answer: { rule: 'json-path', path: '$.a' },
    });
    assert.deepEqual([tunesmith.grade, tunesmith.expected], [{ rule: 'rouge-l', threshold: 0.4 }, 'y']);
    assert.deepEqual(tunesmith.axes, {
      prefix: [
        { label: 'none', text: '' },
        { label: 'header', text: '# Copyright 2022 Google LLC' },
      ],
      suffix: [
        { label: 'none', text: '' },
        { label: 'json', text: 'Answer in JSON.' },
      ],
      trigger: [
        { label: 'step-by-step', text: "Let's think step by step." },
        { label: 'Own words.', text: 'Own words.' },
      ],
      strategy: ['direct', 'least-to-most'],
      shots: [0, 2],
      temperature: [0, 0.7],
      model: ['pebble'],
    });
  });

  for (const [settings, ...wanted] of [
    [
      '{examples: {bank: b, selection: best}}',
      'best: “selection” must be one of fixed, random, similar, diverse, balanced.',
    ],
    ['{examples: {bank: b, lambda: 2}}', '2: “lambda” must be a number from 0 to 1.'],
    [
      '{examples: {bank: b, order: up}}',
      'up: “order” must be one of selected, similar-last, similar-first, random, label-interleaved.',
    ],
    ['{reasoning: {answer: {rule: json-path}}}', 'answer: {rule: json-path}: The rule “json-path” needs “path”.'],
    ['{grade: {rule: rouge-l, threshold: 3}}', '3: “threshold” must be a number from 0 to 1.'],
    [
      '{axes: {colour: [a]}}',
      'colour: [a]: “colour” must be one of model, strategy, trigger, persona, prefix, suffix, shots, temperature.',
    ],
    ['{axes: {shots: [1, x]}}', '[1, x]: “shots” must be a list of whole numbers from 0 to 1000.'],
    ['{axes: {shots: []}}', '[]: “shots” must be a list of whole numbers from 0 to 1000.'],
    ['{axes: {temperature: [0, 0]}}', '[0, 0]: “temperature” has 0 twice. Remove one.'],
    ['{axes: {prefix: [a, {text: b}]}}', '[a, {text: b}]: “prefix” must be a list of texts.'],
  ] as const) {
    it(`says what is wrong with ${settings}`, () => {
      assert.deepEqual(told(parse(settings)), wanted);
    });
  }

  it('knows triggers of their own names', () => {
    assert.equal(new Set(triggers.map(({ name }) => name)).size, triggers.length);
    assert.equal(new Set(triggers.map(({ phrase }) => phrase)).size, triggers.length);
  });
});
