/** What a run of the playground is made of, written down: texts, files with their hashes, models, columns and their settings. */

import { stat } from 'node:fs/promises';
import * as vscode from 'vscode';
import { samplingOf } from '../../core/evaluation/runCells.ts';
import { keptText, type RunSpecification } from '../../core/runs/runRecord.ts';
import type { Setup } from '../../protocol/playground.ts';
import { hashOf, isKept, keepInput } from '../../storage/runInputs.ts';
import type { Services } from '../services.ts';
import { besideTemplate } from '../templateFiles.ts';
import type { LoadedTemplate } from './loadedTemplate.ts';
import type { PlaygroundColumn } from './playgroundColumns.ts';

export interface Described {
  readonly uri: vscode.Uri;
  readonly loaded: LoadedTemplate;
  /** Templates of other columns. */
  readonly others: readonly LoadedTemplate[];
  readonly columns: readonly PlaygroundColumn[];
  readonly setup: Setup;
}

/** Hashes of files that have not changed since. */
const known = new Map<
  string,
  { readonly stamp: string; readonly kept: { readonly hash: string; readonly kept: boolean } }
>();

const pathOf = (uri: vscode.Uri): string => vscode.workspace.asRelativePath(uri, false).replaceAll('\\', '/');

export async function specificationOf(
  services: Services,
  { uri, loaded, others, columns, setup }: Described,
): Promise<RunSpecification> {
  const layout = services.layout(uri);
  const file = async (name: string | undefined, rows: number | undefined): Promise<RunSpecification['data']> => {
    if (name === undefined || rows === undefined) return null;
    const target = besideTemplate(uri, name);
    const { size, mtimeMs, ino } = await stat(target.fsPath);
    const stamp = `${layout.runs} ${size} ${mtimeMs} ${ino}`;
    let kept = known.get(target.fsPath);
    // The copy may have gone with another run.
    if (kept?.stamp !== stamp || (kept.kept.kept && !(await isKept(layout, kept.kept.hash, target.fsPath)))) {
      kept = { stamp, kept: await keepInput(layout, target.fsPath) };
      known.set(target.fsPath, kept);
    }
    return { file: pathOf(target), rows, ...kept.kept };
  };
  const text = ({ uri: at, template }: LoadedTemplate): RunSpecification['template'] => ({
    file: pathOf(at),
    hash: hashOf(template.text),
    text: keptText(template.text),
  });
  const { examples, rows } = loaded.template.tunesmith;
  const models = new Map(columns.map(column => [column.model, column]));
  return {
    by: 'playground',
    tool: String((services.context.extension.packageJSON as { version?: unknown }).version ?? ''),
    template: text(loaded),
    others: others.map(text),
    data: await file(rows, loaded.rows?.length),
    bank: await file(examples?.bank, loaded.bank?.rows.length),
    models: await Promise.all(
      [...models.values()].map(async ({ model, modelLabel, generator }) => {
        const identity = await generator()
          .then(made => made.identity?.())
          .catch(() => undefined);
        return { id: model, label: modelLabel, ...(identity === undefined ? {} : { identity }) };
      }),
    ),
    columns: columns.map(column => columnOf(column, loaded)),
    samples: setup.samples,
    setup,
  };
}

function columnOf(
  column: PlaygroundColumn,
  { template: written }: LoadedTemplate,
): RunSpecification['columns'][number] {
  const { id, model, modelLabel, variant, label, detail, controlled, strategy, template } = column;
  const { examples, reasoning } = template.tunesmith;
  // What the template itself says stands in its text.
  const settings =
    template === written
      ? undefined
      : { shots: examples?.shots, selection: examples?.selection, trigger: reasoning.trigger, ...template.wrap };
  return {
    id,
    model,
    modelLabel,
    variant,
    label,
    detail,
    controlled,
    strategy,
    sampling: { ...samplingOf(template) },
    // As it comes back from the disk: without what is undefined.
    ...(settings ? { settings: JSON.parse(JSON.stringify(settings)) as Record<string, unknown> } : {}),
  };
}
