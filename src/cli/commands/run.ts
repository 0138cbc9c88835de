/** `tunesmith run <template>`: renders a template, samples answers, grades them where rows say what is right. */
import { basename, dirname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { budgetOf } from '../../core/evaluation/contextBudget.ts';
import { type CellResult, samplingOf } from '../../core/evaluation/runCells.ts';
import type { SamplingOptions } from '../../core/generation.ts';
import { exampleValues, type Values } from '../../core/prompts/inputValues.ts';
import { messagesOf, shownAs } from '../../core/prompts/render.ts';
import { type Selection, Selections, Strategies, type Strategy, type Template } from '../../core/prompts/template.ts';
import type { TextGenerator } from '../../core/textGenerator.ts';
import { type Cli, numberOption } from '../cli.ts';
import { askOptions, embedderFor, guardedBank, renderColumn } from '../experiments.ts';
import { type ForecastFlags, forecastOptions, sayForecast } from '../forecasts.ts';
import { KeptRun, type RunToKeep } from '../keptRun.ts';
import { asJson, asText, type Row, showPrompt, summarise, verdict } from '../runOutput.ts';
import { sampleRows } from '../sampleRows.ts';
import { bankOf, givenValues, loadTemplate, modelOf, rowsOf, withReferences } from '../templates.ts';

interface RunOptions extends ForecastFlags {
  readonly model?: string;
  readonly row?: number;
  readonly rows?: boolean;
  readonly limit?: number;
  readonly input?: readonly string[];
  readonly samples: number;
  readonly shots?: number;
  readonly selection?: Selection;
  readonly strategy?: Strategy;
  readonly seed?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly maxTokens?: number;
  readonly allowEndpoint: readonly string[];
  readonly rank?: boolean;
  readonly concurrency?: number;
  readonly retries?: number;
  readonly resume?: string;
  readonly prompt?: boolean;
}

export function registerRun(program: Command, cli: Cli): void {
  const count = (name: string, min = 0) => numberOption(name, { min, max: 1_000_000 });
  const collect = (word: string, before: readonly string[] = []): string[] => [...before, word];
  const command = program
    .command('run <template>')
    .description(l10n.t('run a .prompty template on a model'))
    .option('-m, --model <model>', l10n.t('id, name, or path of a model (default: the template’s, else pebble)'))
    .addOption(new Option('-i, --input <name=value>', l10n.t('a value of an input; repeat it')).argParser(collect))
    .option('--row <number>', l10n.t('one of the template’s rows, counted from 1'), count('--row', 1))
    .option('--rows', l10n.t('all of the template’s rows; graded where they hold what is expected'))
    .option('--limit <number>', l10n.t('the first rows only'), count('--limit', 1))
    .option('-n, --samples <number>', l10n.t('answers for each prompt'), count('--samples', 1), 1)
    .option('--shots <number>', l10n.t('worked examples to show'), count('--shots'))
    .addOption(new Option('--selection <how>', l10n.t('which examples')).choices(Selections))
    .addOption(new Option('--strategy <strategy>', l10n.t('how to reason')).choices(Strategies))
    .option('--seed <number>', l10n.t('of sampling and of random examples'), numberOption('--seed'))
    .option(
      '--temperature <number>',
      l10n.t('0 is greedy'),
      numberOption('--temperature', { min: 0, max: 100, whole: false }),
    )
    .option('--top-p <number>', l10n.t('1 keeps all'), numberOption('--top-p', { min: 0, max: 1, whole: false }))
    .option('--top-k <number>', l10n.t('0 keeps all'), count('--top-k'))
    .option('--max-tokens <number>', l10n.t('tokens of an answer'), count('--max-tokens', 1))
    .addOption(
      new Option('--allow-endpoint <origin>', l10n.t('a server that the template may send prompts to'))
        .argParser(collect)
        .default([]),
    )
    .option('--resume <run>', l10n.t('go on with an interrupted run'))
    .option('--rank', l10n.t('put the answers up for ranking (tunesmith rank)'))
    .option('--prompt', l10n.t('print the rendered prompt and ask no model'))
    .option('--json', l10n.t('JSON Lines: one object a row, then a summary'))
    .action((path: string, options: RunOptions) => run(cli, path, options));
  for (const option of [...askOptions(), ...forecastOptions()]) command.addOption(option);
}

async function run(cli: Cli, path: string, options: RunOptions): Promise<void> {
  const written = await loadTemplate(cli, path);
  const { id, byTemplate } = modelOf(written, options.model);
  const local = !/^https?:/i.test(id);
  cli.allowOrigins(byTemplate ? options.allowEndpoint : [...options.allowEndpoint, id.split('|')[0]!]);
  const template = await withReferences(cli, written, { local, allowEndpoint: options.allowEndpoint });
  const strategy = options.strategy ?? template.tunesmith.reasoning.strategy;
  const model = cli.models.get(id);
  // A prompt can be looked at without the model; it is cut to the context where the model is here.
  const rows = await prepare(
    cli,
    template,
    options,
    strategy,
    await (options.prompt ? model.catch(() => undefined) : model),
  );
  const { out, json } = { out: (text: string) => cli.out(text), json: options.json ?? false };
  if (options.prompt) {
    for (const row of rows)
      json
        ? out(`${JSON.stringify({ row: row.number, messages: messagesOf(row.prompt) })}\n`)
        : cli.show(showPrompt(row.prompt));
    return;
  }

  const generator = await model;
  cli.note(l10n.t('{0} on {1}', basename(path), generator.model.label));
  if (!generator.model.controlledSampling) cli.note(l10n.t('This model does not honour temperature and seed.'));
  const sampling = samplingOf(template, samplingFlags(options));
  const plan = { template, strategy, generator, render: async (row: number) => rows[row]!.prompt, sampling };
  if (await sayForecast(cli, [plan], { rows: rows.length, repeats: options.samples }, options)) return;
  const single = rows.length === 1 && options.samples === 1 && !json;
  const grades: boolean[] = [];
  const done: RankedRow[] = [];
  let problem: HumanError | undefined;
  let rowsDone = 0;
  const kept = await KeptRun.open(
    cli.layout,
    await toKeep(cli, written, template, rows, generator, options),
    options.resume,
  );
  const failure = await sampleRows(cli, rows, {
    kept,
    ask: cli.dispatcher.ask(generator, options),
    template,
    strategy,
    sampling,
    samples: options.samples,
    ...(single && {
      onDelta: (text: string) => cli.show(text),
      onRestart: () => cli.show(`\n${l10n.t('The answer broke off and begins anew:')}\n`),
    }),
    onRow: (row, answers) => {
      if (options.rank) done.push({ row, answers });
      for (const { correct } of answers) if (correct !== undefined) grades.push(correct);
      problem ??= answers.find(result => result.problem)?.problem;
      if (json) out(`${JSON.stringify(asJson(row, answers))}\n`);
      else if (single) cli.show(`\n${verdict(answers[0]!, row)}`);
      else cli.show(asText(template, row, answers));
      rowsDone++;
      if (rows.length > 1) cli.progress(l10n.t('{0} of {1} rows', rowsDone, rows.length));
    },
  });
  cli.progress('');
  await kept?.close();
  if (kept && (failure !== undefined || cli.signal.aborted))
    cli.note(l10n.t('What was answered is kept. To go on: the same command with --resume {0}', kept.id));
  summarise(cli, grades, json);
  // What was answered before a failure is still put up for ranking.
  if (options.rank && done.length > 0) await putUp(cli, template, generator, done);
  // Last, so that every answer is out before the command fails.
  if (failure !== undefined) throw failure;
  if (problem) throw problem;
}

/** Everything that the run's record says of it. */
async function toKeep(
  cli: Cli,
  written: Template,
  template: Template,
  rows: readonly Row[],
  generator: TextGenerator,
  options: RunOptions,
): Promise<RunToKeep> {
  const { shots, selection } = options;
  const examples = template.tunesmith.examples;
  const withRows = options.row !== undefined || options.rows || options.limit !== undefined;
  const shown = rows.some(({ prompt }) => prompt.shots.length > 0);
  const bank = shown && examples ? await bankOf(cli, template) : undefined;
  const beside = (file: string): string => resolve(dirname(template.file), file);
  return {
    // As it was written: what stands behind references belongs to this machine.
    template: written,
    strategy: options.strategy ?? template.tunesmith.reasoning.strategy,
    sampling: samplingOf(template, samplingFlags(options)),
    samples: options.samples,
    rows,
    generator,
    settings: { shots: shots ?? examples?.shots, selection: selection ?? examples?.selection },
    inputs: givenValues(template, options.input ?? []),
    tool: cli.version,
    files: {
      ...(withRows && template.tunesmith.rows !== undefined && { data: beside(template.tunesmith.rows) }),
      ...(bank && examples && { bank: { path: beside(examples.bank), rows: bank.rows.length } }),
    },
  };
}

interface RankedRow {
  readonly row: Row;
  readonly answers: readonly CellResult[];
}

/** Renders every row before the first is sent, so that what is wrong is said at once. */
async function prepare(
  cli: Cli,
  template: Template,
  options: RunOptions,
  strategy: Strategy,
  generator: TextGenerator | undefined,
): Promise<Row[]> {
  const chosen = await valuesOf(cli, template, options);
  const wanted = options.shots ?? template.tunesmith.examples?.shots ?? 0;
  const shown = wanted > 0 && shownAs(strategy, template) !== 'zero-shot-cot';
  const { expected } = template.tunesmith;
  // What is graded must not be given away by an example.
  const graded = expected !== undefined && chosen.some(({ number }) => number !== undefined);
  const bank = !shown
    ? undefined
    : graded
      ? await guardedBank(cli, template, await rowsOf(cli, template))
      : await bankOf(cli, template);
  const prompts = await renderColumn(
    cli,
    template,
    chosen,
    {
      bank,
      embed: bank && (await embedderFor(cli, template)),
      budget: bank && generator && budgetOf(generator, template, samplingFlags(options)),
      strategy,
      shots: options.shots,
      selection: options.selection,
      exampleSeed: options.seed,
    },
    new Set(),
  );
  return chosen.map(({ number, values }, i) => {
    return { number, values, prompt: prompts[i]!, expected: expected === undefined ? undefined : values[expected] };
  });
}

async function valuesOf(
  cli: Cli,
  template: Template,
  options: RunOptions,
): Promise<{ number?: number; values: Values }[]> {
  const given = givenValues(template, options.input ?? []);
  if (options.row === undefined && !options.rows && options.limit === undefined)
    return [{ values: { ...exampleValues(template.inputs), ...given } }];
  const all = (await rowsOf(cli, template)).map((row, i) => ({ number: i + 1, values: { ...row.values, ...given } }));
  if (options.row === undefined) return all.slice(0, options.limit);
  const row = all[options.row - 1];
  if (!row) throw new HumanError(l10n.t('There is no row {0}; there are {1}.', options.row, all.length));
  return [row];
}

function samplingFlags(options: RunOptions): Partial<SamplingOptions> {
  const { temperature, topP, topK, maxTokens: maxOutputTokens, seed } = options;
  return { temperature, topP, topK, maxOutputTokens, seed };
}

/** Rows with two or more different answers become items to rank. */
async function putUp(
  cli: Cli,
  template: Template,
  generator: TextGenerator,
  done: readonly RankedRow[],
): Promise<void> {
  const journal = await cli.journal();
  try {
    const items = await journal.addItems(
      done.map(({ row, answers }) => ({
        set: template.name,
        messages: messagesOf(row.prompt),
        answers: answers
          .filter(({ generation }) => generation.finishReason !== 'cancelled')
          .map(({ text, generation }) => ({
            text: text.trim(),
            model: generator.model.id,
            seed: generation.options.seed,
            repeat: generation.repeat,
          })),
      })),
    );
    cli.note(l10n.t('{0} to rank in “{1}”: tunesmith rank', items.length, template.name));
    if (items.length < done.length)
      cli.note(
        l10n.t(
          '{0} rows gave fewer than two different answers. Use --samples 4 or a higher temperature.',
          done.length - items.length,
        ),
      );
  } finally {
    await journal.close();
  }
}
