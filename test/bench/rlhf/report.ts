/** What a run of the benchmark says: a table of ratios, JSON, and docs/performance-rlhf.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../engine/models.ts';
import { median, spread } from '../engine/statistics.ts';
import { answersOf, type Case, cases } from './cases.ts';
import type { Kept } from './kept.ts';
import type { LoopTimes } from './loop.ts';
import type { Overlap } from './overlap.ts';
import type { Step } from './run.ts';

interface Entry {
  readonly case: string;
  readonly peer: string;
  readonly ours: number;
  readonly theirs: number;
  readonly unit: 'tokens/s';
  /** ours/theirs: higher is better. */
  readonly ratio: number;
}

type Measured = Pick<Kept, 'case' | 'rounds'>;

const parts: Readonly<Record<string, (step: Step) => number>> = {
  rollout: ({ rollout }) => rollout,
  update: ({ update }) => update,
  total: ({ rollout, update }) => rollout + update,
};
const peerNames: Readonly<Record<Case['peer'], string>> = { trl: 'TRL RLOOTrainer', torch: 'PyTorch PPO' };
const rounded = (value: number): number => Number(value.toPrecision(4));

/** Sampled tokens of a step by the seconds of each of its parts. */
const rates = (steps: readonly Step[], part: string): number[] => steps.map(step => step.tokens / parts[part]!(step));

export const entries = (measured: readonly Measured[]): Entry[] =>
  measured.flatMap(({ case: { name, peer }, rounds }) =>
    Object.keys(parts).map(part => {
      const [ours, theirs] = [median(rates(rounds.ours, part)), median(rates(rounds.theirs, part))];
      return {
        case: `${name}/${part}`,
        peer: peerNames[peer],
        ours: rounded(ours),
        theirs: rounded(theirs),
        unit: 'tokens/s',
        ratio: rounded(ours / theirs),
      };
    }),
  );

/** A Markdown table: three rows for each case. */
export function table(measured: readonly Measured[]): string {
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  const seconds = (steps: readonly Step[], part: string): string => median(steps.map(parts[part]!)).toPrecision(3);
  const rows = measured.flatMap(({ case: running, rounds }) =>
    entries([{ case: running, rounds }]).map((entry, index) => {
      const part = Object.keys(parts)[index]!;
      const spreads = [rounds.ours, rounds.theirs].map(steps => percent(spread(rates(steps, part)))).join(', ');
      const taken = `${seconds(rounds.ours, part)}, ${seconds(rounds.theirs, part)}`;
      const values = [entry.ours, entry.theirs].map(value => (value >= 100 ? value.toFixed(0) : value.toPrecision(3)));
      return [entry.case, entry.peer, ...values, entry.unit, `${entry.ratio.toFixed(2)}×`, taken, spreads];
    }),
  );
  return markdownTable(
    ['case', 'peer', 'ours', 'theirs', 'unit', 'ours/theirs', 'seconds', 'spread'],
    ['---', '---', '---:', '---:', '---', '---:', '---:', '---'],
    rows,
  );
}

