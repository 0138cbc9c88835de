/** Judges beside a person: figures in steps, so that no verdict of a judge can be told from them. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ItemRecord, JudgementRecord } from '../../../../src/core/preferences/judgement.ts';
import { judgesBeside } from '../../../../src/core/preferences/judgesBeside.ts';
import { asRecord, itemOf, personSays, stateOf } from '../../../fakes/judges.ts';

const items = Array.from({ length: 23 }, (_, i) => itemOf(`i${i}`, ['good', 'bad', 'so'].slice(0, 2 + (i % 2))));
const judgeSays = (item: ItemRecord, right: boolean, judge = 'j on m #00000000', author = 'ada'): JudgementRecord =>
  asRecord(
    {
      ...personSays(author, item, text => (right ? text.length : -text.length)),
      judge,
      pairs: undefined,
    },
    author,
  );
const beside = (own: readonly JudgementRecord[], others: readonly JudgementRecord[]) =>
  judgesBeside(stateOf(items, others, own), 'ann', 's', own.length);
const ann = items.map(item => personSays('ann', item, text => text.length));

describe('judges beside a person', () => {
  it('are counted by pairs that both compared, in whole steps of items', () => {
    const others = items.map((item, i) => judgeSays(item, i < 10));
    assert.deepEqual(beside(ann.slice(0, 4), others), []);
    const ten = { judge: 'j on m #00000000', items: 10, same: 5 + 5 * 3, of: 5 + 5 * 3 };
    assert.deepEqual(beside(ann.slice(0, 10), others), [ten]);
    assert.deepEqual(beside(ann.slice(0, 14), others), [ten]);
    const [more] = beside(ann.slice(0, 15), others);
    assert.deepEqual([more!.items, more!.same], [15, ten.same]);
  });

  it('that judged fewer than a step of the same items are left out; who ran them does not matter', () => {
    const few = items.slice(0, 4).map(item => judgeSays(item, true));
    assert.deepEqual(beside(ann.slice(0, 20), few), []);
    const two = [...few, ...items.slice(4, 6).map(item => judgeSays(item, true, 'j on m #00000000', 'bob'))];
    assert.equal(beside(ann.slice(0, 20), two)[0]!.items, 5);
  });

  it('say nothing of a judgement within a step: whatever it is, the figures are the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 23, maxLength: 23 }),
        fc.integer({ min: 1, max: 22 }),
        (rights, count) => {
          const others = items.map((item, i) => judgeSays(item, rights[i]!));
          const whole = count - (count % 5);
          const now = beside(ann.slice(0, count), others);
          assert.deepEqual(now, beside(ann.slice(0, whole), others));
          const turned = others.map((one, i) => (i >= whole ? judgeSays(items[i]!, !rights[i]!) : one));
          assert.deepEqual(beside(ann.slice(0, count), turned), now);
        },
      ),
    );
  });
});
