/** `Tunesmith: Put Answers Up for Ranking…`: from JSON Lines files, drawn from a model, or what a job said before and after training. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { answersFromFiles, answersOfJob } from '../../core/preferences/answerSources.ts';
import { type JobFolder, listJobFolders, startOfEvents } from '../../storage/jobFolder.ts';
import { ViewIds } from '../commandIds.ts';
import type { Services } from '../services.ts';
import { drawFromModel, type FoundAnswers } from './drawAnswers.ts';

/** Bytes of one file. */
const largest = 64 << 20;

export async function importAnswers(services: Services): Promise<void> {
  const { jobs } = await listJobFolders(services.layout());
  const sources: Source[] = [
    {
      label: vscode.l10n.t('From Files…'),
      description: vscode.l10n.t('JSON Lines: several answers a row, or a file for each model'),
      find: fromFiles,
    },
    {
      label: vscode.l10n.t('Drawn from a Model…'),
      description: vscode.l10n.t('several answers to each prompt, until they differ'),
      find: () => drawFromModel(services),
    },
    ...jobs.map(job => ({
      label: job.id,
      description: vscode.l10n.t('samples of this job, before and after'),
      find: () => fromJob(job),
    })),
  ];
  const choice = await vscode.window.showQuickPick(sources, {
    title: vscode.l10n.t('Put Answers Up for Ranking'),
    placeHolder: vscode.l10n.t('Where the answers come from'),
  });
  const found = await choice?.find();
  if (found) await putUp(services, found);
}

interface Source extends vscode.QuickPickItem {
  find(): Promise<FoundAnswers | undefined>;
}

async function fromFiles(): Promise<FoundAnswers | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    canSelectMany: true,
    filters: { 'JSON Lines': ['jsonl', 'ndjson', 'json'] },
    openLabel: vscode.l10n.t('Put Up'),
  });
  if (!chosen?.[0]) return undefined;
  const files = await Promise.all(
    chosen.map(async uri => {
      const name = vscode.workspace.asRelativePath(uri, false);
      if ((await vscode.workspace.fs.stat(uri)).size > largest)
        throw new HumanError(
          vscode.l10n.t('{0} is larger than {1} MB. Put its answers up in parts.', name, largest >> 20),
        );
      return { name, text: new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)) };
    }),
  );
  return { set: basename(chosen[0].path).replace(/\.[^.]*$/, ''), sourced: answersFromFiles(files) };
}

async function fromJob(job: JobFolder): Promise<FoundAnswers> {
  const { events } = await job.eventsSince(startOfEvents);
  const samples = events.flatMap(event => (event.type === 'samples' ? [event] : []));
  return { set: job.id, sourced: answersOfJob(job.id, samples) };
}

async function putUp(services: Services, { set: suggested, sourced, note }: FoundAnswers): Promise<void> {
  const { items, alone } = sourced;
  const nothing = vscode.l10n.t('There is nothing to rank: no prompt has two answers that differ.');
  if (items.length === 0) throw new HumanError(note === undefined ? nothing : `${nothing} ${note}`);
  const set = await vscode.window.showInputBox({
    title: vscode.l10n.t('Put Up {0} Prompts', items.length),
    prompt: vscode.l10n.t('Name of the set'),
    value: suggested,
    validateInput: value => (value.trim() === '' ? vscode.l10n.t('Give the set a name.') : undefined),
  });
  if (set === undefined) return;
  const journal = await services.journal();
  await journal.addItems(items.map(item => ({ set: set.trim(), ...item })));
  await vscode.commands.executeCommand(`${ViewIds.rank}.focus`);
  const leftOut = alone > 0 && vscode.l10n.t('{0} prompts were left out: they have no two answers that differ.', alone);
  const words = [note, leftOut].filter(Boolean).join(' ');
  if (words !== '') void vscode.window.showInformationMessage(words);
}
