/** The Models tree: base models, under each what was tuned from it, and what is in training. */
import * as vscode from 'vscode';
import { resultFigure } from '../../core/jobs/resultFigure.ts';
import { isOver } from '../../core/jobs/status.ts';
import type { StoredModel } from '../../core/models.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import { CommandIds } from '../commandIds.ts';
import { jobsOf } from '../jobs.ts';
import type { Services } from '../services.ts';

export type ModelNode =
  | { readonly type: 'model'; readonly model: ModelDescription; readonly tuned?: StoredModel }
  | { readonly type: 'reward'; readonly stored: StoredModel }
  | { readonly type: 'training'; readonly job: string; readonly name: string; readonly base: string };

export class ModelsTree implements vscode.TreeDataProvider<ModelNode> {
  readonly #services: Services;
  readonly #changed = new vscode.EventEmitter<ModelNode | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  #listening = false;
  /** Ids of the jobs in training when the tree was last drawn. */
  #training = '';

  constructor(services: Services) {
    this.#services = services;
  }

  async refresh(): Promise<void> {
    (await this.#services.models()).refresh();
  }

  async getChildren(node?: ModelNode): Promise<ModelNode[]> {
    const registry = await this.#services.models();
    await this.#listen();
    const all = await registry.list();
    const known = new Set(all.map(model => model.id));
    const rewards = await registry.rewardModels();
    const training = await this.#inTraining();
    const under = (base: string | undefined, other: string): boolean =>
      base === undefined ? !known.has(other) : other === base;
    const base = node?.type === 'model' ? node.model.id : undefined;
    if (node && base === undefined) return [];
    const models = all.filter(model =>
      base === undefined ? model.base === undefined || !known.has(model.base) : model.base === base,
    );
    const rows: ModelNode[] = [];
    for (const model of models) {
      const tuned = model.kind === 'local' ? await registry.tuned(model.id) : undefined;
      rows.push({ type: 'model', model, ...(tuned ? { tuned } : {}) });
    }
    rows.push(
      ...rewards
        .filter(stored => under(base, stored.lineage.base.id))
        .map((stored): ModelNode => ({ type: 'reward', stored })),
      ...training.filter(job => under(base, job.base)),
    );
    return rows;
  }

  getTreeItem(node: ModelNode): vscode.TreeItem {
    switch (node.type) {
      case 'model':
        return modelItem(node);
      case 'reward':
        return rewardItem(node.stored);
      case 'training': {
        const item = new vscode.TreeItem(node.name);
        item.id = `training:${node.job}`;
        item.description = vscode.l10n.t('in training');
        item.iconPath = new vscode.ThemeIcon('loading~spin', new vscode.ThemeColor('disabledForeground'));
        item.command = { command: CommandIds.openJob, title: '', arguments: [node.job] };
        return item;
      }
    }
  }

  async #inTraining(): Promise<Extract<ModelNode, { type: 'training' }>[]> {
    if (!this.#services.workspaceFolder()) return [];
    const jobs = await jobsOf(this.#services);
    return jobs.list
      .filter(job => !isOver(job.status))
      .map(job => ({ type: 'training', job: job.id, name: job.name, base: job.specification.model.id }));
  }

  async #listen(): Promise<void> {
    if (this.#listening) return;
    this.#listening = true;
    const registry = await this.#services.models();
    registry.onDidChange(() => this.#changed.fire(undefined));
    if (!this.#services.workspaceFolder()) return;
    const jobs = await jobsOf(this.#services);
    jobs.onDidChange(() => {
      const training = jobs.list
        .filter(job => !isOver(job.status))
        .map(job => job.id)
        .join();
      if (training === this.#training) return;
      this.#training = training;
      this.#changed.fire(undefined);
    });
  }
}

function modelItem({ model, tuned }: Extract<ModelNode, { type: 'model' }>): vscode.TreeItem {
  const local = model.kind === 'local';
  const item = new vscode.TreeItem(
    model.label,
    local && model.base === undefined ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.None,
  );
  item.id = model.id;
  const elsewhere = model.kind === 'editor' ? 'vscode' : 'cloud';
  item.iconPath = new vscode.ThemeIcon(tuned ? 'wand' : local ? 'chip' : elsewhere);
  item.description = tuned ? withFigure(vscode.l10n.t('tuned'), tuned) : model.detail;
  const removable = tuned !== undefined || model.detail !== vscode.l10n.t('bundled');
  item.contextValue = [
    'model',
    'usable',
    ...(local ? ['files'] : []),
    ...(local && removable ? ['removable'] : []),
  ].join('-');
  item.tooltip = [model.label, model.detail, ...(tuned ? [tuned.path] : []), ...(model.note ? [model.note] : [])].join(
    '\n',
  );
  item.accessibilityInformation = { label: `${model.label}, ${item.description}` };
  return item;
}

const withFigure = (kind: string, { lineage }: StoredModel): string =>
  [kind, resultFigure(lineage.metrics)].filter(text => text !== '').join(', ');

function rewardItem(stored: StoredModel): vscode.TreeItem {
  const { name, path } = stored;
  const item = new vscode.TreeItem(name);
  item.id = `reward:${name}`;
  item.iconPath = new vscode.ThemeIcon('law');
  item.description = withFigure(vscode.l10n.t('reward model'), stored);
  item.contextValue = 'reward-files-removable';
  item.tooltip = `${name}\n${item.description}\n${path}`;
  item.accessibilityInformation = { label: `${name}, ${item.description}` };
  return item;
}
