/** Registers ranking, jobs and models by name; their code is loaded when a view opens or a command runs. */
import * as vscode from 'vscode';
import { CommandIds, PanelTypes, ViewIds } from './commandIds.ts';
import { Lazy, lazyCommand, type Services } from './services.ts';
import type { JobNode, JobsTree } from './views/jobsView.ts';
import type { ModelNode, ModelsTree } from './views/modelsView.ts';

export function registerRanking(services: Services): void {
  const view = () => import('./views/rankingView.ts');
  const commands = () => import('./commands/rankingCommands.ts');
  const iterate = () => import('./commands/iterate.ts');
  services.store.add(
    vscode.window.registerWebviewViewProvider(
      ViewIds.rank,
      {
        async resolveWebviewView(webviewView) {
          (await view()).resolveRankingView(services, webviewView);
          await (await iterate()).resumeIterations(services);
        },
      },
      // The draft and the place in the text survive a switch to another view of the side bar.
      { webviewOptions: { retainContextWhenHidden: true } },
    ),
  );
  services.store.add(
    vscode.window.registerWebviewPanelSerializer(PanelTypes.ranking, {
      async deserializeWebviewPanel(panel) {
        (await view()).restoreRankingPanel(services, panel);
      },
    }),
  );
  lazyCommand(services, CommandIds.openRanking, async () => (await view()).openRankingPanel);
  const data = () => import('./panels/preferenceData.ts');
  lazyCommand(services, CommandIds.openData, async () => (await data()).openPreferenceData);
  services.store.add(
    vscode.window.registerWebviewPanelSerializer(PanelTypes.data, {
      async deserializeWebviewPanel(panel) {
        (await data()).restorePreferenceData(services, panel);
      },
    }),
  );
  lazyCommand(services, CommandIds.reviewDisagreements, async () => (await commands()).reviewDisagreements);
  lazyCommand(services, CommandIds.undoRanking, async () => (await commands()).undoRanking);
  lazyCommand(
    services,
    CommandIds.importAnswers,
    async () => (await import('./commands/importAnswers.ts')).importAnswers,
  );
  const judges = () => import('./commands/judgeAnswers.ts');
  lazyCommand(services, CommandIds.judgeAnswers, async () => (await judges()).judgeAnswers);
  lazyCommand(services, CommandIds.showJudges, async () => (await judges()).showJudges);
  lazyCommand(services, CommandIds.judgeByPrinciples, async () => (await judges()).judgeByPrinciples);
  lazyCommand(services, CommandIds.iterate, async () => (await iterate()).iterate);
  lazyCommand(services, CommandIds.exportPreferences, async () => (await commands()).exportPreferences);
}

export function registerJobs(services: Services): void {
  const tree = new Lazy(async () => {
    const { JobsTree } = await import('./views/jobsView.ts');
    return new JobsTree(services);
  });
  const jobs = lazyTree<JobNode, JobsTree>(services, ViewIds.jobs, tree);
  void jobs.then(([loaded, view]) => loaded.attach(view));
  services.store.add(
    vscode.window.registerWebviewPanelSerializer(PanelTypes.job, {
      async deserializeWebviewPanel(panel, state: unknown) {
        (await import('./panels/jobDashboard.ts')).restoreDashboard(services, panel, state);
      },
    }),
  );
  const comparison = () => import('./panels/jobComparison.ts');
  lazyCommand(services, CommandIds.compareJobs, async () => (await comparison()).compareJobs);
  services.store.add(
    vscode.window.registerWebviewPanelSerializer(PanelTypes.jobComparison, {
      async deserializeWebviewPanel(panel, state: unknown) {
        (await comparison()).restoreComparison(services, panel, state);
      },
    }),
  );
  const commands = () => import('./commands/jobCommands.ts');
  lazyCommand(services, CommandIds.openJob, async () => (await commands()).openJob);
  lazyCommand(services, CommandIds.stopJob, async () => (await commands()).stopJob);
  lazyCommand(services, CommandIds.resumeJob, async () => (await commands()).resumeJob);
  lazyCommand(services, CommandIds.deleteJob, async () => (await commands()).deleteJob);
  lazyCommand(services, CommandIds.openJobSpecification, async () => (await commands()).openJobSpecification);
  lazyCommand(services, CommandIds.openJobLog, async () => (await commands()).openJobLog);
  lazyCommand(services, CommandIds.judgeJob, async () => (await import('./commands/judgeJob.ts')).judgeJob);
  lazyCommand(services, CommandIds.refreshJobs, async () => async () => (await tree.value).refresh());
  const train = () => import('./commands/trainCommands.ts');
  lazyCommand(services, CommandIds.trainRewardModel, async () => (await train()).trainRewardModel);
  lazyCommand(services, CommandIds.tuneOnExamples, async () => (await train()).tuneOnExamples);
  lazyCommand(services, CommandIds.tuneOnPreferences, async () => (await train()).tuneOnPreferences);
  lazyCommand(services, CommandIds.fineTune, async () => (await train()).fineTune);
  lazyCommand(services, CommandIds.iterateExpert, async () => (await train()).iterateExpert);
  lazyCommand(services, CommandIds.bestOf, async () => (await import('./commands/bestOf.ts')).bestOf);
}

