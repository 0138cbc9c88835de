import assert from 'node:assert/strict';
import { parseInstructions } from '../../../../src/core/datasets/instructions.ts';

const task = {
  Contributors: ['A'],
  Definition: ['Add the two numbers.'],
  'Positive Examples': [
    { input: '1 2', output: '3', explanation: '1 + 2 is 3.' },
    { input: '2 2', output: '4', explanation: '' },
    { input: '5 5', output: '10', explanation: '' },
  ],
  'Negative Examples': [],
  Instances: [
    { id: 'task1-0', input: '3 4', output: ['7'] },
    { id: 'task1-1', input: '10 1', output: ['11', 'eleven'] },
  ],
};
const parse = (value: unknown) => parseInstructions(JSON.stringify(value, null, 2), 'tasks/task1_add.json');

describe('Super-NaturalInstructions', () => {
  it('gives a row for each instance, with definition and two examples as Tk-Instruct has them', () => {
    const rows = parse(task);
    assert.equal(
      rows[0]!.messages[0]!.content,
      'Definition: Add the two numbers.\n\n' +
        'Positive Example 1 -\nInput: 1 2\nOutput: 3\n\n' +
        'Positive Example 2 -\nInput: 2 2\nOutput: 4\n\n' +
        'Now complete the following example -\nInput: 3 4\nOutput: ',
    );
    assert.deepEqual(
      rows.map(({ completion, references, task: name }) => [completion, references, name]),
      [
        ['7', undefined, 'task1_add'],
        ['11', ['11', 'eleven'], 'task1_add'],
      ],
    );
  });

  it('takes a definition that is a text, and no examples', () => {
    const [row] = parse({ Definition: 'Say it.', Instances: [{ input: 'a', output: 'a' }] });
    assert.equal(
      row!.messages[0]!.content,
      'Definition: Say it.\n\nNow complete the following example -\nInput: a\nOutput: ',
    );
  });

  it('names what is wrong', () => {
    assert.throws(
      () => parse({ ...task, Instances: [{ input: 'a' }] }),
      /“Instances\.0\.output” is not as it should be/,
    );
    assert.throws(
      () => parse({ ...task, Instances: [{ input: 'a', output: [] }] }),
      /Instance 1 of this task has no output/,
    );
  });
});
