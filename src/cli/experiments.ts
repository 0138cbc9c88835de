/** What `compare` and `sweep` share: a template with its rows, rendered for a model, and how figures are printed. */
import { Option } from 'commander';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { ExampleBank } from '../core/datasets/bank.ts';
import { type EmbedTexts, embedderOf } from '../core/datasets/embeddings.ts';
import { guardBank } from '../core/datasets/leakage.ts';
import type { DataRow } from '../core/datasets/rows.ts';
import type { SamplingOptions } from '../core/generation.ts';
import { firstError, toHumanError } from '../core/prompts/promptyFile.ts';
import type { RenderOptions } from '../core/prompts/render.ts';
import { renderRows } from '../core/prompts/renderRows.ts';
import type { RenderedPrompt, Template } from '../core/prompts/template.ts';
import type { TextGenerator } from '../core/textGenerator.ts';
import { type Cli, numberOption } from './cli.ts';
import { type ForecastFlags, forecastOptions } from './forecasts.ts';
import { bankOf, loadTemplate, modelOf, rowsOf, withReferences } from './templates.ts';

export interface ExperimentOptions extends ForecastFlags {
  readonly limit?: number;
  readonly seed?: number;
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly allowEndpoint: readonly string[];
  readonly concurrency?: number;
  readonly retries?: number;
}

export const collectWords = (word: string, before: readonly string[] = []): string[] => [...before, word];

export const experimentOptions = (): Option[] => [
  new Option('--limit <number>', l10n.t('the first rows only')).argParser(
    numberOption('--limit', { min: 1, max: 1_000_000 }),
  ),
  new Option('--seed <number>', l10n.t('of sampling and of resampling')).argParser(numberOption('--seed')),
  new Option('--temperature <number>', l10n.t('0 is greedy')).argParser(
    numberOption('--temperature', { min: 0, max: 100, whole: false }),
  ),
  new Option('--max-tokens <number>', l10n.t('tokens of an answer')).argParser(
    numberOption('--max-tokens', { min: 1, max: 1_000_000 }),
  ),
  new Option('--allow-endpoint <origin>', l10n.t('a server that the template may send prompts to'))
    .argParser(collectWords)
    .default([]),
  ...askOptions(),
  ...forecastOptions(),
  new Option('--json', l10n.t('one JSON object')),
];

/** How models are asked. */
export const askOptions = (): Option[] => [
  new Option('--fresh', l10n.t('ask anew what the cache has an answer to')),
  new Option(
    '--concurrency <number>',
    l10n.t('requests to a server at once, at most (default: as it bears them)'),
  ).argParser(numberOption('--concurrency', { min: 1, max: 1_000_000 })),
  new Option('--retries <number>', l10n.t('how often a request that may yet succeed is sent again'))
    .argParser(numberOption('--retries', { min: 0, max: 1_000_000 }))
    .default(5),
];

export const samplingFlags = ({
  temperature,
  maxTokens: maxOutputTokens,
  seed,
}: ExperimentOptions): Partial<SamplingOptions> => ({ temperature, maxOutputTokens, seed });

export interface LoadedExperiment {
  readonly template: Template;
  /** Guarded against the rows. */
  readonly bank?: ExampleBank;
}

export interface TestRows {
  readonly rows: readonly DataRow[];
  readonly expected: readonly unknown[];
}

/** The rows that all columns share, each with what is expected. */
export async function testRows(cli: Cli, template: Template, limit: number | undefined): Promise<TestRows> {
  const column = template.tunesmith.expected;
  if (column === undefined)
    throw new HumanError(
      l10n.t('To compare answers it must be known which are right. Add “expected” under metadata.tunesmith.'),
      { place: { file: template.file } },
    );
  const rows = (await rowsOf(cli, template)).slice(0, limit);
  return {
    rows,
    expected: rows.map(({ line, values }) => {
      if (values[column] === undefined)
        throw new HumanError(l10n.t('This row has no “{0}”, which says what is right.', column), {
          place: { file: template.tunesmith.rows, line },
        });
      return values[column];
    }),
  };
}

/** The model for a template, with leave to send prompts to servers that the command line names. */
export async function generatorFor(
  cli: Cli,
  template: Template,
  wanted: string | undefined,
  options: ExperimentOptions,
): Promise<TextGenerator> {
  const { id, byTemplate } = modelOf(template, wanted);
  cli.allowOrigins(byTemplate ? options.allowEndpoint : [...options.allowEndpoint, id.split('|')[0]!]);
  const generator = await cli.models.get(id);
  if (!generator.model.controlledSampling) cli.note(l10n.t('This model does not honour temperature and seed.'));
  return generator;
}

export async function loadExperiment(
  cli: Cli,
  path: string,
  models: readonly string[],
  options: ExperimentOptions,
): Promise<Template> {
  const written = await loadTemplate(cli, path);
  const wanted = models.length > 0 ? models : [undefined];
  const local = wanted.every(model => !/^https?:/i.test(modelOf(written, model).id));
  return withReferences(cli, written, { local, allowEndpoint: options.allowEndpoint });
}

/** The template's bank without what says the same as a test row; undefined where no shots are wanted. */
export async function guardedBank(
  cli: Cli,
  template: Template,
  rows: readonly DataRow[],
): Promise<ExampleBank | undefined> {
  const bank = await bankOf(cli, template);
  const inputs = template.inputs.map(({ name }) => name);
  return bank && guardBank(bank, rows, inputs, template.tunesmith.examples?.leakage ?? 1);
}

/** A column's prompts, one a row. Remarks about the first row go to stderr; an error of any row is thrown. */
export async function renderColumn(
  cli: Cli,
  template: Template,
  rows: readonly Pick<DataRow, 'values'>[],
  options: Omit<RenderOptions, 'values'>,
  said: Set<string>,
): Promise<RenderedPrompt[]> {
  const prompts: RenderedPrompt[] = [];
  const all = rows.map(({ values }) => values);
  for await (const { prompt, diagnostics } of renderRows(template, all, options, cli.evaluator.render)) {
    if (!prompt) throw firstError(template, diagnostics) ?? new Error('nothing rendered and nothing said');
    for (const diagnostic of diagnostics) {
      if (!['too-few-examples', 'leaked-example', 'bad-row', 'over-budget'].includes(diagnostic.code)) continue;
      const text = toHumanError(template, diagnostic).describe();
      if (said.has(diagnostic.code)) continue;
      said.add(diagnostic.code);
      cli.note(text);
    }
    prompts.push(prompt);
  }
  return prompts;
}

/** Vectors for templates that compare examples by them. */
export const embedderFor = (cli: Cli, template: Template): Promise<EmbedTexts | undefined> =>
  embedderOf(template, id => cli.models.get(id));

/** Columns of text, the first to the left and the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)));
  return rows
    .map(row =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n');
}
