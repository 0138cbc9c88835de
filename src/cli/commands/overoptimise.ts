/** `tunesmith overoptimise`: tunes on a weak reward model with and without a KL penalty, while the true rule only watches. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import {
  type Mean,
  type OveroptimisationResult,
  overoptimisationSettings,
  runOveroptimisation,
} from '../../core/jobs/overoptimisation.ts';
import { overoptimisationPlot } from '../../core/jobs/overoptimisationPlot.ts';
import { describeAnnotator } from '../../core/preferences/simulatedAnnotator.ts';
import { type Cli, numberOption } from '../cli.ts';
import { withLoop } from './loopHost.ts';

interface OveroptimiseFlags {
  readonly model: string;
  readonly seeds: number;
  readonly beta: number;
  readonly steps?: number;
  readonly out: string;
  readonly keep?: string;
  readonly json?: boolean;
}

export function registerOveroptimise(program: Command, cli: Cli): void {
  program
    .command('overoptimise')
    .description(l10n.t('reward hacking and its cure: the proxy against the true rule, without and with a KL penalty'))
    .option('--model <model>', l10n.t('a local model by name or path'), 'pebble')
    .option('--seeds <n>', l10n.t('how often, each with preferences of its own'), numberOption('--seeds'), 5)
    .option('--beta <β>', l10n.t('strength of the penalty that is held against none'), numberOption('--beta'), 0.1)
    .option('--steps <n>', l10n.t('updates of each policy'), numberOption('--steps'))
    .option('--out <folder>', l10n.t('where the plot and the figures go'), 'overoptimisation')
    .option('--keep <folder>', l10n.t('keep jobs and models in this folder'))
    .option('--json', l10n.t('the result as one JSON object'))
    .action((flags: OveroptimiseFlags) => overoptimise(cli, flags));
}

async function overoptimise(cli: Cli, flags: OveroptimiseFlags): Promise<void> {
  if (!(Number.isInteger(flags.seeds) && flags.seeds >= 2)) {
    throw new HumanError(l10n.t('--seeds must be a whole number from 2 on: one run has no standard error.'));
  }
  if (!(flags.beta > 0))
    throw new HumanError(l10n.t('--beta must be above 0: it is held against a run without penalty.'));
  const result = await withLoop(cli, flags, run => {
    const settings = overoptimisationSettings(run.parameters);
    cli.note(describeAnnotator(settings.labelNoise));
    const { training, heldOut } = run;
    return runOveroptimisation(
      {
        model: flags.model,
        seeds: Array.from({ length: flags.seeds }, (_, seed) => seed),
        betas: [0, flags.beta],
        training,
        heldOut,
        settings: flags.steps ? { ...settings, rlhf: { ...settings.rlhf, steps: flags.steps } } : settings,
      },
      { ...run, trainPolicy: async (...job) => (await run.tune(...job)).events },
    );
  });
  const folder = resolve(cli.terminal.cwd, flags.out);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'overoptimisation.svg'), overoptimisationPlot(result));
  await writeFile(join(folder, 'overoptimisation.json'), `${JSON.stringify(result, null, 2)}\n`);
  cli.out(flags.json ? `${JSON.stringify(result)}\n` : table(result));
  cli.note(l10n.t('The plot and its figures are in {0}. {1} s in all.', folder, Math.round(result.seconds)));
}

const number = (value: number): string => value.toFixed(2).replace('-', '−');
const withError = ({ mean, error }: Mean): string => `${number(mean)} ± ${number(error)}`;

function table({ model, seeds, curves }: OveroptimisationResult): string {
  const lines = [
    l10n.t(
      '{0}, {1} seeds; each figure is above that of the base, ± its standard error over the seeds',
      model,
      seeds.length,
    ),
  ];
  for (const { beta, points, peakStep, drop, proxySince, fit } of curves) {
    const rows = [
      [l10n.t('step'), l10n.t('KL, nats'), l10n.t('proxy, standard deviations'), l10n.t('gold, points')],
      ...points.map(point => [String(point.step), ...[point.kl, point.proxy, point.gold].map(withError)]),
    ];
    const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
    lines.push(
      '',
      `β = ${beta}`,
      ...rows.map(row => row.map((cell, column) => cell.padStart(widths[column]!)).join('   ')),
      l10n.t(
        'Gold is highest at step {0} and loses {1} until the end; the proxy gains {2} meanwhile.',
        peakStep,
        withError(drop),
        withError(proxySince),
      ),
    );
    if (fit) {
      const peak = fit.peak === undefined ? l10n.t('no peak') : l10n.t('peak at √KL = {0}', number(fit.peak));
      lines.push(
        l10n.t(
          'Fit of the gold, d(α − β log d) with d = √KL: α = {0}, β = {1}, {2}.',
          number(fit.alpha),
          number(fit.beta),
          peak,
        ),
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
