/** The whole way of InstructGPT on the bundled model, timed: supervised fine-tuning, a reward model, PPO, all from the command line. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { PresetName } from '../../../src/core/jobs/presets.ts';
import { root } from '../engine/models.ts';

export interface LoopTimes {
  readonly preset: PresetName;
  /** Seconds of each command, in their order. */
  readonly seconds: Readonly<Record<string, number>>;
  /** The reward model's accuracy on held-out prompts, and the mean reward before and after PPO. */
  readonly accuracy: number;
  readonly rewardBefore: number;
  readonly rewardAfter: number;
}

interface Review {
  readonly review: string;
  readonly about: string;
  readonly issue: string;
}

const helpful = ({ about, issue }: Review): string =>
  `Sorry that the ${about} ${issue}. We will send a new ${about} today and pay for the return.`;
const vague = (): string => 'Thank you for writing. We value your opinion and hope to see you again soon.';

/** Throws an Error with what the command said when one fails. */
export async function measureLoop(preset: PresetName, log: (line: string) => void): Promise<LoopTimes> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tunesmith-bench-'));
  try {
    const reviews = readFileSync(path.join(root, 'samples', 'data', 'reviews-train.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Review);
    const write = (name: string, rows: readonly object[]): void =>
      writeFileSync(path.join(folder, name), `${rows.map(row => JSON.stringify(row)).join('\n')}\n`);
    write(
      'sft.jsonl',
      reviews.map((row, index) => ({ prompt: row.review, completion: ` ${index % 2 ? vague() : helpful(row)}` })),
    );
    write(
      'pairs.jsonl',
      reviews.map(row => ({ prompt: row.review, chosen: ` ${helpful(row)}`, rejected: ` ${vague()}` })),
    );
    write(
      'prompts.jsonl',
      reviews.map(({ review }) => ({ prompt: review })),
    );
    const seconds: Record<string, number> = {};
    const tunesmith = async (name: string, ...args: string[]): Promise<string> => {
      const start = performance.now();
      const said = await run(folder, args);
      seconds[name] = (performance.now() - start) / 1000;
      log(`${preset}: ${name} ${seconds[name]!.toFixed(1)} s`);
      return said;
    };
    const size = ['--preset', preset, '--json'];
    await tunesmith('train sft', 'train', 'sft', '--data', 'sft.jsonl', '--name', 'start', ...size);
    await tunesmith('models export', 'models', 'export', 'local:start', '--to', 'started');
    const own = ['--model', 'started'];
    const judged = await tunesmith(
      'train reward',
      'train',
      'reward',
      ...own,
      '--data',
      'pairs.jsonl',
      '--name',
      'judge',
      ...size,
    );
    const reward = ['--prompts', 'prompts.jsonl', '--reward-model', 'judge'];
    const tuned = await tunesmith('train ppo', 'train', 'ppo', ...own, ...reward, '--name', 'tuned', ...size);
    const { accuracy } = JSON.parse(judged) as { accuracy: { estimate: number } };
    const { metrics } = JSON.parse(tuned) as { metrics: { reward_before: number; reward_after: number } };
    const { reward_before: rewardBefore, reward_after: rewardAfter } = metrics;
    return { preset, seconds, accuracy: accuracy.estimate, rewardBefore, rewardAfter };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the command line prints on its standard output. */
function run(cwd: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(root, 'src', 'cli', 'main.ts'), ...args], { cwd });
    let [out, errors] = ['', ''];
    child.stdout.on('data', (data: Buffer) => {
      out += data;
    });
    child.stderr.on('data', (data: Buffer) => {
      errors += data;
    });
    child.on('error', reject);
    child.on('close', code =>
      code === 0 ? resolve(out) : reject(new Error(`tunesmith ${args.join(' ')}: ${errors.trim().split('\n').at(-1)}`)),
    );
  });
}
