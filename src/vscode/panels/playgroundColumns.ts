/** The columns of the playground's matrix: each variant on each chosen model, as it is run and as the page knows it. */
import { kindOfId, type Prices, priceOf } from '../../core/evaluation/prices.ts';
import type { RenderedPrompt } from '../../core/prompts/template.ts';
import type { TextGenerator } from '../../core/textGenerator.ts';
import type { ModelChoice, Setup } from '../../protocol/playground.ts';
import type { Cell, Column } from '../../protocol/playgroundCells.ts';
import { columnScores } from './columnScores.ts';
import { guarded, type LoadedTemplate, rowExpected } from './loadedTemplate.ts';
import type { PromptOptions } from './playgroundPrompts.ts';
import type { RunColumn } from './playgroundRun.ts';
import { variantsOf } from './playgroundVariants.ts';

export type PlaygroundColumn = Column & RunColumn;

export interface ColumnSources {
  readonly own: LoadedTemplate;
  /** Templates of other columns, by address. */
  readonly others: ReadonlyMap<string, LoadedTemplate>;
  readonly setup: Setup;
  readonly choices: readonly ModelChoice[];
  readonly prices: Prices;
  generator(model: string): Promise<TextGenerator>;
  render(loaded: LoadedTemplate, row: number, options: PromptOptions): Promise<RenderedPrompt>;
}

export function columnsOf({
  own,
  others,
  setup,
  choices,
  prices,
  generator,
  render,
}: ColumnSources): PlaygroundColumn[] {
  const variants = variantsOf(own, setup, others, choices);
  const baseline = Math.max(
    0,
    variants.findIndex(({ key }) => key === setup.baseline),
  );
  return setup.models.flatMap((chosen, place) =>
    variants.flatMap(({ key, orderOf, orderSeed, label, detail, loaded, strategy, model: axis }, index) => {
      // A model that is an axis stands in place of those that are chosen.
      if (axis !== undefined && place > 0) return [];
      const model = axis ?? chosen;
      const choice = choices.find(({ id }) => id === model);
      // All columns answer this template's rows.
      const tested = { ...guarded(loaded, own), rows: own.rows };
      return [
        {
          id: `${model}#${key}`,
          model,
          modelLabel: choice?.label ?? model,
          variant: index,
          key,
          orderOf,
          baseline: index === baseline,
          label,
          detail,
          controlled: choice?.controlled ?? true,
          score: null,
          failed: 0,
          paired: null,
          template: loaded.template,
          strategy,
          generator: () => generator(model),
          render: async (row: number) =>
            render(tested, row, {
              strategy,
              orderSeed,
              generator: await generator(model).catch(() => undefined),
            }),
          expected: (row: number) => rowExpected(own, row),
          price: priceOf(prices, { id: model, kind: kindOfId(model) }),
        },
      ];
    }),
  );
}

/** The columns as the page knows them, with their scores over these cells. */
export function shownColumns(columns: readonly PlaygroundColumn[], cells: Iterable<Cell>): Column[] {
  const scores = columnScores(cells, columns);
  return columns.map(({ id, model, modelLabel, variant, key, orderOf, baseline, label, detail, controlled }) => {
    return { id, model, modelLabel, variant, key, orderOf, baseline, label, detail, controlled, ...scores.get(id)! };
  });
}
