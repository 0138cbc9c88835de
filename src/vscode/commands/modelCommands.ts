/** Commands of a model in the tree: use in the playground, show its files, remove. */
import path from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { CommandIds, PanelTypes } from '../commandIds.ts';
import type { Services } from '../services.ts';
import { templatesOfSets } from '../trainingPrompts.ts';
import type { ModelNode } from '../views/modelsView.ts';

/** `target`: a row of the tree, a model's id, or the folder that a job wrote. */
export async function useModel(services: Services, target: ModelNode | string | undefined): Promise<void> {
  const id = await modelId(services, target);
  if (id === undefined) return;
  const template = playgroundIsOpen() ? undefined : await rankedTemplate(services);
  await vscode.commands.executeCommand(CommandIds.openPlayground, template, { model: id });
}

const playgroundIsOpen = (): boolean =>
  vscode.window.activeTextEditor?.document.languageId === 'prompty' ||
  vscode.window.tabGroups.all.some(group =>
    group.tabs.some(
      tab => tab.input instanceof vscode.TabInputWebview && tab.input.viewType.endsWith(PanelTypes.playground),
    ),
  );

/** The template whose answers were ranked last: what a tuned model is for. */
async function rankedTemplate(services: Services): Promise<vscode.Uri | undefined> {
  const set = (await services.journal()).promptItems().at(-1)?.set;
  if (set === undefined) return undefined;
  for await (const { uri } of templatesOfSets(services, new Set([set]))) return uri;
  return undefined;
}

export async function revealModel(services: Services, target: ModelNode | undefined): Promise<void> {
  const folder = await filesOf(services, target);
  if (folder !== undefined) await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(folder));
}

export async function removeModel(services: Services, target: ModelNode | undefined): Promise<void> {
  if (!target || target.type === 'training') return;
  const registry = await services.models();
  const name = target.type === 'model' ? target.model.label : target.stored.name;
  const id = target.type === 'model' ? target.model.id : `local:${name}`;
  const tuned = target.type === 'reward' || target.tuned !== undefined;
  const remove = tuned ? vscode.l10n.t('Delete') : vscode.l10n.t('Remove');
  const choice = await vscode.window.showWarningMessage(
    tuned ? vscode.l10n.t('Delete the model “{0}”?', name) : vscode.l10n.t('Remove “{0}” from the list?', name),
    {
      modal: true,
      detail: tuned
        ? vscode.l10n.t('Its folder is deleted. It can be trained again from its job.')
        : vscode.l10n.t('Its files stay where they are.'),
    },
    remove,
  );
  if (choice === remove) await registry.remove(id);
}

async function modelId(services: Services, target: ModelNode | string | undefined): Promise<string | undefined> {
  if (typeof target === 'object') return target.type === 'model' ? target.model.id : undefined;
  if (target === undefined) return undefined;
  const registry = await services.models();
  const models = await registry.list();
  if (models.some(model => model.id === target)) return target;
  const { root } = services.layout();
  for (const model of models) {
    const tuned = await registry.tuned(model.id);
    if (tuned && path.resolve(root, target) === tuned.path) return model.id;
  }
  throw new HumanError(vscode.l10n.t('The model “{0}” is no longer there. Train it again.', path.basename(target)));
}

async function filesOf(services: Services, target: ModelNode | undefined): Promise<string | undefined> {
  if (!target || target.type === 'training') return undefined;
  if (target.type === 'reward') return target.stored.path;
  if (target.tuned) return target.tuned.path;
  const reference = await (await services.models()).reference(target.model.id);
  return reference.base;
}
