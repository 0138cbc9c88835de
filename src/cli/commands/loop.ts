/** `tunesmith loop`: sample, judge, train a reward model, tune on it, and show on unseen prompts whether that helped. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { readRows } from '../../core/datasets/rows.ts';
import type { Prompt, SamplingOptions } from '../../core/generation.ts';
import type { ModelReference } from '../../core/jobs/job.ts';
import { type LoopHost, type LoopPrompt, type LoopResult, loopSettings, runLoop } from '../../core/jobs/loop.ts';
import { describeAnnotator } from '../../core/preferences/simulatedAnnotator.ts';
import { firstError, parseTemplate } from '../../core/prompts/promptyFile.ts';
import { renderPrompt } from '../../core/prompts/render.ts';
import { promptOf } from '../../core/prompts/template.ts';
import { newRewardJob, newRlhfJob } from '../../jobs/newJobs.ts';
import { Supervisor } from '../../jobs/supervisor.ts';
import { workspaceLayout } from '../../storage/workspaceLayout.ts';
import { type Cli, numberOption } from '../cli.ts';
import { runJob } from './trainJobs.ts';

interface LoopFlags {
  readonly model: string;
  readonly seed: number;
  readonly json?: boolean;
  readonly shufflePreferences?: boolean;
  readonly keep?: string;
}

/** Requests of one call to the model. */
const batchSize = 64;

export function registerLoop(program: Command, cli: Cli): void {
  program
    .command('loop')
    .description(l10n.t('the whole loop with a simulated annotator: sample, judge, train, tune, compare'))
    .option('--model <model>', l10n.t('a local model by name or path'), 'pebble')
    .option('--seed <n>', l10n.t('the same seed gives the same table'), numberOption('--seed'), 0)
    .option('--shuffle-preferences', l10n.t('the control: preferences that say nothing must not help'))
    .option('--keep <folder>', l10n.t('keep jobs and models in this folder'))
    .option('--json', l10n.t('the result as one JSON object'))
    .action((flags: LoopFlags) => loop(cli, flags));
}

async function loop(cli: Cli, flags: LoopFlags): Promise<void> {
  const start = performance.now();
  const reference = await cli.models.reference(flags.model);
  if (reference.adapter !== undefined) {
    throw new HumanError(
      l10n.t('The loop starts from a base model. Choose the one that “{0}” was tuned from.', flags.model),
    );
  }
  const { parameters } = await cli.inference.load({ base: reference.base });
  const settings = loopSettings(parameters);
  const [training, heldOut] = await Promise.all(['train', 'heldout'].map(set => reviews(cli, set)));
  cli.note(describeAnnotator(settings.labelNoise));
  if (flags.shufflePreferences) cli.note(l10n.t('Control: the preferences are shuffled and say nothing.'));
  const folder = flags.keep ? resolve(cli.terminal.cwd, flags.keep) : await mkdtemp(join(tmpdir(), 'tunesmith-loop-'));
  const layout = workspaceLayout(folder);
  const supervisor = new Supervisor({ ...cli.worker, layout, logger: cli.logger });
  const seconds = () => (performance.now() - start) / 1000;
  const host: LoopHost = {
    sample: (prompts, sampling, adapter) => sample(cli, { base: reference.base, adapter }, prompts, sampling),
    async trainReward(pairs, rewardSettings, seed) {
      // The model's memory is the job's now.
      await cli.inference.stop();
      const job = await newRewardJob({
        layout,
        name: 'reward',
        model: reference,
        seed,
        pairs,
        settings: rewardSettings,
      });
      return runJob(cli, supervisor, job);
    },
    async trainPolicy(prompts, unseen, rewardModel, rlhfSettings, seed) {
      const model: ModelReference = { id: 'local:reward', base: reference.base, adapter: rewardModel };
      const job = await newRlhfJob({
        layout,
        name: 'tuned',
        model: reference,
        seed,
        prompts,
        heldOut: unseen,
        reward: { kind: 'model', model },
        settings: rlhfSettings,
      });
      return runJob(cli, supervisor, job);
    },
    progress: message => cli.note(`${Math.round(seconds())} s  ${message}`),
    seconds,
  };
  try {
    const result = await runLoop(
      {
        model: flags.model,
        seed: flags.seed,
        training: training!,
        heldOut: heldOut!,
        settings,
        shufflePreferences: flags.shufflePreferences ?? false,
      },
      host,
    );
    cli.out(flags.json ? `${JSON.stringify(result)}\n` : table(result));
    cli.note(l10n.t('{0} s in all', Math.round(result.seconds)));
  } finally {
    supervisor.dispose();
    if (!flags.keep) await rm(folder, { recursive: true, force: true });
  }
}

