import assert from 'node:assert/strict';
import {
  type Iteration,
  type IterationRound,
  iterationStage,
  policyOf,
  roundPrompts,
} from '../../../../src/core/jobs/iteration.ts';

const model = { id: 'local:pebble', base: '/pebble' };
const iteration = (rounds: readonly Partial<IterationRound>[] = []): Iteration => ({
  format: 1,
  name: 'polite',
  model,
  seed: 3,
  prompts: Array.from({ length: 5 }, (_, index) => ({ prompt: { kind: 'text', text: `p${index}` } })),
  rounds: rounds.map(round => ({ policy: 'local:pebble', set: 's', items: 2, ...round })),
});

describe('an iteration', () => {
  it('samples, waits for judgements, learns a reward, tunes, and samples again from what came out', () => {
    const stage = (rounds: readonly Partial<IterationRound>[], judged = false) =>
      iterationStage(iteration(rounds), () => judged);
    assert.equal(stage([]), 'sample');
    assert.equal(stage([{}]), 'judge');
    assert.equal(stage([{}], true), 'reward');
    // A job that was begun is ended, whatever was judged since.
    assert.equal(stage([{ rewardJob: 'r' }]), 'reward');
    assert.equal(stage([{ rewardJob: 'r', tuneJob: 't' }]), 'tune');
    const tuned = { id: 'local:polite-1', base: '/pebble', adapter: '/polite-1' };
    assert.equal(stage([{ rewardJob: 'r', tuneJob: 't', tuned }]), 'sample');
    assert.deepEqual(policyOf(iteration([{ tuned }])), tuned);
    assert.deepEqual(policyOf(iteration()), model);
  });

  it('asks other prompts in each round, until all had their turn', () => {
    const first = roundPrompts(iteration(), 2);
    const second = roundPrompts(iteration([{}]), 2);
    const third = roundPrompts(iteration([{}, {}]), 2);
    assert.equal(new Set([...first, ...second, third[0]!].map(({ prompt }) => JSON.stringify(prompt))).size, 5);
    assert.deepEqual(roundPrompts(iteration(), 2), first);
    assert.equal(roundPrompts(iteration(), 9).length, 5);
  });
});
