/** Asks for prompts: the rows of a template of the workspace, or a file. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../base/errors.ts';
import { samplingOf } from '../core/evaluation/runCells.ts';
import { defaultSampling, type Prompt, type SamplingOptions } from '../core/generation.ts';
import { parseTrlPrompts } from '../core/preferences/trlImport.ts';
import { firstError } from '../core/prompts/promptyFile.ts';
import { renderPrompt } from '../core/prompts/render.ts';
import { promptOf } from '../core/prompts/template.ts';
import { type LoadedTemplate, rowCount, rowValues } from './panels/loadedTemplate.ts';
import { loadTemplate } from './panels/playgroundTemplate.ts';
import type { Choice } from './quickSteps.ts';
import type { Services } from './services.ts';
import { findTemplates } from './templates.ts';

/** Greedy answers would all be the same. */
const temperature = 0.8;
const most = 2000;

export interface Prompts {
  /** A name for the set. */
  readonly name: string;
  readonly prompts: readonly Prompt[];
  readonly sampling: SamplingOptions;
  /** The model that a template names. */
  readonly model?: string | undefined;
}

/** The rows of a template, or a file. */
export async function askPrompts(services: Services, title: string, question: string): Promise<Prompts | undefined> {
  const templates = await findTemplates();
  const file = vscode.l10n.t('From a File…');
  const choice = await vscode.window.showQuickPick(
    [
      ...templates.map(({ name, folder, uri }) => ({ label: name, description: folder, uri })),
      { label: file, description: vscode.l10n.t('JSON Lines with a field “prompt”'), uri: undefined },
    ],
    { title, placeHolder: question },
  );
  if (!choice) return undefined;
  return choice.uri ? promptsOfTemplate(services, choice.uri, choice.label) : promptsOfFile();
}

async function promptsOfFile(): Promise<Prompts | undefined> {
  const [uri] =
    (await vscode.window.showOpenDialog({
      filters: { 'JSON Lines': ['jsonl', 'ndjson', 'json'] },
      openLabel: vscode.l10n.t('Choose'),
    })) ?? [];
  if (!uri) return undefined;
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  const name = basename(uri.path).replace(/\.[^.]*$/, '');
  const sampling = { ...defaultSampling, temperature, maxOutputTokens: 256 };
  return { name, sampling, prompts: parseTrlPrompts(text, vscode.workspace.asRelativePath(uri, false)) };
}

/** Throws what is wrong with the template, where not one row can be rendered. */
async function promptsOfTemplate(services: Services, uri: vscode.Uri, name: string): Promise<Prompts> {
  const text = (await vscode.workspace.openTextDocument(uri)).getText();
  const loaded = await loadTemplate(uri, text, services.approvals);
  requireUsable(loaded);
  const { template, bank } = loaded;
  const evaluator = await services.evaluator();
  const prompts = new Map<string, Prompt>();
  let wrong: HumanError | undefined;
  for (let row = 0; row < Math.min(most, rowCount(loaded)); row++) {
    const values = rowValues(loaded, row);
    const { prompt, diagnostics } = await renderPrompt(template, { values, ...(bank && { bank }) }, evaluator.render);
    if (prompt) prompts.set(JSON.stringify(promptOf(prompt)), promptOf(prompt));
    else wrong ??= firstError(template, diagnostics);
  }
  if (prompts.size === 0) throw wrong ?? new HumanError(vscode.l10n.t('This template has no prompt.'));
  const own = samplingOf(template);
  const sampling = own.temperature === 0 ? { ...own, temperature } : own;
  return { name, sampling, model: template.model.id, prompts: [...prompts.values()] };
}

export function requireUsable({ template, diagnostics, waiting }: LoadedTemplate): void {
  const error = firstError(template, diagnostics);
  if (error) throw error;
  if (waiting.length > 0)
    throw new HumanError(vscode.l10n.t('This template waits for an approval. Give it in the playground first.'));
}

const promptCount = (count: number): string =>
  count === 1 ? vscode.l10n.t('1 prompt') : vscode.l10n.t('{0} prompts', count);

/** All of them, or the first few. */
export const someOf = (prompts: readonly Prompt[]): Choice<readonly Prompt[]>[] =>
  [10, 50, 200]
    .filter(count => count < prompts.length)
    .map(count => ({ label: vscode.l10n.t('The First {0}', count), value: prompts.slice(0, count) }))
    .concat({ label: vscode.l10n.t('All: {0}', promptCount(prompts.length)), value: [...prompts] });
