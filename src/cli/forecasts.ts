/** Says on the command line what a run will ask of its models before it begins, or that alone. */
import { Option } from 'commander';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { type Forecast, forecast } from '../core/evaluation/forecast.ts';
import { type ForecastColumn, forecastRun, type RunForecast } from '../core/evaluation/forecastRun.ts';
import { type Prices, priceOf } from '../core/evaluation/prices.ts';
import type { SamplingOptions } from '../core/generation.ts';
import { firstError } from '../core/prompts/promptyFile.ts';
import { type RenderOptions, renderPrompt } from '../core/prompts/render.ts';
import type { RenderedPrompt, Strategy, Template } from '../core/prompts/template.ts';
import type { TextGenerator } from '../core/textGenerator.ts';
import type { Cli } from './cli.ts';

export interface ForecastFlags {
  readonly forecast?: boolean;
  readonly price?: readonly string[];
  readonly fresh?: boolean;
  readonly json?: boolean;
}

export const forecastOptions = (): Option[] => [
  new Option('--forecast', l10n.t('say what the run would ask of its models, and ask nothing')),
  new Option(
    '--price <model=input,output>',
    l10n.t('US dollars for a million tokens, for the forecast; repeat it for each model'),
  ).argParser((word: string, before: readonly string[] = []) => [...before, word]),
];

/** Throws a HumanError for what is no price. */
export function pricesFrom(words: readonly string[] = []): Prices {
  return Object.fromEntries(
    words.map(word => {
      const [, model, input, output] = /^(.+)=([\d.]+),([\d.]+)$/.exec(word) ?? [];
      if (!model || !Number.isFinite(Number(input)) || !Number.isFinite(Number(output)))
        throw new HumanError(l10n.t('--price must be model=input,output such as gpt=0.15,0.6, not “{0}”.', word));
      return [model, { input: Number(input), output: Number(output) }];
    }),
  );
}

/** A column of a run: `prompts` that are rendered already, or what renders a row. */
export interface ColumnPlan {
  readonly template: Template;
  readonly strategy?: Strategy;
  readonly generator: TextGenerator;
  readonly render: (row: number) => Promise<RenderedPrompt>;
  readonly sampling?: Partial<SamplingOptions>;
}

/** What renders the rows of an experiment one at a time. */
export const rowRenderer =
  (
    cli: Cli,
    template: Template,
    rows: readonly { readonly values: RenderOptions['values'] }[],
    options: Omit<RenderOptions, 'values'>,
  ): ColumnPlan['render'] =>
  async row => {
    const { prompt, diagnostics } = await renderPrompt(
      template,
      { ...options, values: rows[row]!.values },
      cli.evaluator.render,
    );
    if (!prompt) throw firstError(template, diagnostics) ?? new Error('nothing rendered and nothing said');
    return prompt;
  };

/** Says what a run will take: on stderr before it, on stdout where `--forecast` asks for that alone (then true). */
export async function sayForecast(
  cli: Cli,
  plans: readonly ColumnPlan[],
  { rows, repeats = 1 }: { readonly rows: number; readonly repeats?: number },
  flags: ForecastFlags,
): Promise<boolean> {
  // One answer comes as soon as its forecast would.
  if (!flags.forecast && plans.length * rows * repeats === 1) return false;
  const prices = pricesFrom(flags.price);
  const columns = plans.map(({ template, strategy, generator, render, sampling }): ForecastColumn => {
    const price = priceOf(prices, generator.model);
    return {
      template,
      strategy: strategy ?? template.tunesmith.reasoning.strategy,
      generator: async () => generator,
      render,
      ...(price && { price }),
      ...(sampling && { sampling }),
    };
  });
  const made = await forecastRun(
    columns,
    Array.from({ length: rows }, (_, row) => row),
    repeats,
    {
      measured: model => cli.dispatcher.measured(model),
      match: (...call) => cli.evaluator.match(...call),
      signal: cli.signal,
      ...(flags.fresh ? {} : { known: (generator, request) => cli.dispatcher.known(generator, request) }),
    },
  );
  return print(cli, made, flags);
}

function print(cli: Cli, made: Forecast & Partial<RunForecast>, { forecast: alone, json }: ForecastFlags): boolean {
  if (alone) cli.out(json ? `${JSON.stringify(made)}\n` : `${inWords(made)}\n`);
  else cli.note(l10n.t('Forecast: {0}', inWords(made)));
  return alone ?? false;
}

function inWords({
  cells,
  cached,
  calls,
  promptTokens,
  completionTokens,
  counted,
  exact,
  cost,
  seconds,
}: Forecast & Partial<RunForecast>): string {
  const number = (value: number): string => Math.round(value).toLocaleString('en');
  const money = (value: number): string => `$${value < 0.01 ? value.toPrecision(2) : value.toFixed(2)}`;
  const { expected, most } = completionTokens;
  const sure = counted && exact !== false;
  return [
    ...(cells === undefined ? [] : [l10n.t('{0} cells', number(cells))]),
    cached
      ? l10n.t('{0} calls ({1} cells are in the cache)', number(calls), number(cached))
      : l10n.t('{0} calls', number(calls)),
    sure ? l10n.t('{0} tokens in', number(promptTokens)) : l10n.t('about {0} tokens in', number(promptTokens)),
    expected === most
      ? l10n.t('at most {0} out', number(most))
      : l10n.t('about {0} out, at most {1}', number(expected), number(most)),
    ...(cost === undefined || cost.most === 0
      ? []
      : [l10n.t('{0}, at most {1}', money(cost.expected), money(cost.most))]),
    ...(seconds === undefined ? [] : [l10n.t('about {0} s', number(Math.max(1, seconds)))]),
  ].join(', ');
}

/** Rows whose prompts stand for all that a search will ask. */
const SearchedRows = 32;

/** As `sayForecast` for a prompt search, which spends its budget on prompts about as long as the template's own. */
export async function saySearch(
  cli: Cli,
  search: ColumnPlan & { readonly proposer?: TextGenerator; readonly budget: number; readonly rows: number },
  flags: ForecastFlags,
): Promise<boolean> {
  const { generator, proposer, budget, rows } = search;
  const prices = pricesFrom(flags.price);
  const [price, other] = [generator, proposer ?? generator].map(({ model }) => priceOf(prices, model));
  const looked = await forecastRun(
    [{ ...search, strategy: 'direct', generator: async () => generator }],
    Array.from({ length: Math.min(rows, SearchedRows) }, (_, row) => row),
    1,
    { measured: model => cli.dispatcher.measured(model), match: async () => [], signal: cli.signal },
  );
  const made = forecast([
    {
      cells: budget,
      callsPerCell: 1,
      promptTokens: (looked.promptTokens / Math.max(1, looked.cells)) * budget,
      counted: false,
      maxOutputTokens: looked.completionTokens.most / Math.max(1, looked.cells),
      // Two models with two prices: how the budget falls to them is not known before.
      ...(price && price.input === other?.input && price.output === other.output && { price }),
    },
  ]);
  return print(cli, made, flags);
}
