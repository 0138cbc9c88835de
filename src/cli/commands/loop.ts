/** `tunesmith loop`: sample, judge, train a reward model, tune on it, and show on unseen prompts whether that helped. */
import type { Command } from 'commander';
import { l10n } from '../../base/l10n.ts';
import { type LoopResult, loopSettings, runLoop } from '../../core/jobs/loop.ts';
import { describeAnnotator } from '../../core/preferences/simulatedAnnotator.ts';
import { type Cli, numberOption } from '../cli.ts';
import { withLoop } from './loopHost.ts';

interface LoopFlags {
  readonly model: string;
  readonly seed: number;
  readonly json?: boolean;
  readonly shufflePreferences?: boolean;
  readonly keep?: string;
}

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
  const result = await withLoop(cli, flags, run => {
    const settings = loopSettings(run.parameters);
    cli.note(describeAnnotator(settings.labelNoise));
    if (flags.shufflePreferences) cli.note(l10n.t('Control: the preferences are shuffled and say nothing.'));
    const { training, heldOut } = run;
    return runLoop(
      {
        model: flags.model,
        seed: flags.seed,
        training,
        heldOut,
        settings,
        shufflePreferences: flags.shufflePreferences ?? false,
      },
      { ...run, trainPolicy: async (...job) => (await run.tune(...job)).result },
    );
  });
  cli.out(flags.json ? `${JSON.stringify(result)}\n` : table(result));
  cli.note(l10n.t('{0} s in all', Math.round(result.seconds)));
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
