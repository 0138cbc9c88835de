/**
 * The three stages of RLHF on the bundled model with the command line alone, as a person runs them: supervised fine-tuning, a
 * reward model, PPO. Each stage's time, and what the declared rule of the simulated annotator says of answers to unseen reviews
 * before and after PPO.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { JobResult } from '../../src/core/jobs/job.ts';
import { judgeReply } from '../../src/core/preferences/simulatedAnnotator.ts';
import { winRate } from '../../src/core/statistics/intervals.ts';
import { quick, recordFigures } from './figures.ts';

const root = path.join(import.meta.dirname, '../..');
const program = path.join(root, 'src/cli/main.ts');
const start = promisify(execFile);

describe('SFT, reward model and PPO on the bundled model', function () {
  this.timeout(20 * 60_000);
  let folder: string;
  const seconds: Record<string, number> = {};
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tunesmith-stages-'));
    cpSync(path.join(root, 'samples'), folder, { recursive: true });
    mkdirSync(path.join(folder, '.git'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function train(kind: string, ...flags: string[]): Promise<JobResult> {
    const began = performance.now();
    const { stdout } = await start(process.execPath, [program, 'train', kind, '--name', kind, '--json', ...flags], {
      cwd: folder,
      maxBuffer: 1 << 24,
    });
    seconds[kind] = (performance.now() - began) / 1000;
    return JSON.parse(stdout) as JobResult;
  }

  it('each stage does what it is for, within fifteen minutes in all', async () => {
    // 1. Imitation: prompts of the learned tasks that were held out.
    const sft = await train(
      'sft',
      '--data',
      'data/instructions.jsonl',
      ...(quick ? ['--epochs', '1', '--evaluation-rows', '8', '--max-new-tokens', '24'] : ['--epochs', '8']),
    );
    assert.ok(sft.metrics.eval_perplexity! < sft.metrics.eval_perplexity_before!, JSON.stringify(sft.metrics));
    // 2. A reward model of noisy preferences.
    const reward = await train('reward', '--data', 'data/preferences.jsonl', ...(quick ? ['--epochs', '1'] : []));
    if (!quick) assert.ok(reward.accuracy!.low > 0.5, JSON.stringify(reward.accuracy));
    // 3. PPO on that reward model alone.
    const ppo = await train(
      'ppo',
      ...['--prompts', 'data/review-prompts.jsonl', '--reward-model', 'reward'],
      ...(quick
        ? ['--steps', '2', '--prompts-per-step', '8', '--max-new-tokens', '24', '--evaluation-prompts', '4']
        : ['--steps', '40', '--evaluation-prompts', '32']),
    );
    const total = Object.values(seconds).reduce((sum, value) => sum + value, 0);
    const { reward_before: first, reward_after: last, kl } = ppo.metrics;
    const scores = (side: 'before' | 'after') =>
      ppo.samples!.map(sample => judgeReply(aboutOf(sample.prompt), sample[side]).score);
    const wins = winRate(scores('before'), scores('after'));
    const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
    const row = [
      `${sft.metrics.eval_perplexity_before!.toFixed(2)} → ${sft.metrics.eval_perplexity!.toFixed(2)}`,
      `${percent(reward.accuracy!.estimate)} (${percent(reward.accuracy!.low)} … ${percent(reward.accuracy!.high)})`,
      `${first!.toFixed(2)} → ${last!.toFixed(2)}`,
      kl!.toFixed(2),
      `${percent(wins.estimate)} (${percent(wins.low)} … ${percent(wins.high)}, ${wins.n} prompts)`,
      ...['sft', 'reward', 'ppo'].map(kind => seconds[kind]!.toFixed(0)),
    ];
    console.log(`      ${row.join(' | ')}`);
    recordFigures(
      'trainingLoop',
      [
        'SFT, perplexity | reward model | PPO, reward | KL | win rate under the rule | SFT, s | reward, s | PPO, s',
        '---|---|---|---|---|---|---|---',
        row.join(' | '),
      ].join('\n'),
    );
    assert.ok(Number.isFinite(last) && Number.isFinite(kl));
    if (quick) return;
    assert.ok(last! > first!, `${first} → ${last}`);
    assert.ok(wins.estimate > 0.5, JSON.stringify(wins));
    assert.ok(total < 15 * 60, `${total.toFixed(0)} s`);
  });

  /** What a review's prompt is about, from the rows that it was made of. */
  function aboutOf(prompt: string): string {
    const rows = readFileSync(path.join(folder, 'data/review-prompts.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { readonly prompt: string; readonly about: string });
    const found = rows.find(row => row.prompt === prompt);
    assert.ok(found, prompt);
    return found.about;
  }
});