/** The sample reviews, rendered through the sample template. */
async function reviews(cli: Cli, set: string): Promise<LoopPrompt[]> {
  const samples = join(cli.root, 'samples');
  const file = join(samples, 'templates', 'reply-to-review.prompty');
  const template = parseTemplate(await readFile(file, 'utf8'), file);
  const data = join(samples, 'data', `reviews-${set}.jsonl`);
  const prompts: LoopPrompt[] = [];
  for (const { values } of readRows(await readFile(data, 'utf8'), data)) {
    const { prompt, diagnostics } = await renderPrompt(template, { values }, cli.evaluator.render);
    if (!prompt) throw firstError(template, diagnostics) ?? new Error(`${file} was not rendered`);
    prompts.push({ prompt: promptOf(prompt), about: String(values.about) });
  }
  return prompts;
}

async function sample(
  cli: Cli,
  location: { readonly base: string; readonly adapter: string | undefined },
  prompts: readonly { readonly prompt: Prompt; readonly repeat: number }[],
  sampling: SamplingOptions,
): Promise<string[]> {
  const texts: string[] = [];
  for (let start = 0; start < prompts.length; start += batchSize) {
    cli.signal.throwIfAborted();
    const batch = prompts.slice(start, start + batchSize);
    const { items } = await cli.inference.ask(
      { base: location.base, ...(location.adapter === undefined ? {} : { adapter: location.adapter }) },
      'generate',
      {
        items: batch.map(({ prompt, repeat }) => ({
          prompt: prompt.kind === 'text' ? prompt : { ...prompt, messages: [...prompt.messages] },
          options: { ...sampling, stopSequences: [...sampling.stopSequences] },
          stream: repeat,
        })),
        alternatives: -1,
      },
      { signal: cli.signal },
    );
    // Interrupted answers are no answers of the model.
    cli.signal.throwIfAborted();
    texts.push(...items.map(({ text }) => text.trim()));
    cli.progress(l10n.t('{0} of {1} answers', texts.length, prompts.length));
  }
  cli.progress('');
  return texts;
}

function table(result: LoopResult): string {
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const interval = (low: number, high: number) => `${percent(low)} … ${percent(high)}`;
  const { heldOut, rewardModel, reward, length, distinct2 } = result;
  const change = ({ before, after }: { before: number; after: number }, digits: number) => [
    before.toFixed(digits),
    after.toFixed(digits),
  ];
  const rows: readonly (readonly string[])[] = [
    ['', l10n.t('before'), l10n.t('after')],
    [l10n.t('reward by the reward model'), ...change(reward, 3)],
    [l10n.t('words an answer'), ...change(length, 1)],
    [l10n.t('distinct-2'), ...change(distinct2, 3)],
    [l10n.t('KL to the base, nats an answer'), '0', result.kl.toFixed(3)],
  ];
  const widths = [0, 1, 2].map(column => Math.max(...rows.map(row => row[column]!.length)));
  const lines = rows.map(row =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('   '),
  );
  return [
    l10n.t('{0}, seed {1}', result.model, result.seed),
    '',
    ...lines,
    '',
    l10n.t(
      'Win rate over the base under the true rule: {0} (95 % {1}, {2} unseen prompts, a tie counts ½)',
      percent(heldOut.winRate),
      interval(heldOut.low, heldOut.high),
      heldOut.n,
    ),
    l10n.t(
      'Reward model, held-out accuracy: {0} (95 % {1}, {2} pairs)',
      percent(rewardModel.accuracy),
      interval(rewardModel.low, rewardModel.high),
      rewardModel.n,
    ),
    '',
  ].join('\n');
}