function markdownTable(head: readonly string[], rule: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

interface Overlapped {
  readonly case: Case;
  readonly overlap: Overlap;
}

export const overlapTable = (overlaps: readonly Overlapped[]): string =>
  markdownTable(
    ['case', 'in turn, s a step', 'with an actor, s a step', 'speed-up'],
    ['---', '---:', '---:', '---:'],
    overlaps.map(({ case: { name }, overlap: { inTurn, beside } }) => [
      name,
      inTurn.toPrecision(3),
      beside.toPrecision(3),
      `${(inTurn / beside).toFixed(2)}×`,
    ]),
  );

const besides = (overlaps: readonly Overlapped[]): string[] =>
  overlaps.length === 0
    ? []
    : [
        '',
        '## Rollouts beside updates',
        '',
        'The recipe with one actor, an update behind, against sampling and learning in turn (`npm run bench:rlhf -- --overlap`): steps without a',
        'pause, after as many as it takes to use up the lead that the actor won while the other had its turn. The learner has all threads, the actor,',
        'at a lower priority, what they leave idle.',
        '',
        overlapTable(overlaps),
      ];

const loopSection = (loops: readonly LoopTimes[]): string[] => {
  if (loops.length === 0) return [];
  const names = Object.keys(loops[0]!.seconds);
  const rows = loops.map(({ preset, seconds, accuracy, rewardBefore, rewardAfter }) => {
    const total = Object.values(seconds).reduce((sum, each) => sum + each, 0);
    const times = [...names.map(name => seconds[name]!), total].map(each => each.toFixed(0));
    const reward = `${rewardBefore.toFixed(2)} → ${rewardAfter.toFixed(2)}`;
    return [preset, ...times, `${(100 * accuracy).toFixed(0)} %`, reward];
  });
  return [
    '',
    '## From a base model to a policy',
    '',
    'Seconds of each command on the bundled model, with data made from `samples/data/reviews-train.jsonl` (`npm run bench:rlhf -- --loop`): 480',
    'examples to imitate, half of them vague; 480 pairs of a helpful and a vague answer; PPO on their prompts with that reward model.',
    '',
    markdownTable(
      ['preset', ...names, 'all', 'accuracy of the reward model', 'reward'],
      ['---', ...names.map(() => '---:'), '---:', '---:', '---'],
      rows,
    ),
  ];
};

interface Everything {
  readonly kept: readonly Kept[];
  readonly overlaps: readonly Overlapped[];
  readonly loops: readonly LoopTimes[];
}

export function writePerformance({ kept, overlaps, loops }: Everything, threads: number): void {
  const missing = cases.filter(({ name }) => !kept.some(one => one.case.name === name));
  const lines = [
    '# Performance of reinforcement learning',
    '',
    'Written by `npm run bench:rlhf`: steps of RLOO in turns with TRL and of PPO in turns with plain PyTorch.',
    '',
    `${os.cpus().length} × ${os.cpus()[0]?.model.trim()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${threads} threads, Node ${process.versions.node}.`,
    '',
    table(kept),
    '',
    '`seconds`: of a step, ours and theirs. `spread`: half the distance between the quartiles of the rounds as a share of the median.',
    '',
    ...missing.map(({ name }) => `${name} was not measured.\n`),
    ...reservations(kept),
    definitions,
    '',
    '## Shapes',
    '',
    markdownTable(
      ['case', 'model', 'answers of a step', 'prompt + new tokens', 'micro-batch', 'updates', 'LoRA'],
      ['---', '---', '---:', '---:', '---:', '---:', '---'],
      cases.map(shape),
    ),
    '',
    '## What ran',
    '',
    markdownTable(
      ['case', 'measured on', 'at commit', 'rounds', 'peer'],
      ['---', '---', '---', '---:', '---'],
      kept.map(one => [one.case.name, one.date, one.commit, String(one.rounds.ours.length), one.rounds.peer]),
    ),
    '',
    'The ways of the peer that were timed before the first round; the fastest took part:',
    '',
    ...kept.flatMap(({ case: { name }, rounds }) => rounds.notes.map(note => `- ${name}: ${note}`)),
    ...loopSection(loops),
    ...besides(overlaps),
  ];
  const own = readFileSync(path.join(import.meta.dirname, 'findings.md'), 'utf8').trimEnd();
  writeFileSync(path.join(root, 'docs', 'performance-rlhf.md'), `${[...lines, '', own].join('\n').trimEnd()}\n`);
}

const reservations = (kept: readonly Kept[]): string[] =>
  kept.flatMap(({ case: { name }, rounds }) =>
    median(rounds.busy) > 0.1
      ? [`${name} does not count: others kept the machine ${(100 * median(rounds.busy)).toFixed(0)} % busy.\n`]
      : [],
  );

function shape(running: Case): string[] {
  const { settings, promptTokens } = running;
  const { promptsPerStep, samplesPerPrompt, maxNewTokens, microBatchSize, updatesPerRollout, lora } = settings;
  return [
    running.name,
    running.model === 'pebble' ? 'pebble, the bundled model' : 'SmolLM2-135M-Instruct',
    `${promptsPerStep} × ${samplesPerPrompt} = ${answersOf(running)}`,
    `${promptTokens} + ${maxNewTokens}`,
    String(microBatchSize),
    String(updatesPerRollout),
    `rank ${lora.r}, all linear layers`,
  ];
}

const definitions = `## What is counted

- **Turns.** Ours and the peer are processes of their own that stay alive; one computes at a time, a whole step. A round is a step of
  each, in alternating order; a figure is the median of the rounds. Starting, loading and the first step are not timed.
- **ours/theirs**: higher is better. \`tokens/s\` are the sampled tokens of a step by the seconds that the part took.
- **rollout**: from the start of the step until all answers are sampled and decoded. **update**: all else of the step: log-probabilities
  under the policy and under its base (for PPO the critic's values too), rewards, advantages, gradients, the optimizer.
- **The same work.** The weights are the product's own export for transformers; before the rounds, the log-likelihood of a fixed
  text has to agree within 0.1 %. The same prompts, all of one length, so that nobody pads; the same adapters, batch and micro-batch,
  float32, AdamW, clipping, temperature; the reward is the share of even token ids. Every answer has exactly its 128 new tokens: the
  peer may not sample an end before (\`min_new_tokens\`), ours has no end token. Advantages and gradients are held equal by
  \`test/slow/trainingLosses.test.ts\`.
- **Ours** is the recipe as a job runs it (\`trainPolicy\`).
- **TRL** runs \`RLOOTrainer\` with transformers' batched \`generate\` and its cache, without gradient checkpointing, logging or saving; its
  threads are as many as the processor has cores. **PyTorch PPO** is \`test/bench/rlhf/peers/torch_ppo.py\`: TRL has no PPO any more.
  Both run in the fastest of eager and SDPA attention, dynamic and static cache.`;
