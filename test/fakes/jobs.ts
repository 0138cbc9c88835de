/** Specifications, states and events of jobs as a worker writes them, for tests and previews of what shows them. */

import { Rng } from '../../src/base/rng.ts';
import type { JobEvent, JobState, RewardJob, RlhfJob } from '../../src/core/jobs/job.ts';
import { rewardPresets, rlhfPresets } from '../../src/core/jobs/presets.ts';

const start = Date.UTC(2026, 0, 5, 14, 0, 0);
const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString();

export const rlhfJob = (more: Partial<RlhfJob> = {}): RlhfJob => ({
  format: 1,
  kind: 'rlhf',
  id: '20260105-polite-v1-abcd',
  name: 'polite-v1',
  createdAt: at(0),
  seed: 7,
  model: { id: 'local:pebble', base: '/models/pebble' },
  output: '/project/.tunesmith/models/polite-v1',
  data: { file: 'prompts.jsonl', sha256: '0'.repeat(64), rows: 400 },
  heldOut: { file: 'heldOut.jsonl', sha256: '1'.repeat(64), rows: 8 },
  reward: {
    kind: 'model',
    model: { id: 'local:polite-rm', base: '/models/pebble', adapter: '/project/.tunesmith/models/polite-rm' },
  },
  settings: rlhfPresets.standard,
  ...more,
});

export const rewardJob = (more: Partial<RewardJob> = {}): RewardJob => ({
  format: 1,
  kind: 'reward',
  id: '20260105-polite-rm-abcd',
  name: 'polite-rm',
  createdAt: at(0),
  seed: 7,
  model: { id: 'local:pebble', base: '/models/pebble' },
  output: '/project/.tunesmith/models/polite-rm',
  data: { file: 'pairs.jsonl', sha256: '0'.repeat(64), rows: 66 },
  settings: rewardPresets.quick,
  ...more,
});

export const jobState = (more: Partial<JobState> = {}): JobState => ({
  format: 1,
  status: 'running',
  heartbeatAt: at(0),
  step: 0,
  totalSteps: 200,
  ...more,
});

const prompts = [
  [
    'Kettle leaks!!! Two emails, no answer. £45 wasted',
    'The kettle leaks. I am not happy with this product.',
    'It leaks from the base. I emailed twice and had no answer, so at £45 I would not buy it again.',
  ],
  [
    'Earbuds ok but left one dies after 2h, right 5h??',
    'The earbuds are okay. The left one dies and the right one dies.',
    'Sound is fair. The left earbud lasts two hours and the right one five.',
  ],
  [
    'Lamp wobbles, instructions useless, looks nice tho',
    'Lamp wobbles and instructions useless but it looks nice.',
    'It looks good, but it wobbles and the instructions did not help.',
  ],
  [
    'Boots split in 3 weeks. THREE. Seller says “wear”',
    'The boots split after three weeks. The seller said it was wear.',
    'The boots split after three weeks. The seller calls this wear. Overall, a calm and specific review of the boots.',
  ],
] as const;

/** Events of an RLHF job up to `steps`, one step every 4.4 s. */
export function rlhfEvents(steps: number): JobEvent[] {
  const rng = Rng.seeded(42);
  const events: JobEvent[] = [{ type: 'phase', time: at(0), phase: 'sampling' }];
  const sample = (step: number): void => {
    events.push({
      type: 'samples',
      time: at(step * 4.4),
      step,
      samples: prompts.map(([prompt, before, now], i) => ({
        prompt,
        answer: step === 0 ? before : now,
        reward: step === 0 ? 0.3 + i / 10 : i === 3 ? 0.42 : 1.2 + step / 200 + i / 10,
      })),
    });
  };
  sample(0);
  for (let step = 1; step <= steps; step++) {
    const kl = Math.max(0, 7 * (step / 118) ** 0.8 + rng.normal() * 0.3 * Math.min(1, step / 12));
    events.push({
      type: 'metrics',
      time: at(step * 4.4),
      step,
      values: {
        loss: -0.02 + rng.normal() * 0.03,
        reward: 0.1 + 0.685 * Math.sqrt(kl) + rng.normal() * 0.12,
        kl,
        entropy: 1.3,
        'clip_ratio/region_mean': 0.09,
        'completions/mean_length': 31,
        learning_rate: 1e-5,
      },
    });
    if (step % 20 === 0) {
      sample(step);
      events.push({ type: 'checkpoint', time: at(step * 4.4 + 1), step, folder: `checkpoints/${step}`, bytes: 9.2e6 });
    }
  }
  return events;
}

const model = (name: string) => ({
  id: `local:${name}`,
  base: '/models/pebble',
  adapter: `/project/.tunesmith/models/${name}`,
});

/** On a sum of an ensemble and two rules, with a gold. */
export const summedJob = (): RlhfJob =>
  rlhfJob({
    reward: {
      kind: 'sum',
      parts: [
        {
          name: 'politeness',
          weight: 1,
          source: { kind: 'ensemble', models: [model('polite-rm'), model('polite-rm-2')], combine: 'worst' },
        },
        { name: 'brevity', weight: 0.5, source: { kind: 'rule', reward: { rule: 'length', min: 10, max: 30 } } },
        { name: 'no-thanks', weight: -0.25, source: { kind: 'rule', reward: { rule: 'word', word: 'thanks' } } },
      ],
    },
    gold: { source: { kind: 'model', model: model('held-out-rm') }, patience: null, restoreBest: true },
  });

/** Those of `rlhfEvents` with the metrics that such a job reports besides; its gold falls from half way on. */
export const goldEvents = (steps: number): JobEvent[] =>
  [{ type: 'metrics' as const, time: at(0), step: 0, values: { kl: 0 } }, ...rlhfEvents(steps)].map(event => {
    if (event.type !== 'metrics') return event;
    const { step, values } = event;
    const rng = Rng.seeded(step);
    const way = step / steps;
    const gold: Readonly<Record<string, number>> =
      step % 10 === 0
        ? {
            'gold/mean': 0.2 + 3.6 * way * (1 - way),
            'gold/std': 0.6,
            'gold/proxy_mean': 0.1 + 2 * Math.sqrt(way),
            'gold/proxy_std': 0.7,
            'gold/kl': 10.6 * way,
            'gold/best_step': Math.min(step, steps / 2),
          }
        : {};
    return {
      ...event,
      values: {
        ...values,
        grad_norm: 0.8 + 0.2 * rng.normal(),
        frac_reward_zero_std: 0.05,
        'completions/clipped_ratio': 0.1 + 0.02 * rng.normal(),
        'rewards/politeness/mean': 1.5 * Math.sqrt(way) + 0.1 * rng.normal(),
        'rewards/politeness/disagreement': 0.2 + 0.4 * way + 0.03 * rng.normal(),
        'rewards/brevity/mean': 0.5 + 0.3 * way + 0.05 * rng.normal(),
        'rewards/no-thanks/mean': 0.2 * (1 - way),
        ...gold,
      },
    };
  });

export function rewardEvents(steps: number): JobEvent[] {
  const rng = Rng.seeded(7);
  return Array.from({ length: steps }, (_, i) => ({
    type: 'metrics' as const,
    time: at((i + 1) * 1.1),
    step: i + 1,
    values: {
      loss: 0.2 + 0.5 * Math.exp(-i / 5) + rng.normal() * 0.03,
      accuracy: Math.min(1, 0.5 + i / 30),
      margin: i / 10 + rng.normal() * 0.1,
      mean_reward: rng.normal() * 0.1,
    },
  }));
}
