/** What the playground's page asks of past runs: the list, a look at one, the differences of two, restore, resume, marks. */
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { kindOf } from '../../core/runs/runRecord.ts';
import type { playgroundContract } from '../../protocol/playground.ts';
import type { RunSummary } from '../../protocol/playgroundRuns.ts';
import type { Handlers } from '../../protocol/rpc.ts';
import { readMarks, writeMarks } from '../../storage/cellMarks.ts';
import { nodeDisk } from '../../storage/fileSystem.ts';
import { type Run, readRunFile } from '../../storage/runStore.ts';
import { removeUnusedInputs } from '../../storage/unusedInputs.ts';
import type { WorkspaceLayout } from '../../storage/workspaceLayout.ts';
import type { Services } from '../services.ts';
import type { PlaygroundSession } from './playgroundSession.ts';
import { diffRuns, restoreTexts, specificationOfRun } from './runDocuments.ts';
import { timelineOf } from './runTimeline.ts';
import { RunViewer, type ViewPlace } from './runViewer.ts';

type ToHost = typeof playgroundContract.toHost;
type RunMethods =
  | 'resume'
  | 'runSome'
  | 'runs'
  | 'viewRun'
  | 'viewDiff'
  | 'viewCurrent'
  | 'diffRuns'
  | 'restoreRun'
  | 'markRun'
  | 'deleteRun';

export function runHandlers(session: () => PlaygroundSession, services: Services): Pick<Handlers<ToHost>, RunMethods> {
  const layout = (): WorkspaceLayout => services.layout(session().uri);
  const place = (): ViewPlace => ({ layout: layout(), uri: session().uri, language: vscode.env.language });
  return {
    resume: async ({ id }) => {
      await session().runs.resume(id ?? undefined);
      return null;
    },
    runSome: ({ which }) => session().runs.runSome(which),
    runs: (): Promise<RunSummary[]> | RunSummary[] => {
      const { history } = session();
      return history.hasFolder ? timelineOf(layout(), history.path, history.current?.id) : [];
    },
    viewRun: async ({ id, answers }) => {
      const now = session();
      const kind = answers ? 'answers' : kindOf((await runOf(layout(), id)).specification);
      if (kind === 'sweep') await now.sweeps.open(id);
      else if (kind === 'scores') await now.scores.open(id);
      else if (id === now.history.current?.id) now.shown.close();
      else await now.shown.view(page => RunViewer.ofRun(place(), id, page));
      return null;
    },
    viewDiff: async ids => {
      const now = session();
      await now.shown.view(page => RunViewer.ofDiff(place(), ids, page));
      return null;
    },
    viewCurrent: () => {
      session().shown.close();
      return null;
    },
    diffRuns: async ({ before, after }) => {
      const at = layout();
      await diffRuns(await specificationOfRun(at, before), await specificationOfRun(at, after));
      return null;
    },
    restoreRun: async ({ id }) => {
      const now = session();
      const run = await specificationOfRun(layout(), id);
      if (await restoreTexts(layout(), run, now.source.shared)) await now.restored(run.specification.setup);
      return null;
    },
    markRun: async ({ id, starred, note }) => {
      const { current } = session().history;
      if (current?.id === id) await current.markRun({ starred, note });
      else {
        await existing(layout(), id);
        const { marks } = await readMarks(layout(), id);
        await writeMarks(layout(), id, { marks, run: { starred, note } });
      }
      return null;
    },
    deleteRun: async ({ id }) => {
      const now = session();
      if (now.history.current?.id === id) {
        throw new HumanError(vscode.l10n.t('New answers go into this run, so it cannot be deleted.'));
      }
      const folder = await existing(layout(), id);
      const confirm = vscode.l10n.t('Delete');
      const question = vscode.l10n.t('Delete this run with all its answers?');
      if ((await vscode.window.showWarningMessage(question, { modal: true }, confirm)) !== confirm) return null;
      if (now.shown.isShowing(id)) now.shown.close();
      await now.sweeps.forget(id);
      await now.scores.forget(id);
      await nodeDisk.remove(folder);
      await removeUnusedInputs(layout());
      return null;
    },
  };
}

async function runOf(layout: WorkspaceLayout, id: string): Promise<Run> {
  const run = /^[\p{L}\p{N}._-]+$/u.test(id) && !id.startsWith('.') ? await readRunFile(layout, id) : undefined;
  if (!run) throw new HumanError(vscode.l10n.t('This run is no longer there.'));
  return run;
}

/** The folder of a run that is there. */
async function existing(layout: WorkspaceLayout, id: string): Promise<string> {
  await runOf(layout, id);
  return vscode.Uri.joinPath(vscode.Uri.file(layout.runs), id).fsPath;
}
