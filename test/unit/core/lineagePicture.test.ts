import assert from 'node:assert/strict';
import * as v from 'valibot';
import { LineageSchema, lineagePicture } from '../../../src/core/lineagePicture.ts';
import { iterated } from '../../fakes/lineage.ts';

describe('lineage to be drawn', () => {
  it('has each model under what it was tuned from, with its kind, result, rewards and job', () => {
    const { rows } = v.parse(LineageSchema, lineagePicture(iterated));
    assert.deepEqual(
      rows.map(({ name, branch, kindLabel, figure, learnedFrom }) => [
        branch.join(' '),
        name,
        kindLabel,
        figure,
        learnedFrom,
      ]),
      [
        ['', 'gone', 'No longer here', '', ''],
        ['last', 'orphan', 'Tuned model', 'perplexity 8.00 → 6.50', ''],
        ['', 'Pebble', 'Base model', '', ''],
        ['one', 'polite-rm', 'Reward model', '74 % held out', '66 pairs'],
        ['one', 'polite-v1', 'RLHF, RLOO', 'reward 0.10 → 1.20', '400 prompts, rewarded by polite-rm'],
        [
          'past last',
          'polite-v2',
          'RLHF, RLOO',
          'reward 1.10 → 1.60',
          '400 prompts, rewarded by the mean of polite-rm, polite-rm-2',
        ],
        ['last', 'polite-rm-2', 'Reward model', '79 % held out', ''],
      ],
    );
    const at = (name: string): number => rows.findIndex(row => row.name === name);
    assert.deepEqual(rows[at('polite-v1')]!.rewardedBy, [at('polite-rm')]);
    assert.deepEqual(rows[at('polite-v2')]!.rewardedBy, [at('polite-rm'), at('polite-rm-2')]);
    assert.deepEqual(
      rows.map(({ job }) => job),
      [null, null, null, 'job-polite-rm', 'job-polite-v1', 'job-polite-v2', null],
    );
    assert.deepEqual(
      rows.filter(({ usable }) => usable).map(({ id }) => id),
      ['local:pebble', 'local:polite-v1', 'local:polite-v2'],
    );
  });

  it('leaves out a reward model that is gone, and is empty without models', () => {
    const models = iterated.models.filter(({ name }) => name !== 'polite-rm');
    const { rows } = lineagePicture({ ...iterated, models });
    assert.deepEqual(rows.find(({ name }) => name === 'polite-v1')!.rewardedBy, []);
    assert.deepEqual(lineagePicture({ models: [], jobs: [], usable: new Map() }), { rows: [] });
  });
});
