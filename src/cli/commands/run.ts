/** `tunesmith run <template>`: renders a template, samples answers, grades them where rows say what is right. */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { type CellResult, samplingOf } from '../../core/evaluation/runCells.ts';
import type { SamplingOptions } from '../../core/generation.ts';
import { exampleValues, type Values } from '../../core/prompts/inputValues.ts';
import { firstError, toHumanError } from '../../core/prompts/promptyFile.ts';
import { messagesOf, renderPrompt, shownAs } from '../../core/prompts/render.ts';
import { type Selection, Selections, Strategies, type Strategy, type Template } from '../../core/prompts/template.ts';
import type { TextGenerator } from '../../core/textGenerator.ts';
import { type Cli, numberOption } from '../cli.ts';
import { askOptions, embedderFor } from '../experiments.ts';
import { KeptRun } from '../keptRun.ts';
import { asJson, asText, type Row, showPrompt, summarise, verdict } from '../runOutput.ts';
import { sampleRows } from '../sampleRows.ts';
import { bankOf, givenValues, loadTemplate, modelOf, rowsOf, withReferences } from '../templates.ts';

interface RunOptions {
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
  readonly json?: boolean;
  readonly fresh?: boolean;
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
  for (const option of askOptions()) command.addOption(option);
}

async function run(cli: Cli, path: string, options: RunOptions): Promise<void> {
  const written = await loadTemplate(cli, path);
  const { id, byTemplate } = modelOf(written, options.model);
  const local = !/^https?:/i.test(id);
  cli.allowOrigins(byTemplate ? options.allowEndpoint : [...options.allowEndpoint, id.split('|')[0]!]);
  const template = await withReferences(cli, written, { local, allowEndpoint: options.allowEndpoint });
  const strategy = options.strategy ?? template.tunesmith.reasoning.strategy;
  const rows = await prepare(cli, template, options, strategy);
  const { out, json } = { out: (text: string) => cli.out(text), json: options.json ?? false };
  if (options.prompt) {
    for (const row of rows)
      json
        ? out(`${JSON.stringify({ row: row.number, messages: messagesOf(row.prompt) })}\n`)
        : cli.show(showPrompt(row.prompt));
    return;
  }

  const generator = await cli.models.get(id);
  cli.note(l10n.t('{0} on {1}', basename(path), generator.model.label));
  if (!generator.model.controlledSampling) cli.note(l10n.t('This model does not honour temperature and seed.'));
  const sampling = samplingOf(template, samplingFlags(options));
  const single = rows.length === 1 && options.samples === 1 && !json;
  const grades: boolean[] = [];
  const done: RankedRow[] = [];
  let problem: HumanError | undefined;
  let rowsDone = 0;
  const kept = await KeptRun.open(cli.layout, written, {
    resume: options.resume,
    cells: rows.length * options.samples,
    depends: [
      generator.model.id,
      strategy,
      sampling,
      options.samples,
      rows.map(({ prompt, expected }) => [messagesOf(prompt), expected]),
    ],
  });
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

interface RankedRow {
  readonly row: Row;
  readonly answers: readonly CellResult[];
}

/** Renders every row before the first is sent, so that what is wrong is said at once. */
async function prepare(cli: Cli, template: Template, options: RunOptions, strategy: Strategy): Promise<Row[]> {
  const wanted = options.shots ?? template.tunesmith.examples?.shots ?? 0;
  const bank = wanted > 0 && shownAs(strategy, template) !== 'zero-shot-cot' ? await bankOf(cli, template) : undefined;
  const embed = bank && (await embedderFor(cli, template));
  const { expected } = template.tunesmith;
  const rows: Row[] = [];
  for (const { number, values } of await valuesOf(cli, template, options)) {
    const { prompt, diagnostics } = await renderPrompt(
      template,
      { values, bank, embed, strategy, shots: options.shots, selection: options.selection, exampleSeed: options.seed },
      cli.evaluator.render,
    );
    if (!prompt) throw firstError(template, diagnostics) ?? new Error('nothing rendered and nothing said');
    const few = diagnostics.find(({ code }) => code === 'too-few-examples');
    if (few && rows.length === 0) cli.note(toHumanError(template, few).describe());
    rows.push({ number, values, prompt, expected: expected === undefined ? undefined : values[expected] });
  }
  return rows;
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
