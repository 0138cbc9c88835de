/** `tunesmith sweep <template>`: accuracy against the number of worked examples, their order resampled. */
import { basename } from 'node:path';
import type { Command } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import {
  answerColumn,
  type ColumnAnswers,
  type ComparedColumn,
  compareColumns,
  type SweepPoint,
  sweepPoint,
} from '../../core/evaluation/experiment.ts';
import { withShots } from '../../core/evaluation/variants.ts';
import { shownAs } from '../../core/prompts/render.ts';
import { type Cli, numberOption } from '../cli.ts';
import {
  budgetOf,
  type ExperimentOptions,
  embedderFor,
  experimentOptions,
  generatorFor,
  guardedBank,
  loadExperiment,
  percent,
  range,
  renderColumn,
  samplingFlags,
  table,
  testRows,
} from '../experiments.ts';

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
    .option('--k <numbers>', l10n.t('numbers of examples, with commas between'), shotList, [0, 1, 2, 4, 8])
    .option(
      '--orders <number>',
      l10n.t('orders of the same examples that are tried'),
      numberOption('--orders', { min: 1, max: 100 }),
      3,
    );
  for (const option of experimentOptions()) command.addOption(option);
  command.action((path: string, options: SweepOptions) => sweep(cli, path, options));
}

function shotList(text: string): number[] {
  const check = numberOption('--k', { min: 0, max: 1000 });
  return [...new Set(text.split(',').map(check))].sort((a, b) => a - b);
}

async function sweep(cli: Cli, path: string, options: SweepOptions): Promise<void> {
  const template = await loadExperiment(cli, path, options.model === undefined ? [] : [options.model], options);
  const place = { file: template.file };
  if (!template.tunesmith.examples)
    throw new HumanError(
      l10n.t('This template names no example bank. Add “examples” under metadata.tunesmith, or use no shots.'),
      { place },
    );
  if (shownAs(template.tunesmith.reasoning.strategy, template) === 'zero-shot-cot')
    throw new HumanError(
      l10n.t('Zero-shot chain of thought shows no examples. Choose another strategy to sweep shots.'),
      {
        place,
      },
    );
  const { rows, expected } = await testRows(cli, template, options.limit);
  const generator = await generatorFor(cli, template, options.model, options);
  cli.note(l10n.t('{0} on {1}', basename(path), generator.model.label));
  const bank = await guardedBank(cli, template, rows);
  const embed = await embedderFor(cli, withShots(template, Math.max(...options.k)));
  const said = new Set<string>();
  const seed = options.seed ?? template.tunesmith.examples.seed;
  const points: SweepPoint[] = [];
  const firsts: ColumnAnswers[] = [];
  for (const shots of options.k) {
    const shown = withShots(template, shots);
    const orders: ColumnAnswers[] = [];
    // One example has one order. The first is the template's own.
    for (let order = 0; order < (shots < 2 ? 1 : options.orders); order++) {
      const budget = budgetOf(generator, shown, samplingFlags(options));
      const orderSeed = order === 0 ? undefined : seed + order;
      const prompts = await renderColumn(cli, shown, rows, { bank, embed, budget, orderSeed }, said);
      const label = l10n.t('{0} shots', shots);
      orders.push(
        await answerColumn({ label, template: shown, generator, prompts }, expected, {
          ask: cli.dispatcher.ask(generator, options),
          match: (...call) => cli.evaluator.match(...call),
          signal: cli.signal,
          sampling: samplingFlags(options),
          onProgress: done =>
            cli.progress(l10n.t('{0}, order {1}: {2} of {3} rows', label, order + 1, done, rows.length)),
        }),
      );
    }
    points.push(sweepPoint(shots, orders, seed));
    firsts.push(orders[0]!);
  }
  cli.progress('');
  // The template's own order at each number of shots, paired with the fewest shots.
  const compared = compareColumns(firsts);
  if (options.json)
    cli.out(
      `${JSON.stringify({ rows: rows.length, model: generator.model.id, points: points.map((point, i) => ({ ...point, versus: compared[i]!.versus })) })}\n`,
    );
  else cli.show(asText(points, compared));
}

function asText(points: readonly SweepPoint[], compared: readonly ComparedColumn[]): string {
  const head = [l10n.t('shots'), l10n.t('right'), l10n.t('95 %'), '', l10n.t('orders'), 'p'];
  const lines = points.map(({ shots, accuracy, spread }, i) => {
    const versus = compared[i]!.versus;
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
