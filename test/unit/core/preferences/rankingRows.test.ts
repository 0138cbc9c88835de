import assert from 'node:assert/strict';
import { parsePreferencePairs, parsePreferenceRankings } from '../../../../src/core/preferences/rankingRows.ts';

const lines = (...rows: readonly unknown[]): string => rows.map(row => JSON.stringify(row)).join('\n');
const row = (ranking: readonly (readonly number[])[], more: object = {}) => ({
  prompt: 'p',
  answers: ['a', 'b', 'c', 'd'],
  ranking,
  ...more,
});
const short = (pairs: ReturnType<typeof parsePreferencePairs>) =>
  pairs.map(({ chosen, rejected, tie }) => `${chosen}${tie ? '=' : '>'}${rejected}`);

describe('files of rankings as training data', () => {
  it('whole rankings keep their groups; those that say nothing are left out', () => {
    const text = lines(row([[2], [0, 1], [3]]), row([], { verdict: 'skipped' }), row([[0], [1]]));
    const found = parsePreferenceRankings(text, 'f.jsonl');
    assert.deepEqual(
      found.map(one => 'groups' in one && one.groups),
      [
        [['c'], ['a', 'b'], ['d']],
        [['a'], ['b']],
      ],
    );
    assert.equal(found[1]!.judgement, 'f.jsonl:3');
  });

  it('as pairs, with ties where they are wanted and where a group is one', () => {
    const text = lines(row([[2], [0, 1]]), row([[0], [1, 2], [3]], { kind: 'best-worst' }));
    const decided = ['c>a', 'c>b', 'a>b', 'a>c', 'a>d', 'b>d', 'c>d'];
    assert.deepEqual(short(parsePreferencePairs(text, 'f')), decided);
    assert.deepEqual(short(parsePreferencePairs(text, 'f', { ties: true })), [
      ...decided.slice(0, 2),
      'a=b',
      ...decided.slice(2),
    ]);
  });

  it('rows of pairs stay pairs, and may be ties', () => {
    const text = lines(
      { prompt: 'p', chosen: 'a', rejected: 'b' },
      { prompt: 'p', chosen: 'a', rejected: 'c', tie: true },
    );
    assert.deepEqual(short(parsePreferencePairs(text, 'f')), ['a>b', 'a=c']);
    assert.deepEqual(parsePreferenceRankings(text, 'f'), parsePreferencePairs(text, 'f'));
    const both = lines({ prompt: 'p', chosen: 'a', rejected: 'c', tie: true, margin: 1 });
    assert.throws(() => parsePreferencePairs(both, 'f'), { name: 'HumanError', message: /tie has no “margin”/ });
  });

  it('a row that is no ranking is refused with its line', () => {
    const bad = lines(row([[0], [1]]), { prompt: 'p', answers: ['a'], ranking: [[4]] });
    assert.throws(() => parsePreferenceRankings(bad, 'f'), { name: 'HumanError', place: { file: 'f', line: 2 } });
    const alone = lines(row([[0]]));
    assert.throws(() => parsePreferenceRankings(alone, 'f'), { name: 'HumanError', message: /fewer than two/ });
  });
});