/** AI feedback: a constitution, a model's own reasoning, what it refuses. */
export function registerFeedback(services: Services): void {
  const revise = () => import('./commands/reviseAnswers.ts');
  lazyCommand(services, CommandIds.reviseByConstitution, async () => (await revise()).reviseByConstitution);
  lazyCommand(services, CommandIds.selfImprove, async () => (await import('./commands/selfImprove.ts')).selfImprove);
  lazyCommand(services, CommandIds.testRefusals, async () => (await import('./commands/testRefusals.ts')).testRefusals);
}

export function registerModelsView(services: Services): void {
  const tree = new Lazy(async () => {
    const { ModelsTree } = await import('./views/modelsView.ts');
    return new ModelsTree(services);
  });
  void lazyTree<ModelNode, ModelsTree>(services, ViewIds.models, tree);
  const commands = () => import('./commands/modelCommands.ts');
  lazyCommand(services, CommandIds.useModel, async () => (await commands()).useModel);
  lazyCommand(services, CommandIds.revealModel, async () => (await commands()).revealModel);
  lazyCommand(services, CommandIds.exportModel, async () => (await import('./commands/exportModel.ts')).exportModel);
  lazyCommand(services, CommandIds.removeModel, async () => (await commands()).removeModel);
  const lineage = () => import('./panels/modelLineage.ts');
  lazyCommand(services, CommandIds.showLineage, async () => (await lineage()).showLineage);
  services.store.add(
    vscode.window.registerWebviewPanelSerializer(PanelTypes.lineage, {
      async deserializeWebviewPanel(panel, state: unknown) {
        (await lineage()).restoreLineage(services, panel, state);
      },
    }),
  );
  lazyCommand(services, CommandIds.refreshModels, async () => async () => (await tree.value).refresh());
}

/** A tree view whose provider is loaded when the view first asks for rows. */
export function lazyTree<N, T extends vscode.TreeDataProvider<N>>(
  services: Services,
  id: string,
  tree: Lazy<Promise<T>>,
): Promise<[T, vscode.TreeView<N>]> {
  return new Promise(resolve => {
    const changed = services.store.add(new vscode.EventEmitter<N | undefined>());
    let loaded: T | undefined;
    const load = async (): Promise<T> => {
      const made = await tree.value;
      if (!loaded) {
        loaded = made;
        const event = made.onDidChangeTreeData;
        if (event) services.store.add(event(node => changed.fire((node ?? undefined) as N | undefined)));
        resolve([made, view]);
      }
      return made;
    };
    const view: vscode.TreeView<N> = services.store.add(
      vscode.window.createTreeView<N>(id, {
        treeDataProvider: {
          onDidChangeTreeData: changed.event,
          getChildren: async node => (await (await load()).getChildren(node)) ?? [],
          getTreeItem: async node => (await load()).getTreeItem(node),
          getParent: node => loaded?.getParent?.(node),
        },
        showCollapseAll: false,
      }),
    );
  });
}
