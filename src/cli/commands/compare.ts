/** `tunesmith compare <templates…>`: accuracies of templates, variants and models on the same rows, with paired tests. */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { DataRow } from '../../core/datasets/rows.ts';
import { budgetOf } from '../../core/evaluation/contextBudget.ts';
import {
  answerColumn,
  type ColumnAnswers,
  type ComparedColumn,
  compareColumns,
} from '../../core/evaluation/experiment.ts';
import { expandAxes } from '../../core/evaluation/variants.ts';
import { axesOf } from '../../core/prompts/axesSettings.ts';
import type { RenderOptions } from '../../core/prompts/render.ts';
import type { Axes, Template } from '../../core/prompts/template.ts';
import { percent, range } from '../../core/statistics/figureText.ts';
import type { Cli } from '../cli.ts';
import {
  collectWords,
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
import { type ColumnPlan, rowRenderer, sayForecast } from '../forecasts.ts';

interface CompareOptions extends ExperimentOptions {
  readonly model?: readonly string[];
  readonly axis?: readonly string[];
}

export function registerCompare(program: Command, cli: Cli): void {
  const command = program
    .command('compare <templates...>')
    .description(l10n.t('compare templates, variants and models on the same rows'))
    .addOption(
      new Option('-m, --model <model>', l10n.t('id, name, or path of a model; repeat it to compare models')).argParser(
        collectWords,
      ),
    )
    .addOption(
      new Option(
        '--axis <name=value>',
        l10n.t('vary the template: shots=0, strategy=direct, prefix=…; repeat it for each value'),
      ).argParser(collectWords),
    );
  for (const option of experimentOptions()) command.addOption(option);
  command.action((paths: string[], options: CompareOptions) => compare(cli, paths, options));
}

interface Column {
  readonly label: string;
  readonly template: Template;
  readonly model: string | undefined;
}

async function compare(cli: Cli, paths: readonly string[], options: CompareOptions): Promise<void> {
  const models = options.model ?? [];
  const templates: Template[] = [];
  for (const path of paths) templates.push(await loadExperiment(cli, path, models, options));
  const columns = columnsOf(templates, models, options.axis && axesOf(options.axis));
  if (columns.length < 2)
    throw new HumanError(
      l10n.t('There is nothing to compare with. Name a second template, a second --model, or an --axis.'),
    );
  // All columns answer the rows of the first template.
  const { rows, expected } = await testRows(cli, templates[0]!, options.limit);
  const plans = await plansOf(cli, columns, rows, options);
  if (await sayForecast(cli, plans, { rows: rows.length }, options)) return;
  const answered: ColumnAnswers[] = [];
  const said = new Set<string>();
  for (const { label, template, generator, rendering } of plans) {
    const prompts = await renderColumn(cli, template, rows, rendering, said);
    answered.push(
      await answerColumn({ label, template, generator, prompts }, expected, {
        ask: cli.dispatcher.ask(generator, options),
        match: (...call) => cli.evaluator.match(...call),
        signal: cli.signal,
        sampling: samplingFlags(options),
        onProgress: done => cli.progress(l10n.t('{0}: {1} of {2} rows', label, done, rows.length)),
      }),
    );
    cli.progress('');
  }
  const compared = compareColumns(answered);
  if (options.json) cli.out(`${JSON.stringify({ rows: rows.length, columns: compared })}\n`);
  else cli.show(asText(compared));
}

interface Plan extends ColumnPlan {
  readonly label: string;
  readonly rendering: Omit<RenderOptions, 'values'>;
}

/** What each column asks of its model, before it is asked. */
async function plansOf(
  cli: Cli,
  columns: readonly Column[],
  rows: readonly DataRow[],
  options: CompareOptions,
): Promise<Plan[]> {
  const plans: Plan[] = [];
  for (const { label, template, model } of columns) {
    const generator = await generatorFor(cli, template, model, options);
    const rendering = {
      bank: await guardedBank(cli, template, rows),
      embed: await embedderFor(cli, template),
      budget: budgetOf(generator, template, samplingFlags(options)),
    };
    const render = rowRenderer(cli, template, rows, rendering);
    plans.push({ label, template, generator, rendering, render, sampling: samplingFlags(options) });
  }
  return plans;
}

/** Templates × variants × models. The first is the baseline. */
function columnsOf(templates: readonly Template[], models: readonly string[], given: Axes | undefined): Column[] {
  const several = templates.length > 1;
  return templates.flatMap(template => {
    const variants = expandAxes(template, given ?? template.tunesmith.axes);
    const name = basename(template.file).replace(/\.prompty$/, '');
    return variants.flatMap(variant => {
      const own = variant.model === undefined ? (models.length > 0 ? models : [undefined]) : [variant.model];
      return own.map((model): Column => {
        const parts = [
          ...(several || variant.values.length === 0 ? [name] : []),
          ...variant.values.map(({ label }) => label),
          ...(models.length > 1 && variant.model === undefined ? [model!] : []),
        ];
        return { label: parts.join(' · '), template: variant.template, model };
      });
    });
  });
}

function asText(columns: readonly ComparedColumn[]): string {
  const head = [
    '',
    l10n.t('right'),
    '',
    l10n.t('95 %'),
    l10n.t('difference'),
    l10n.t('95 %'),
    l10n.t('gained/lost'),
    'p',
  ];
  const lines = columns.map(({ label, accuracy, versus }) => [
    label,
    `${accuracy.right}/${accuracy.n}`,
    percent(accuracy.estimate),
    range(accuracy),
    ...(versus
      ? [
          `${versus.difference.estimate > 0 ? '+' : ''}${percent(versus.difference.estimate)}`,
          range(versus.difference),
          `${versus.gained}/${versus.lost}`,
          pValue(versus.adjustedP),
        ]
      : [l10n.t('baseline'), '', '', '']),
  ]);
  const failed = columns.reduce((sum, column) => sum + column.failed, 0);
  const note = l10n.t(
    'Accuracies with Wilson’s interval; paired differences with Newcombe’s; p of McNemar’s mid-p test, corrected by Holm for {0} comparisons.',
    columns.length - 1,
  );
  return `${table([head, ...lines])}${failed > 0 ? `${l10n.t('{0} answers failed and do not count.', failed)}\n` : ''}${note}\n`;
}

const pValue = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));
