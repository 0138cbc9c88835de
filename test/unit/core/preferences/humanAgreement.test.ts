import assert from 'node:assert/strict';
import { humanAgreement } from '../../../../src/core/preferences/humanAgreement.ts';
import type { JudgementRecord } from '../../../../src/core/preferences/judgement.ts';
import { asRecord, itemOf, stateOf } from '../../../fakes/judges.ts';

describe('agreement of people', () => {
  const items = Array.from({ length: 4 }, (_, index) => itemOf(`i${index}`, ['good', 'bad']));
  const says = (author: string, index: number, order: 'good' | 'bad' | 'tie', judge?: string): JudgementRecord => {
    const item = items[index]!;
    const [good, bad] = ['good', 'bad'].map(text => item.answers.find(answer => answer.text === text)!.id);
    const ranking = order === 'tie' ? [[good!, bad!]] : order === 'good' ? [[good!], [bad!]] : [[bad!], [good!]];
    return {
      ...asRecord({
        item: item.id,
        ranking,
        shown: [good!, bad!],
        verdict: 'ranked',
        flags: [],
        milliseconds: 0,
        ...(judge ? { judge } : {}),
      } as Parameters<typeof asRecord>[0]),
      author,
      id: `${author} ${index} ${judge}`,
    };
  };

  it('of one with another, and of one with most of the others', () => {
    const state = stateOf(
      items,
      // Two of three agree: of 6 ordered pairs of people 2; the two who agree stand with or against an even group.
      [says('a', 0, 'good'), says('b', 0, 'good'), says('c', 0, 'bad')],
      // All agree.
      [says('a', 1, 'bad'), says('b', 1, 'bad'), says('c', 1, 'bad')],
      // Two people: no group.
      [says('a', 2, 'good'), says('b', 2, 'bad')],
      // Ties and model judges do not count.
      [says('a', 3, 'good'), says('b', 3, 'tie'), says('c', 3, 'bad', 'judge on m #00000000')],
    );
    const { one, group } = humanAgreement(state, { repeats: 200 });
    assert.equal(one!.n, 3);
    assert.ok(Math.abs(one!.estimate - (2 + 6 + 0) / (6 + 6 + 2)) < 1e-12, `${one!.estimate}`);
    assert.ok(one!.low < one!.estimate && one!.estimate < one!.high);
    // In the first, only c has two others who agree with each other (against c); in the second all three do.
    assert.equal(group!.estimate, 3 / 4);
    assert.equal(group!.n, 2);
  });

  it('is unknown where nobody judged the same', () => {
    assert.deepEqual(humanAgreement(stateOf(items, [says('a', 0, 'good'), says('b', 1, 'good')])), {
      one: undefined,
      group: undefined,
    });
  });
});
