/** `tunesmith sweep <template>`: accuracy against the number of worked examples, their order resampled. */
import { basename } from 'node:path';
import type { Command } from 'commander';
import { l10n } from '../../base/l10n.ts';
import { budgetOf } from '../../core/evaluation/contextBudget.ts';
import { answerColumn } from '../../core/evaluation/experiment.ts';
import {
  checkSweep,
  type SweepPoint,
  type SweptAnswers,
  sweepColumns,
  sweepCurve,
} from '../../core/evaluation/sweep.ts';
import { defaultSweep, MostSweptShots } from '../../core/evaluation/sweepSettings.ts';
import { withShots } from '../../core/evaluation/variants.ts';
import { percent, range } from '../../core/statistics/figureText.ts';
import { type Cli, numberOption } from '../cli.ts';
import {
  type ExperimentOptions,
  embedderFor,
  experimentOptions,
  generatorFor,
  guardedBank,
  loadExperiment,
  renderColumn,
  samplingFlags,
  table,
  testRows,
} from '../experiments.ts';
import { rowRenderer, sayForecast } from '../forecasts.ts';

interface SweepOptions extends ExperimentOptions {
  readonly model?: string;
  readonly k: readonly number[];
  readonly orders: number;
}

export function registerSweep(program: Command, cli: Cli): void {
  const command = program
    .command('sweep <template>')
    .description(l10n.t('accuracy against the number of worked examples'))
    .option('-m, --model <model>', l10n.t('id, name, or path of a model (default: the template’s, else pebble)'))
    .option('--k <numbers>', l10n.t('numbers of examples, with commas between'), shotList, [...defaultSweep.shots])
    .option(
      '--orders <number>',
      l10n.t('orders of the same examples that are tried'),
      numberOption('--orders', { min: 1, max: 100 }),
      defaultSweep.orders,
    );
  for (const option of experimentOptions()) command.addOption(option);
  command.action((path: string, options: SweepOptions) => sweep(cli, path, options));
}

function shotList(text: string): number[] {
  const check = numberOption('--k', { min: 0, max: MostSweptShots });
  return [...new Set(text.split(',').map(check))].sort((a, b) => a - b);
}

async function sweep(cli: Cli, path: string, options: SweepOptions): Promise<void> {
  const template = await loadExperiment(cli, path, options.model === undefined ? [] : [options.model], options);
  checkSweep(template);
  const { rows, expected } = await testRows(cli, template, options.limit);
  const generator = await generatorFor(cli, template, options.model, options);
  cli.note(l10n.t('{0} on {1}', basename(path), generator.model.label));
  const bank = await guardedBank(cli, template, rows);
  const embed = await embedderFor(cli, withShots(template, Math.max(...options.k)));
  const seed = options.seed ?? template.tunesmith.examples!.seed;
  const sampling = samplingFlags(options);
  const columns = sweepColumns(template, { shots: options.k, orders: options.orders, seed }).map(column => {
    const budget = budgetOf(generator, column.template, sampling);
    return { ...column, how: { bank, embed, budget, orderSeed: column.orderSeed } };
  });
  const plans = columns.map(({ template: shown, how }) => ({
    template: shown,
    generator,
    render: rowRenderer(cli, shown, rows, how),
    sampling,
  }));
  if (await sayForecast(cli, plans, { rows: rows.length }, options)) return;
  const said = new Set<string>();
  const answers: SweptAnswers[] = [];
  for (const { shots, order, template: shown, how } of columns) {
    const prompts = await renderColumn(cli, shown, rows, how, said);
    const label = l10n.t('{0} shots', shots);
    const answered = await answerColumn({ label, template: shown, generator, prompts }, expected, {
      ask: cli.dispatcher.ask(generator, options),
      match: (...call) => cli.evaluator.match(...call),
      signal: cli.signal,
      sampling,
      onProgress: done => cli.progress(l10n.t('{0}, order {1}: {2} of {3} rows', label, order + 1, done, rows.length)),
    });
    answers.push({ shots, ...answered });
  }
  cli.progress('');
  const points = sweepCurve(answers, seed);
  if (options.json) cli.out(`${JSON.stringify({ rows: rows.length, model: generator.model.id, points })}\n`);
  else cli.show(asText(points));
}

function asText(points: readonly SweepPoint[]): string {
  const head = [l10n.t('shots'), l10n.t('right'), l10n.t('95 %'), '', l10n.t('orders'), 'p'];
  const lines = points.map(({ shots, accuracy, spread, versus }) => {
    return [
      String(shots),
      percent(accuracy.estimate),
      range(accuracy),
      bar(accuracy.estimate),
      spread
        ? `${percent(Math.min(...spread.orders.map(one => one.estimate)))} … ${percent(Math.max(...spread.orders.map(one => one.estimate)))}`
        : '',
      versus ? versus.adjustedP.toFixed(3) : '',
    ];
  });
  const note = l10n.t(
    'Mean accuracy over orders of the same examples; band: bootstrap over {0} rows (Wilson where there is one order); p: McNemar’s mid-p against the first line, corrected by Holm.',
    points[0]!.accuracy.n,
  );
  return `${table([head, ...lines])}${note}\n`;
}

const bar = (share: number): string => '█'.repeat(Math.round(share * 20)).padEnd(20, '·');
