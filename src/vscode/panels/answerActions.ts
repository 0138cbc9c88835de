/** What can be done with answers that are there: mark one, make it an example, compare two, put them up for ranking. */
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import type { Marks } from '../../protocol/playgroundCells.ts';
import type { Rows } from '../../protocol/playgroundRuns.ts';
import type { Services } from '../services.ts';
import { diffAnswers } from './answerDocuments.ts';
import { captureExample } from './captureExample.ts';
import type { LoadedTemplate } from './loadedTemplate.ts';
import type { PlaygroundColumn } from './playgroundColumns.ts';
import { type CellKey, keyOf } from './playgroundRun.ts';
import { rankingItems } from './rankingItems.ts';
import type { RunControl } from './runControl.ts';
import type { ShownAnswers } from './shownAnswers.ts';
import type { TemplateSource } from './templateSource.ts';

interface ActionTools {
  readonly shown: ShownAnswers;
  readonly source: TemplateSource;
  readonly runs: RunControl;
  columns(): PlaygroundColumn[];
  loaded(): LoadedTemplate;
  journal(): ReturnType<Services['journal']>;
}

export class AnswerActions {
  readonly #tools: ActionTools;

  constructor(tools: ActionTools) {
    this.#tools = tools;
  }

  /** Marks an answer and keeps that with its run. */
  async mark(key: CellKey, marks: Marks): Promise<void> {
    if (this.#tools.shown.viewing) return;
    const cell = this.#tools.shown.now.mark(key, marks);
    if (cell) await this.#tools.runs.runOf(key)?.mark(keyOf(key), cell.marks);
  }

  /** Makes an answer an example of the template's bank. */
  async capture(key: CellKey): Promise<void> {
    const cell = this.#tools.shown.now.get(key);
    if (!cell) throw new HumanError(vscode.l10n.t('This answer is no longer there.'));
    const strategy = this.#tools.columns().find(({ id }) => id === key.column)?.strategy ?? 'direct';
    await captureExample({
      loaded: this.#tools.loaded(),
      cell,
      reasons: strategy !== 'direct',
      setBank: async bank => {
        await this.#tools.source.set(['metadata', 'tunesmith', 'examples', 'bank'], bank);
        await this.#tools.source.set(['metadata', 'tunesmith', 'examples', 'shots'], 0);
      },
    });
  }

  async diff(left: CellKey, right: CellKey): Promise<void> {
    const columns = this.#tools.shown.viewing ? this.#tools.shown.columns : this.#tools.columns();
    const [before, after] = await Promise.all(
      [left, right].map(async key => {
        const [cell] = await this.#tools.shown.board.full([key]);
        if (!cell) throw new HumanError(vscode.l10n.t('This answer is no longer there.'));
        const column = columns.find(({ id }) => id === key.column);
        const sample = key.repeat > 0 ? ` (${key.repeat + 1})` : '';
        const name = column ? [column.modelLabel, column.label].filter(Boolean).join(', ') : key.column;
        return { name: `${vscode.l10n.t('Row {0}', key.row + 1)}, ${name}${sample}`, text: cell.text };
      }),
    );
    await diffAnswers(before!, after!);
  }

  /** Puts rows with two or more different answers up for ranking; how many that are. */
  async sendToRanking(rows: Rows): Promise<number> {
    const journal = await this.#tools.journal();
    const items = await rankingItems(rows.kind === 'row' ? [rows.row] : this.#tools.shown.now.rowNumbers(), {
      board: this.#tools.shown.now,
      columns: this.#tools.columns(),
      template: this.#tools.loaded().template,
      prompt: async key => (await this.#tools.shown.kept(key)).prompt,
    });
    return (await journal.addItems(items)).length;
  }
}
