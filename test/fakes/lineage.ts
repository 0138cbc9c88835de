/** Models and jobs of two rounds of collecting, rewarding and tuning, as the stores list them. */
import type { JobSpecification } from '../../src/core/jobs/job.ts';
import type { LineageInput } from '../../src/core/lineagePicture.ts';
import type { StoredModel } from '../../src/core/models.ts';
import { rewardJob, rlhfJob } from './jobs.ts';

const folder = (name: string): string => `/project/.tunesmith/models/${name}`;
const model = (
  name: string,
  kind: 'policy' | 'reward',
  base: string,
  day: number,
  metrics: StoredModel['lineage']['metrics'],
  rewardModel?: string,
): StoredModel => ({
  name,
  path: folder(name),
  lineage: {
    format: 1,
    name,
    kind,
    base: { id: base, base: '/models/pebble' },
    job: `job-${name}`,
    createdAt: `2026-01-0${day}T14:00:00Z`,
    dataSha256: '0'.repeat(64),
    ...(rewardModel === undefined ? {} : { rewardModel }),
    metrics,
  },
});
const rewardReference = (name: string) => ({ id: `local:${name}`, base: '/models/pebble', adapter: folder(name) });
const job = (specification: JobSpecification) => ({ id: `job-${specification.name}`, specification });

/** The second reward model's job, and that of `orphan`, are gone. */
export const iterated: LineageInput = {
  models: [
    model('polite-v2', 'policy', 'local:polite-v1', 4, { reward_before: 1.1, reward_after: 1.6 }),
    model('polite-v1', 'policy', 'local:pebble', 2, { reward_before: 0.1, reward_after: 1.2 }, 'local:polite-rm'),
    model('polite-rm', 'reward', 'local:pebble', 1, { eval_accuracy: 0.74 }),
    model('polite-rm-2', 'reward', 'local:pebble', 3, { eval_accuracy: 0.79 }),
    model('orphan', 'policy', 'local:gone', 5, { eval_perplexity_before: 8, eval_perplexity: 6.5 }),
  ],
  jobs: [
    job(rewardJob()),
    job(rlhfJob()),
    job(
      rlhfJob({
        name: 'polite-v2',
        reward: {
          kind: 'ensemble',
          models: [rewardReference('polite-rm'), rewardReference('polite-rm-2')],
          combine: 'mean',
        },
      }),
    ),
  ],
  usable: new Map([
    ['local:pebble', 'Pebble'],
    ['local:polite-v1', 'polite-v1'],
    ['local:polite-v2', 'polite-v2'],
  ]),
};
