/** Pairs and their export, against hand-worked rankings. */
import assert from 'node:assert/strict';
import type { ItemRecord, JudgementRecord } from '../../../../src/core/preferences/judgement.ts';
import { pairsOf } from '../../../../src/core/preferences/pairs.ts';
import { exportTrl } from '../../../../src/core/preferences/trlExport.ts';

const record = { format: 1 as const, at: '2026-01-01T00:00:00.000Z', author: 'ada' };
const item: ItemRecord = {
  ...record,
  type: 'item',
  id: 'i',
  set: 's',
  messages: [{ role: 'user', content: 'Hello?' }],
  answers: ['a', 'b', 'c', 'd'].map(id => ({ id, text: id.toUpperCase(), model: 'm' })),
};
const judgement = (ranking: string[][], verdict: JudgementRecord['verdict'] = 'ranked'): JudgementRecord => ({
  ...record,
  type: 'judgement',
  id: 'j',
  item: 'i',
  ranking,
  shown: ['d', 'c', 'b', 'a'],
  verdict,
  flags: [],
  milliseconds: 1,
});

describe('pairs', () => {
  const check = (name: string, given: JudgementRecord, expected: string[]) =>
    it(name, () =>
      assert.deepEqual(
        pairsOf(given, item).map(pair => pair.chosen + pair.rejected),
        expected,
      ),
    );

  check('a full order gives n(n − 1)/2', judgement([['a'], ['b'], ['c'], ['d']]), ['AB', 'AC', 'AD', 'BC', 'BD', 'CD']);
  check(
    'ties give none among themselves',
    judgement([
      ['b', 'a'],
      ['c', 'd'],
    ]),
    ['BC', 'BD', 'AC', 'AD'],
  );
  check('all tied', judgement([['a', 'b', 'c', 'd']]), []);
  check('unranked answers give none', judgement([['d'], ['a']]), ['DA']);
  check('an unknown answer gives none', judgement([['x'], ['a'], ['b']]), ['AB']);
  check('all bad', judgement([['a'], ['b']], 'all-bad'), []);
  check('skipped', judgement([], 'skipped'), []);
});

describe('trlExport', () => {
  const pairs = pairsOf(judgement([['a'], ['b']]), item);

  it('writes conversational rows', () => {
    assert.equal(
      exportTrl(pairs, 'conversational'),
      '{"prompt":[{"role":"user","content":"Hello?"}],"chosen":[{"role":"assistant","content":"A"}],"rejected":[{"role":"assistant","content":"B"}]}\n',
    );
  });

  it('writes standard rows, and refuses a conversation in them', () => {
    assert.equal(exportTrl(pairs, 'standard'), '{"prompt":"Hello?","chosen":"A","rejected":"B"}\n');
    const more = pairs.map(pair => ({
      ...pair,
      messages: [{ role: 'system' as const, content: 'Be kind.' }, ...pair.messages],
    }));
    assert.throws(() => exportTrl(more, 'standard'), /conversational format/);
  });
});
