/** `Search for a Better Prompt`: a few choices, the search with its progress, the report, and the winner in the template. */
import * as vscode from 'vscode';
import { HumanError, isAbort } from '../../base/errors.ts';
import { requireScores } from '../../core/evaluation/score.ts';
import { firstError } from '../../core/prompts/promptyFile.ts';
import { searchModels } from '../../core/search/evaluate.ts';
import type { Metric } from '../../core/search/options.ts';
import { type SearchReport, verdictSentence } from '../../core/search/report.ts';
import { runSearch, type SearchProgress } from '../../core/search/search.ts';
import { type PreparedSearch, prepareSearch } from '../../core/search/specification.ts';
import { targetEdits, targetOf } from '../../core/search/target.ts';
import { SearchStore } from '../../storage/searchStore.ts';
import { cancellable } from '../cancellable.ts';
import { templateInFront } from '../panels/playgroundCommands.ts';
import { loadTemplate } from '../panels/playgroundTemplate.ts';
import { type Choice, QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';

export async function searchPrompt(services: Services, given?: vscode.Uri): Promise<void> {
  const uri = templateInFront(given);
  if (!uri) throw new HumanError(vscode.l10n.t('Open a template first.'));
  const layout = services.layout(uri);
  const document = await vscode.workspace.openTextDocument(uri);
  const { template, rows, bank, diagnostics, waiting } = await loadTemplate(
    uri,
    document.getText(),
    services.approvals,
  );
  const error = firstError(template, diagnostics);
  if (error) throw error;
  if (waiting.length > 0)
    throw new HumanError(vscode.l10n.t('This template waits for an approval. Give it in the playground first.'));
  if (!rows) {
    throw new HumanError(
      vscode.l10n.t(
        'A search needs rows with right answers. Name them: “rows” and “expected” under metadata.tunesmith.',
      ),
    );
  }
  // Says what cannot be varied before anything is asked.
  targetOf(template);
  const chosen = await choose(services, uri, template.model.id ?? 'pebble');
  if (!chosen) return;
  const registry = await services.models(uri);
  const [model, proposer] = await Promise.all([registry.get(chosen.model), registry.get(chosen.proposer)]);
  if (chosen.metric === 'likelihood') requireScores(model);
  const prepared = prepareSearch({
    template,
    rows,
    bank,
    model: model.model,
    proposer: proposer.model,
    budget: chosen.budget,
    seed: 0,
    metric: chosen.metric,
    given: [],
  });
  const store = await SearchStore.open(layout, { name: template.name, specification: prepared.specification });
  let report: SearchReport;
  let file: string;
  try {
    const evaluator = await services.evaluator();
    report = await withProgress(prepared, (signal, progress) =>
      runSearch(prepared.options, {
        ...searchModels({
          model,
          proposer,
          bank,
          render: evaluator.render,
          match: (...call) => evaluator.match(...call),
          seed: prepared.options.seed,
          signal,
        }),
        memory: store,
        signal,
        progress,
      }),
    );
    file = await store.report(report);
  } catch (failure) {
    if (!isAbort(failure)) throw failure;
    void vscode.window.showInformationMessage(
      vscode.l10n.t('The search is stopped. The same search goes on from here.'),
    );
    return;
  } finally {
    await store.close();
  }
  await vscode.commands.executeCommand('markdown.showPreview', vscode.Uri.file(file));
  await offer(uri, prepared, report);
}

interface Chosen {
  readonly model: string;
  readonly proposer: string;
  readonly metric: Metric;
  readonly budget: number;
}

async function choose(services: Services, uri: vscode.Uri, usual: string): Promise<Chosen | undefined> {
  const models = await (await services.models(uri)).list();
  const likely = models.find(({ id, label }) => id === usual || label === usual);
  const choices = [...models]
    .sort((a, b) => Number(b === likely) - Number(a === likely))
    .map(({ id, label, detail }): Choice<string> => ({ label, description: detail, value: id }));
  const steps = new QuickSteps(vscode.l10n.t('Search for a Better Prompt'));
  try {
    const model = await steps.ask(vscode.l10n.t('The model that the prompt is for'), choices);
    const proposer =
      model && (await steps.ask(vscode.l10n.t('The model that proposes; a bigger one has better ideas'), choices));
    const metric =
      proposer &&
      (await steps.ask<Metric>(vscode.l10n.t('What scores the candidates on the dev rows'), [
        {
          label: vscode.l10n.t('Right answers'),
          description: vscode.l10n.t('as the template grades them'),
          value: 'accuracy',
        },
        {
          label: vscode.l10n.t('Likelihood of the expected answers'),
          description: vscode.l10n.t('finer with few rows; for models that can score'),
          value: 'likelihood',
        },
      ]));
    const budget =
      metric &&
      (await steps.ask(
        vscode.l10n.t('How many calls of models the search may spend'),
        [200, 400, 1000, 3000].map(
          (calls): Choice<number> => ({ label: vscode.l10n.t('{0} calls', calls), value: calls }),
        ),
      ));
    return model && proposer && metric && budget ? { model, proposer, metric, budget } : undefined;
  } finally {
    steps.dispose();
  }
}

/** Rejects with an AbortError when the person cancels. */
const withProgress = (
  { options }: PreparedSearch,
  run: (signal: AbortSignal, progress: (state: SearchProgress) => void) => Promise<SearchReport>,
): Promise<SearchReport> =>
  cancellable(vscode.l10n.t('Searching a better prompt: {0}', options.template.name), (signal, report) =>
    run(signal, ({ spent, budget, candidates }) =>
      report(spent, budget, vscode.l10n.t('{0} of {1} calls, {2} candidates', spent, budget, candidates)),
    ),
  );

/** Only what is unlikely to be chance is recommended, but the person decides. */
async function offer(uri: vscode.Uri, { options }: PreparedSearch, report: SearchReport): Promise<void> {
  const apply = vscode.l10n.t('Apply to Template');
  const choices = report.winner === 0 ? [] : [apply];
  if ((await vscode.window.showInformationMessage(verdictSentence(report), ...choices)) !== apply) return;
  const document = await vscode.workspace.openTextDocument(uri);
  if (document.getText() !== options.template.text) {
    throw new HumanError(vscode.l10n.t('The template was changed since. Copy the winner from the report.'));
  }
  const edit = new vscode.WorkspaceEdit();
  const text = report.candidates[report.winner]!.text;
  for (const { offset, length, text: replacement } of targetEdits(options.template, options.target, text)) {
    const range = new vscode.Range(document.positionAt(offset), document.positionAt(offset + length));
    edit.replace(uri, range, replacement);
  }
  await vscode.workspace.applyEdit(edit);
  await vscode.window.showTextDocument(document);
}
