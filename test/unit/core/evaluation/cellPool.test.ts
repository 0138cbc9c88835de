import assert from 'node:assert/strict';
import { HumanError } from '../../../../src/base/errors.ts';
import { matchUntilRefused, pool } from '../../../../src/core/evaluation/cellPool.ts';

describe('pool', () => {
  it('works through all, so many at once, reading ahead no further', async () => {
    let read = 0;
    let running = 0;
    let most = 0;
    const done: number[] = [];
    const items = function* () {
      while (read < 20) yield read++;
    };
    await pool(
      items(),
      async item => {
        most = Math.max(most, ++running);
        assert.ok(read - done.length <= 4);
        await new Promise(resolve => setImmediate(resolve));
        running--;
        done.push(item);
      },
      4,
    );
    assert.deepEqual([done.length, most], [20, 4]);
  });

  it('stops at what goes wrong', async () => {
    let begun = 0;
    const work = async (item: number): Promise<void> => {
      begun++;
      await new Promise(resolve => setImmediate(resolve));
      if (item === 2) throw new Error('a bug');
    };
    await assert.rejects(pool(Array(50).keys(), work, 2), /a bug/);
    assert.ok(begun < 6);
  });
});

describe('matchUntilRefused', () => {
  it('does not try a pattern again that had to be stopped', async () => {
    let calls = 0;
    const match = matchUntilRefused(async pattern => {
      calls++;
      if (pattern === '(a+)+$') throw new HumanError('It took too long.');
      return [];
    });
    for (let i = 0; i < 3; i++) await assert.rejects(match('(a+)+$', '', ['a'], 'last'), /too long/);
    assert.equal(calls, 1);
    assert.deepEqual(await match('b', '', [], 'last'), []);
  });
});
