import assert from 'node:assert/strict';
import fc from 'fast-check';
import { setAxis } from '../../../../src/core/prompts/axesEdits.ts';
import { listedAxes } from '../../../../src/core/prompts/axesSettings.ts';
import { parseTemplate } from '../../../../src/core/prompts/promptyFile.ts';
import { type AxisName, AxisNames, Strategies, type TextChoice } from '../../../../src/core/prompts/template.ts';

const file = (axes: string, eol = '\n'): string =>
  `---\nname: n # kept\nmetadata:\n  tunesmith:\n    rows: ./r.jsonl\n${axes}---\nuser:\n{{ q }}\n`.replaceAll(
    '\n',
    eol,
  );
const texts = (...values: (string | [string, string])[]): TextChoice[] =>
  values.map(value =>
    typeof value === 'string' ? { label: value, text: value } : { label: value[0], text: value[1] },
  );
const read = (text: string, axis: AxisName): readonly TextChoice[] => {
  const { tunesmith, diagnostics } = parseTemplate(text, 'n.prompty');
  assert.deepEqual(
    diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message),
    [],
    text,
  );
  return listedAxes(tunesmith.axes).find(one => one.axis === axis)?.values ?? [];
};

const check = (name: string, axis: AxisName, before: string, values: readonly TextChoice[], after: string): void => {
  it(name, () => {
    for (const eol of ['\n', '\r\n']) {
      const result = setAxis(file(before, eol), axis, values);
      assert.equal(result, file(after, eol));
      assert.deepEqual(read(result, axis), values);
    }
  });
};

describe('setAxis', () => {
  check('makes numbers a list', 'shots', '', texts('0', '4'), '    axes:\n      shots: [0, 4]\n');
  check(
    'makes texts a mapping, one a line',
    'prefix',
    '',
    texts(['none', ''], ['header', '# Copyright\n# Licensed']),
    '    axes:\n      prefix:\n        none: ""\n        header: |-\n          # Copyright\n          # Licensed\n',
  );
  check(
    'adds to a list on one line',
    'temperature',
    '    axes: {temperature: [0, 0.7], shots: [1]} # mine\n',
    texts('0', '0.7', '1'),
    '    axes: {temperature: [0, 0.7, 1], shots: [1]} # mine\n',
  );
  check(
    'changes one text and leaves comments where they are',
    'suffix',
    '    axes:\n      suffix: # how it ends\n        none: ""\n        json: Answer in JSON. # the short one\n        word: One word.\n',
    texts(['none', ''], ['json', 'Answer as JSON only.'], ['word', 'One word.']),
    '    axes:\n      suffix: # how it ends\n        none: ""\n        json: Answer as JSON only. # the short one\n        word: One word.\n',
  );
  check(
    'renames a key alone',
    'persona',
    '    axes:\n      persona: {a: You are a baker., b: You are a judge.}\n',
    texts(['baker', 'You are a baker.'], ['b', 'You are a judge.']),
    '    axes:\n      persona: {baker: You are a baker., b: You are a judge.}\n',
  );
  check(
    'removes from the middle of a list of lines',
    'strategy',
    '    axes:\n      strategy:\n        - direct # plain\n        - few-shot-cot\n        - zero-shot-cot # last\n',
    texts('direct', 'zero-shot-cot'),
    '    axes:\n      strategy:\n        - direct # plain\n        - zero-shot-cot # last\n',
  );
  check(
    'takes the axis away with its last value',
    'shots',
    '    axes:\n      shots: [1]\n      temperature: [0]\n',
    [],
    '    axes:\n      temperature: [0]\n',
  );
  check('takes the axes away with the last axis', 'shots', '    axes:\n      shots: [1]\n', [], '');
  check(
    'writes known triggers by name, and others with one where it is needed',
    'trigger',
    '    axes:\n      trigger: [step-by-step]\n',
    texts(['step-by-step', "Let's think step by step."], ['first', 'First,'], ['slow', 'Slowly now.'], 'Hm.'),
    '    axes:\n      trigger: [step-by-step, first, {label: slow, text: Slowly now.}, Hm.]\n',
  );
  check(
    'goes from several lines to one',
    'prefix',
    '    axes:\n      prefix:\n        a: |\n          one\n          two\n        b: x\n',
    texts(['a', 'one'], ['b', 'x']),
    '    axes:\n      prefix:\n        a: one\n        b: x\n',
  );

  it('says what has to be mended first', () => {
    assert.throws(() => setAxis('---\na: [\n---\nx', 'shots', texts('1')), /cannot be set while/);
  });

  it('reads back as it was set, whatever was there before', () => {
    const word = fc.string({
      unit: fc.constantFrom('a', ' ', '\n', '#', ':', '"', "'", '{', ',', '-', '中', '\t'),
      maxLength: 9,
    });
    const number = fc.integer({ min: 0, max: 9 }).map(n => ({ label: `${n}`, text: `${n}` }));
    const label = (one: TextChoice): string => one.label;
    const wanted = fc.oneof(
      fc.record({
        axis: fc.constantFrom<AxisName>('persona', 'prefix', 'suffix', 'trigger'),
        lists: fc.array(
          fc.uniqueArray(fc.record({ label: fc.stringMatching(/^[a-z:# ]{1,4}$/), text: word }), {
            selector: label,
            maxLength: 4,
          }),
          { minLength: 1, maxLength: 4 },
        ),
      }),
      fc.record({
        axis: fc.constantFrom<AxisName>('shots', 'temperature'),
        lists: fc.array(fc.uniqueArray(number, { selector: label, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      }),
      fc.record({
        axis: fc.constant<AxisName>('strategy'),
        lists: fc.array(fc.subarray([...Strategies].map(one => ({ label: one, text: one }))), {
          minLength: 1,
          maxLength: 3,
        }),
      }),
    );
    const starts = ['', '    axes: {model: [m]}\n', '    axes:\n      # all\n      model:\n        - m\n'];
    fc.assert(
      fc.property(wanted, fc.constantFrom(...starts), ({ axis, lists }, start) => {
        let text = file(start);
        for (const list of lists) {
          text = setAxis(text, axis, list);
          assert.deepEqual(
            read(text, axis),
            list.map(({ label: name, text: words }) => ({ label: name, text: words })),
          );
          if (start !== '') assert.equal(read(text, 'model').length, 1);
          assert.ok(text.endsWith('---\nuser:\n{{ q }}\n'));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('knows every axis', () => {
    const template = file(
      `    axes: {${AxisNames.map(axis => `${axis}: [${axis === 'strategy' ? 'direct' : axis === 'shots' || axis === 'temperature' ? 1 : 'x'}]`).join(', ')}}\n`,
    );
    for (const axis of AxisNames) assert.equal(read(template, axis).length, 1);
  });
});
