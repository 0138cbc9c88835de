/** Prompts to fine-tune on: the input rows of the templates that the rankings come from, else the ranked prompts themselves. */
import * as vscode from 'vscode';
import type { Prompt } from '../core/generation.ts';
import type { ItemRecord } from '../core/preferences/judgement.ts';
import { renderPrompt } from '../core/prompts/render.ts';
import { promptOf } from '../core/prompts/template.ts';
import type { LoadedTemplate } from './panels/loadedTemplate.ts';
import { loadTemplate } from './panels/playgroundTemplate.ts';
import type { Services } from './services.ts';

export interface TrainingPrompts {
  readonly prompts: readonly Prompt[];
  /** Where they come from, for people: `400 rows of reply-to-review`. */
  readonly source: string;
}

/** More rows than a quick job can look at teach it nothing more. */
const MaxRows = 2000;

export async function trainingPrompts(
  services: Services,
  items: readonly ItemRecord[],
  signal?: AbortSignal,
): Promise<TrainingPrompts> {
  const prompts = new Map<string, Prompt>();
  const sources: string[] = [];
  for await (const { template, rows, bank } of templatesOfSets(services, new Set(items.map(item => item.set)))) {
    signal?.throwIfAborted();
    if (!rows) continue;
    const evaluator = await services.evaluator();
    let count = 0;
    for (const row of rows.slice(0, MaxRows)) {
      signal?.throwIfAborted();
      const { prompt } = await renderPrompt(
        template,
        { values: row.values, ...(bank ? { bank } : {}) },
        evaluator.render,
      );
      if (!prompt) continue;
      const made = promptOf(prompt);
      prompts.set(JSON.stringify(made), made);
      count++;
    }
    if (count > 0) sources.push(vscode.l10n.t('{0} rows of {1}', count, template.name));
  }
  if (prompts.size > 0) return { prompts: [...prompts.values()], source: sources.join(', ') };
  for (const { messages } of items) prompts.set(JSON.stringify(messages), { kind: 'messages', messages });
  return {
    prompts: [...prompts.values()],
    source: vscode.l10n.t('{0} ranked prompts', prompts.size),
  };
}

/** The templates of the workspace that sets of answers are named after. */
export async function* templatesOfSets(services: Services, sets: ReadonlySet<string>): AsyncGenerator<LoadedTemplate> {
  for (const uri of await vscode.workspace.findFiles('**/*.prompty', '**/{node_modules,.tunesmith}/**', 500)) {
    const text = (await vscode.workspace.openTextDocument(uri)).getText();
    if (![...sets].some(set => text.includes(set))) continue;
    const loaded = await loadTemplate(uri, text, services.approvals);
    const { name, displayName } = loaded.template;
    if (sets.has(name) || (displayName !== undefined && sets.has(displayName))) yield loaded;
  }
}
