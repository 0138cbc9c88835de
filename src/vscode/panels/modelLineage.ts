/** Where every model of the workspace comes from, drawn as a tree: one panel a window, current while models and jobs come and go. */
import * as vscode from 'vscode';
import { DisposableStore } from '../../base/disposable.ts';
import { type Lineage, lineagePicture } from '../../core/lineagePicture.ts';
import { lineageContract } from '../../protocol/lineage.ts';
import { listTunedModels } from '../../storage/modelStore.ts';
import { CommandIds, PanelTypes } from '../commandIds.ts';
import { jobsOf } from '../jobs.ts';
import type { Services } from '../services.ts';
import type { ModelNode } from '../views/modelsView.ts';
import { pageHtml, panelIcon, webviewChannel, webviewOptions } from '../webview.ts';
import { LiveDrawing } from './watchedJobs.ts';

const views = new WeakMap<Services, LineageView>();

/** `target`: the row of the tree whose model is looked for. */
export function showLineage(services: Services, target: ModelNode | undefined): void {
  const model = modelOf(target);
  const open = views.get(services);
  if (open) {
    open.reveal(model);
    return;
  }
  services.layout();
  const panel = vscode.window.createWebviewPanel(
    PanelTypes.lineage,
    vscode.l10n.t('Lineage of Models'),
    vscode.ViewColumn.Active,
    webviewOptions(services.context.extensionUri),
  );
  restoreLineage(services, panel, { lineage: model });
}

/** `state` is what the page saved: the model that it was opened for. */
export function restoreLineage(services: Services, panel: vscode.WebviewPanel, state: unknown): void {
  panel.iconPath = panelIcon(services.context.extensionUri, 'job');
  const model = (state as { lineage?: unknown } | undefined)?.lineage;
  const view = new LineageView(services, panel, typeof model === 'string' ? model : null);
  views.set(services, view);
  panel.onDidDispose(() => {
    views.delete(services);
    view.dispose();
  });
}

function modelOf(target: ModelNode | undefined): string | null {
  switch (target?.type) {
    case 'model':
      return target.model.id;
    case 'reward':
      return `local:${target.stored.name}`;
    case 'training':
      return target.base;
    case undefined:
      return null;
  }
}

class LineageView {
  readonly #services: Services;
  readonly #panel: vscode.WebviewPanel;
  readonly #store = new DisposableStore();
  readonly #drawing: LiveDrawing;
  readonly #focus: (model: string) => void;
  #model: string | null;
  /** What the page shows, so that steps of a job draw nothing anew. */
  #shown = '';

  constructor(services: Services, panel: vscode.WebviewPanel, model: string | null) {
    this.#services = services;
    this.#panel = panel;
    this.#model = model;
    panel.webview.options = webviewOptions(services.context.extensionUri);
    const channel = this.#store.add(
      webviewChannel(
        panel.webview,
        lineageContract,
        {
          open: () => this.#open(),
          openJob: ({ job }) => void vscode.commands.executeCommand(CommandIds.openJob, job),
          useModel: ({ model: id }) => void vscode.commands.executeCommand(CommandIds.useModel, id),
          start: ({ what }) =>
            void vscode.commands.executeCommand(
              what === 'tune-on-examples' ? CommandIds.tuneOnExamples : CommandIds.trainRewardModel,
            ),
        },
        services.logger,
      ),
    );
    this.#focus = id => channel.remote.focus({ model: id });
    this.#drawing = this.#store.add(
      new LiveDrawing(() => {
        void this.#read().then(
          lineage => {
            if (this.#isNew(lineage)) channel.remote.show(lineage);
          },
          error => services.logger.error('The lineage of models could not be read.', error),
        );
      }),
    );
    panel.webview.html = pageHtml({
      extensionUri: services.context.extensionUri,
      webview: panel.webview,
      entry: 'jobs',
      title: panel.title,
      bundle: services.bundle,
      initial: { lineage: model },
    });
  }

  reveal(model: string | null): void {
    this.#model = model ?? this.#model;
    const { visible } = this.#panel;
    this.#panel.reveal();
    // A page that was hidden is made anew, and asks.
    if (visible && model !== null) this.#focus(model);
  }

  async #open(): Promise<{ lineage: Lineage; model: string | null }> {
    if (this.#shown === '') {
      const [registry, jobs] = [await this.#services.models(), await jobsOf(this.#services)];
      this.#store.add(registry.onDidChange(() => this.#drawing.soon()));
      this.#store.add(jobs.onDidChange(() => this.#drawing.soon()));
    }
    const lineage = await this.#read();
    this.#isNew(lineage);
    return { lineage, model: this.#model };
  }

  #isNew(lineage: Lineage): boolean {
    const text = JSON.stringify(lineage);
    const isNew = text !== this.#shown;
    this.#shown = text;
    return isNew;
  }

  async #read(): Promise<Lineage> {
    const registry = await this.#services.models();
    const { models } = await listTunedModels(this.#services.layout());
    const usable = (await registry.list()).map(({ id, label }): [string, string] => [id, label]);
    return lineagePicture({ models, jobs: (await jobsOf(this.#services)).list, usable: new Map(usable) });
  }

  dispose(): void {
    this.#store.dispose();
  }
}
