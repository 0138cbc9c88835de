/** Activation: registers everything by name and loads nothing; each feature's code runs at its first use. */
import * as vscode from 'vscode';
import { CommandIds, PanelTypes, ViewIds } from './commandIds.ts';
import { registerLanguage } from './language/register.ts';
import { lazyTree, registerFeedback, registerJobs, registerModelsView, registerRanking } from './registerTuning.ts';
import { Lazy, lazyCommand, Services } from './services.ts';
import type { TemplateNode, TemplatesTree } from './views/templatesView.ts';

export function activate(context: vscode.ExtensionContext): void {
  const services = new Services(context);
  context.subscriptions.push(services);
  registerPlayground(services);
  registerBanks(services);
  registerTemplates(services);
  registerModels(services);
  registerLanguage(services);
  registerRanking(services);
  registerJobs(services);
  registerFeedback(services);
  registerModelsView(services);
  lazyCommand(services, CommandIds.showLog, async () => s => s.showLog());
}

function registerPlayground(services: Services): void {
  const load = () => import('./panels/playgroundCommands.ts');
  lazyCommand(services, CommandIds.openPlayground, async () => (await load()).openPlayground);
  lazyCommand(services, CommandIds.runTemplate, async () => (await load()).runTemplate);
  lazyCommand(services, CommandIds.runFresh, async () => (await load()).runFresh);
  lazyCommand(services, CommandIds.showRuns, async () => (await load()).showRuns);
  lazyCommand(services, CommandIds.runFailed, async () => (await load()).runFailed);
  lazyCommand(services, CommandIds.runChanged, async () => (await load()).runChanged);
  lazyCommand(services, CommandIds.resumeRun, async () => (await load()).resumeRun);
  lazyCommand(services, CommandIds.compareVariants, async () => (await load()).compareVariants);
  lazyCommand(services, CommandIds.scoreTemplate, async () => (await load()).scoreTemplate);
  lazyCommand(services, CommandIds.sweepShots, async () => (await load()).sweepShots);
  lazyCommand(services, CommandIds.clearCache, async () => (await import('./commands/cache.ts')).clearCache);
  services.store.add(
    vscode.window.registerWebviewPanelSerializer(PanelTypes.playground, {
      async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown) {
        (await load()).restorePlayground(services, panel, state);
      },
    }),
  );
}

/** Banks open as tables where someone asks for it; as any other file they are text. */
function registerBanks(services: Services): void {
  services.store.add(
    vscode.window.registerCustomEditorProvider(
      PanelTypes.bank,
      {
        async resolveCustomTextEditor(document, panel) {
          (await import('./panels/bankEditor.ts')).resolveBankEditor(services, document, panel);
        },
      },
      { supportsMultipleEditorsPerDocument: true },
    ),
  );
}

function registerTemplates(services: Services): void {
  const load = () => import('./commands/templates.ts');
  lazyCommand(services, CommandIds.newTemplate, async () => (await load()).newTemplate);
  const convert = () => import('./commands/convertPrompt.ts');
  lazyCommand(services, CommandIds.exportPromptAs, async () => (await convert()).exportPromptAs);
  lazyCommand(services, CommandIds.importPrompt, async () => (await convert()).importPromptFile);
  lazyCommand(services, CommandIds.searchPrompt, async () => (await import('./commands/searchPrompt.ts')).searchPrompt);
  lazyCommand(services, CommandIds.openSamples, async () => (await load()).openSamples);
  const tree = new Lazy(async () => {
    const { TemplatesTree } = await import('./views/templatesView.ts');
    return services.store.add(new TemplatesTree());
  });
  void lazyTree<TemplateNode, TemplatesTree>(services, ViewIds.templates, tree);
  lazyCommand(services, CommandIds.refreshTemplates, async () => async () => (await tree.value).refresh());
}

function registerModels(services: Services): void {
  const load = () => import('./commands/models.ts');
  lazyCommand(services, CommandIds.addModel, async () => (await load()).addModel);
  lazyCommand(services, CommandIds.downloadModel, async () => (await load()).downloadModel);
  lazyCommand(services, CommandIds.addEndpoint, async () => (await load()).addEndpoint);
  lazyCommand(services, CommandIds.forgetKeys, async () => (await load()).forgetKeys);
  lazyCommand(services, CommandIds.resetApprovals, async () => (await load()).resetApprovals);
}
