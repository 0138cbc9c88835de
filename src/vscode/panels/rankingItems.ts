/** The rows of the matrix as items for ranking: their prompt, and the different answers that were given to it. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { samplingOf } from '../../core/evaluation/runCells.ts';
import type { Message } from '../../core/generation.ts';
import type { Template } from '../../core/prompts/template.ts';
import type { CellKey, Column } from '../../protocol/playgroundCells.ts';
import type { PreferenceJournal } from '../../storage/preferenceJournal.ts';
import type { CellBoard } from './cellBoard.ts';

type Item = Parameters<PreferenceJournal['addItems']>[0][number];

export interface RankingSources {
  readonly board: CellBoard;
  /** Those that are shown. */
  readonly columns: readonly Pick<Column, 'id' | 'model'>[];
  readonly template: Template;
  /** What a cell is an answer to; empty where that is not known any more. */
  prompt(key: CellKey): Promise<readonly Message[]>;
}

/** Of rows with two or more different answers. Rejects with a HumanError where there are none. */
export async function rankingItems(
  rows: readonly number[],
  { board, columns, template, prompt }: RankingSources,
): Promise<Item[]> {
  const shown = new Map(columns.map(({ id, model }) => [id, model]));
  const items: Item[] = [];
  for (const row of [...rows].sort((a, b) => a - b)) {
    const finished = board.ofRow(row).filter(cell => cell.status === 'done' && shown.has(cell.column));
    // What earlier runs answered was another prompt.
    const current = finished.filter(({ earlier }) => !earlier);
    const done = (await board.full(current.length > 0 ? current : finished)).filter(({ text }) => text.trim() !== '');
    if (new Set(done.map(({ text }) => text)).size < 2) continue;
    const messages = await prompt(done[0]!);
    if (messages.length === 0) continue;
    items.push({
      set: template.name,
      messages: [...messages],
      answers: done.map(({ text, column, repeat }) => ({
        text,
        model: shown.get(column)!,
        seed: samplingOf(template).seed,
        repeat,
      })),
    });
  }
  if (items.length > 0) return items;
  throw new HumanError(
    l10n.t('There is nothing to rank: a row needs two different answers. Take more samples or raise the temperature.'),
  );
}
