import assert from 'node:assert/strict';
import { Rng } from '../../../../src/base/rng.ts';
import {
  checkTasks,
  heldOutTasks,
  mixtureEpoch,
  parseTaskWeights,
  rowsPerEpoch,
} from '../../../../src/core/datasets/taskMixture.ts';

const counts = new Map([
  ['large', 1000],
  ['middle', 60],
  ['small', 4],
]);
const shares = (cap: number | null, weights: readonly string[] = []) =>
  Object.fromEntries(rowsPerEpoch(counts, { cap, weights: parseTaskWeights(weights) }));

describe('a mixture of tasks', () => {
  it('counts tasks by their rows, up to the cap, times their weights', () => {
    assert.deepEqual(shares(null), { large: 1000, middle: 60, small: 4 });
    assert.deepEqual(shares(50), { large: 50, middle: 50, small: 4 });
    assert.deepEqual(shares(50, ['small=2.5', 'middle=0']), { large: 50, middle: 0, small: 10 });
    assert.deepEqual(
      shares(2, ['small=0.01']),
      { large: 2, middle: 2, small: 1 },
      'a weight that is not 0 leaves a row',
    );
  });

  it('shows a capped task’s rows in turn: over the epochs each of them equally often', () => {
    const rows = new Map([
      ['large', Array.from({ length: 10 }, (_, i) => `l${i}`)],
      ['small', ['s0', 's1']],
    ]);
    const perEpoch = new Map([
      ['large', 4],
      ['small', 6],
    ]);
    const seen = new Map<string, number>();
    for (let epoch = 0; epoch < 5; epoch++) {
      const chosen = mixtureEpoch(rows, perEpoch, epoch, Rng.seeded(3));
      assert.equal(chosen.length, 10);
      assert.equal(chosen.filter(row => row.startsWith('l')).length, 4);
      for (const row of chosen) seen.set(row, (seen.get(row) ?? 0) + 1);
    }
    assert.deepEqual(new Set([...seen].map(([row, times]) => `${row[0]}${times}`)), new Set(['l2', 's15']));
    assert.equal(seen.size, 12);
  });

  it('an epoch depends on the seed and its number alone', () => {
    const rows = new Map([['only', Array.from({ length: 9 }, (_, i) => i)]]);
    const of = (epoch: number, seed: number) => mixtureEpoch(rows, new Map([['only', 5]]), epoch, Rng.seeded(seed));
    assert.deepEqual(of(2, 1), of(2, 1));
    assert.notDeepEqual(of(2, 1), of(3, 1));
    assert.notDeepEqual(of(2, 1), of(2, 2));
  });

  it('holds tasks out by name, or as many as a number says, always the same', () => {
    const tasks = ['a', 'b', 'c', 'd', 'e'];
    assert.deepEqual([...heldOutTasks(tasks, ['b', 'd'])], ['b', 'd']);
    const two = heldOutTasks(tasks, ['2']);
    assert.equal(two.size, 2);
    assert.deepEqual(heldOutTasks([...tasks].reverse(), ['2']), two);
    assert.ok(
      [...two].every(task => heldOutTasks(tasks, ['3']).has(task)),
      'more hold out the same and others',
    );
    assert.deepEqual([...heldOutTasks(['1', '2', '3'], ['2'])], ['2'], 'a name comes first');
  });

  const rows = ['a', 'a', 'b'].map(task => ({ task }));
  const plain = { taskCap: null, taskWeights: [], holdOutTasks: [] };
  for (const [name, settings, message, data] of [
    ['a task that is not there', { holdOutTasks: ['c'] }, /no task “c”\. Its tasks are: a, b\./, rows],
    ['all tasks held out', { holdOutTasks: ['a', 'b'] }, /All 2 tasks are held out/, rows],
    ['one task', { holdOutTasks: ['1'] }, /one task only/, [{}, {}]],
    ['a weight of a task held out', { holdOutTasks: ['b'], taskWeights: ['b=2'] }, /no task “b”/, rows],
    ['a weight without a number', { taskWeights: ['a='] }, /name=2, not “a=”/, rows],
    ['a negative weight', { taskWeights: ['a=-1'] }, /name=2, not “a=-1”/, rows],
    ['weights of nothing', { taskWeights: ['a=0', 'b=0'] }, /weight 0/, rows],
  ] as const) {
    it(`refuses ${name}`, () => {
      assert.throws(() => checkTasks(data, { ...plain, ...settings }), { name: 'HumanError', message });
    });
  }
});
