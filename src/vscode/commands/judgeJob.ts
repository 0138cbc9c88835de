/** `Tunesmith: Judge a Job’s Answers`: what a job says at its evaluations, blind against before training, in the Ranking view. */
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { goldCurve, goldItems, goldPeak, goldSentence } from '../../core/jobs/humanGold.ts';
import type { JobSummary } from '../../jobs/backend.ts';
import { JobFolder, startOfEvents } from '../../storage/jobFolder.ts';
import { restoreGold } from '../../storage/keptEvaluations.ts';
import { CommandIds } from '../commandIds.ts';
import type { Services } from '../services.ts';
import { rankingHost } from '../views/rankingView.ts';
import { jobOf, type Target } from './jobCommands.ts';

/** Asks for what is not judged yet; once all is, says which step is the best and offers its model. */
export async function judgeJob(services: Services, target: Target): Promise<void> {
  const job = await jobOf(services, target, ({ kind }) => kind === 'rlhf');
  if (!job) {
    if (target === undefined)
      void vscode.window.showInformationMessage(vscode.l10n.t('No job has answers to judge yet.'));
    return;
  }
  const { events } = await (await JobFolder.open(job.path)).eventsSince(startOfEvents);
  const items = goldItems(job.id, events);
  if (items.length === 0) {
    throw new HumanError(
      vscode.l10n.t(
        '{0} has no answers to judge yet: none to its fixed prompts differs from that before training.',
        job.name,
      ),
    );
  }
  const journal = await services.journal();
  await journal.refresh();
  const made = await journal.addItems(items);
  const open = made.find(({ id }) => !journal.judgementOf(id));
  if (open) return rankingHost(services).ask(open.id);
  const curve = goldCurve(job.id, events, journal.state);
  const step = goldPeak(curve)?.step;
  const all = vscode.l10n.t('All answers of {0} are judged.', job.name);
  const make = vscode.l10n.t('Make It a Model');
  const said = `${goldSentence(curve)} ${all}`.trim();
  const choice = await vscode.window.showInformationMessage(said, ...(step === undefined ? [] : [make]));
  if (choice === make && step !== undefined) await makeModel(services, job, step);
}

async function makeModel(services: Services, job: JobSummary, step: number): Promise<void> {
  const { name, path } = await restoreGold(services.layout(), await JobFolder.open(job.path), job.result, step);
  await vscode.commands.executeCommand(CommandIds.refreshModels);
  const use = vscode.l10n.t('Use in Playground');
  const choice = await vscode.window.showInformationMessage(
    vscode.l10n.t('Step {0} is the model {1}.', step, name),
    use,
  );
  if (choice === use) await vscode.commands.executeCommand(CommandIds.useModel, path);
}
