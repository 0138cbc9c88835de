import assert from 'node:assert/strict';
import { sftPresets } from '../../../src/core/jobs/presets.ts';
import type { Tokenizer } from '../../../src/tokenizer/tokenizer.ts';
import { prepareInstructions, rowsToMeasure, sizesOf } from '../../../src/training/instructionData.ts';

/** One token a character; enough for lengths and splits. */
const tokenizer = {
  endIds: [0],
  chatTemplate: undefined,
  encode: (text: string) => [...text].map(char => char.codePointAt(0)!),
} as unknown as Tokenizer;

const row = (task: string, text: string, completion = 'yes') => ({
  messages: [{ role: 'user' as const, content: text }],
  completion,
  task,
});
const rows = ['a', 'b', 'c'].flatMap(task => Array.from({ length: 20 }, (_, i) => row(task, `${task} ${i}`)));

describe('instruction data', () => {
  const settings = { ...sftPresets.quick, maxLength: 64 };
  const prepare = (given = rows, changes: Partial<typeof settings> = {}) =>
    prepareInstructions(given, tokenizer, { ...settings, ...changes });

  it('holds tasks out whole and prompts of the others', () => {
    const { train, heldOut, unseen, shares } = prepare(rows, { holdOutTasks: ['b'], heldOutShare: 0.3, taskCap: 5 });
    assert.deepEqual([...train.keys()], ['a', 'c']);
    assert.deepEqual(new Set(heldOut.map(({ task }) => task)), new Set(['a', 'c']));
    assert.equal(unseen.length, 20);
    assert.ok(unseen.every(({ task }) => task === 'b'));
    assert.equal([...train.values()].flat().length + heldOut.length, 40);
    assert.deepEqual([...shares.values()], [5, 5]);
  });

  it('does not measure unseen tasks on prompts that were learned', () => {
    const { unseen, warnings } = prepare([...rows, row('b', 'a 3')], { holdOutTasks: ['b'] });
    assert.equal(unseen.length, 20);
    assert.match(warnings.join(), /1 of 21 rows of the tasks held out are not measured/);
  });

  it('measures the same rows of each task in turn', () => {
    const { unseen } = prepare(rows, { holdOutTasks: ['b', 'c'] });
    const chosen = rowsToMeasure(unseen, 7);
    assert.deepEqual(
      ['b', 'c'].map(name => chosen.filter(({ task }) => task === name).length),
      [4, 3],
    );
    assert.deepEqual(rowsToMeasure([...unseen].reverse(), 7), chosen);
  });

  it('says what there is to compute', () => {
    const { longest, examples, heldOut, answered } = sizesOf(prepare(rows, { holdOutTasks: ['b'], taskCap: 5 }), {
      evaluationRows: 6,
    });
    assert.ok(longest > 0 && longest <= 64);
    assert.equal(examples, 10);
    assert.ok(heldOut > 20 && answered === 6 + Math.min(6, heldOut - 20));
  });
});
