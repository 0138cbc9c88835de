/** Judges left out, beside people, or alone. */
import assert from 'node:assert/strict';
import { requireChecked, trainingPairs, trainingRankings } from '../../../../src/core/preferences/judgeChoice.ts';
import type { JudgementRecord } from '../../../../src/core/preferences/judgement.ts';
import { judgeReports } from '../../../../src/core/preferences/judgeReport.ts';
import { decidedPairs } from '../../../../src/core/preferences/pairs.ts';
import { hasTie, isPlain, judgementFacets } from '../../../../src/core/preferences/recordFacets.ts';
import { asRecord, itemOf, personSays, stateOf } from '../../../fakes/judges.ts';

describe('labels of judges', () => {
  const items = Array.from({ length: 3 }, (_, i) => itemOf(`i${i}`, ['good', 'bad']));
  const says = (judge: string, item: (typeof items)[number], verdicts: ['A' | 'B', 'A' | 'B']): JudgementRecord => {
    const answers = item.answers.map(({ id }) => id) as [string, string];
    return asRecord({
      item: item.id,
      ranking: [answers],
      shown: answers,
      verdict: 'ranked',
      flags: [],
      milliseconds: 0,
      judge,
      pairs: [{ answers, verdicts }],
    });
  };
  const state = stateOf(
    items,
    personSays('ann', items[0]!, text => text.length),
    items.map(item => says('one on m #11111111', item, ['B', 'A'])),
    says('two on m #22222222', items[1]!, ['A', 'B']),
    says('two on m #22222222', items[2]!, ['A', 'A']),
  );
  const chosen = (filter?: Parameters<typeof trainingPairs>[1]) =>
    trainingPairs(state, filter).map(({ item, chosen: better }) => `${item} ${better}`);

  it('are left out unless somebody asks for them', () => assert.deepEqual(chosen(), ['i0 good']));

  it('stand beside those of people, who are right where both judged', () =>
    assert.deepEqual(chosen({ judges: 'include' }), ['i0 good', 'i1 bad', 'i2 bad', 'i1 good']));

  it('stand alone, of all judges or of some', () => {
    assert.deepEqual(chosen({ judges: 'only' }), ['i0 bad', 'i1 bad', 'i2 bad', 'i1 good']);
    assert.deepEqual(chosen({ judges: 'only', named: ['#22222222'] }), ['i1 good']);
    assert.deepEqual(chosen({ judges: 'include', named: ['two on'] }), ['i0 good', 'i1 good']);
  });

  it('whole rankings, and ties where they are asked for', () => {
    const item = itemOf('four', ['x', 'y', 'z', 'w']);
    const [x, y, z, w] = item.answers.map(({ id }) => id) as [string, string, string, string];
    const says = (author: string, more: Pick<JudgementRecord, 'kind' | 'ranking' | 'verdict'>): JudgementRecord => ({
      ...asRecord({ item: item.id, shown: [x, y, z, w], flags: [], milliseconds: 0, ...more }),
      author,
      id: author,
    });
    const ranked = stateOf(
      [item],
      says('ann', { kind: 'ranking', ranking: [[y], [x, z], [w]], verdict: 'ranked' }),
      says('bob', { kind: 'best-worst', ranking: [[z], [x, y], [w]], verdict: 'ranked' }),
      says('eve', { kind: 'ranking', ranking: [], verdict: 'all-bad' }),
    );
    assert.deepEqual(
      trainingRankings(ranked).map(({ groups }) => groups),
      [
        [['y'], ['x', 'z'], ['w']],
        [['z'], ['x', 'y'], ['w']],
      ],
    );
    const ties = trainingPairs(ranked, undefined, { ties: true }).filter(({ tie }) => tie);
    assert.deepEqual(
      ties.map(({ chosen: first, rejected }) => [first, rejected].sort().join()),
      ['x,z'],
    );
    assert.equal(trainingPairs(ranked).length, 10);
    assert.deepEqual(
      trainingRankings(state, { judges: 'include' }).map(({ item: of, groups }) => [of, groups]),
      [
        ['i0', [['good'], ['bad']]],
        ['i1', [['bad'], ['good']]],
        ['i2', [['bad'], ['good']]],
        ['i1', [['good'], ['bad']]],
      ],
    );
  });

  it('count in the index’s columns as the pairs say, not as their sum does', () => {
    const item = itemOf('three', ['x', 'y', 'z']);
    const [x, y, z] = item.answers.map(({ id }) => id) as [string, string, string];
    const judgement = asRecord({
      item: item.id,
      kind: 'ranking',
      ranking: [[x], [z], [y]],
      shown: [x, y, z],
      verdict: 'ranked',
      flags: [],
      milliseconds: 0,
      judge: 'j on m #00000000',
      pairs: [
        { answers: [x, y], verdicts: ['A', 'B'] },
        { answers: [x, z], verdicts: ['A', 'A'] },
        { answers: [y, z], verdicts: ['unreadable', 'A'] },
      ],
    });
    const { facets, pairs } = judgementFacets(judgement);
    assert.equal(pairs, decidedPairs(judgement, item).length);
    assert.deepEqual([pairs, hasTie(facets), isPlain(facets)], [1, true, false]);
  });

  it('are refused while too few of their items were judged by people', () => {
    assert.throws(() => requireChecked(judgeReports(state)), /only 1 of the items.*20 are needed/);
  });
});
