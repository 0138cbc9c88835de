/** The Templates tree: `.prompty` files of the workspace by folder, with their reasoning strategy. */
import * as vscode from 'vscode';
import { parseTemplate } from '../../core/prompts/promptyFile.ts';
import { CommandIds } from '../commandIds.ts';
import { strategyLabel } from '../panels/playgroundChoices.ts';
import { type FoundTemplate, findTemplates } from '../templates.ts';

export type TemplateNode =
  | { readonly type: 'folder'; readonly folder: string; readonly templates: readonly FoundTemplate[] }
  | ({ readonly type: 'template' } & FoundTemplate);

export class TemplatesTree implements vscode.TreeDataProvider<TemplateNode> {
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #disposables: vscode.Disposable[] = [this.#changed];
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    const watcher = vscode.workspace.createFileSystemWatcher('**/*.prompty');
    const soon = (): void => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.refresh(), 300);
    };
    this.#disposables.push(watcher, watcher.onDidCreate(soon), watcher.onDidChange(soon), watcher.onDidDelete(soon));
  }

  refresh(): void {
    this.#changed.fire(undefined);
  }

  async getChildren(node?: TemplateNode): Promise<TemplateNode[]> {
    if (node?.type === 'template') return [];
    if (node) return node.templates.map(template => ({ type: 'template', ...template }));
    const folders = Map.groupBy(await findTemplates(), ({ folder }) => folder);
    // One folder alone needs no row of its own.
    if (folders.size === 1) return [...folders.values()][0]!.map(template => ({ type: 'template', ...template }));
    return [...folders].map(([folder, templates]) => ({ type: 'folder', folder, templates }));
  }

  async getTreeItem(node: TemplateNode): Promise<vscode.TreeItem> {
    if (node.type === 'folder') {
      const item = new vscode.TreeItem(
        node.folder || vscode.l10n.t('Workspace'),
        vscode.TreeItemCollapsibleState.Expanded,
      );
      item.iconPath = vscode.ThemeIcon.Folder;
      item.contextValue = 'folder';
      return item;
    }
    const item = new vscode.TreeItem(node.name, vscode.TreeItemCollapsibleState.None);
    const about = await describe(node.uri);
    item.id = node.uri.toString();
    item.resourceUri = node.uri;
    item.iconPath = new vscode.ThemeIcon('file-text');
    item.description = about.strategy;
    item.tooltip = about.description ? `${node.name}\n${about.description}` : node.name;
    item.contextValue = 'template';
    item.command = {
      command: CommandIds.openPlayground,
      title: vscode.l10n.t('Open Playground'),
      arguments: [node.uri],
    };
    return item;
  }

  getParent(): undefined {
    return undefined;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const disposable of this.#disposables) disposable.dispose();
  }
}

async function describe(uri: vscode.Uri): Promise<{ strategy: string; description?: string }> {
  try {
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    const template = parseTemplate(text, uri.path);
    if (template.diagnostics.some(({ severity }) => severity === 'error'))
      return { strategy: vscode.l10n.t('has errors') };
    const { reasoning, examples } = template.tunesmith;
    const shots = reasoning.strategy === 'direct' && examples && examples.shots > 0;
    return {
      strategy: shots ? vscode.l10n.t('{0} shots', examples.shots) : strategyLabel(reasoning.strategy),
      description: template.description,
    };
  } catch {
    return { strategy: '' };
  }
}
