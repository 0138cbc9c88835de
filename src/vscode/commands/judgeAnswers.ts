/** `Judge Answers with a Model…`: a judge, a model, which items; then both orders of each pair, and what the judge is worth. */
import * as vscode from 'vscode';
import { HumanError, isHumanError } from '../../base/errors.ts';
import { forecastRun, isBig } from '../../core/evaluation/forecastRun.ts';
import { priceOf, pricesOf } from '../../core/evaluation/prices.ts';
import { type Judge, makeJudge } from '../../core/preferences/judge.ts';
import { type JudgeScope, type JudgeWork, judgeWork } from '../../core/preferences/judgeItems.ts';
import { countsText, type JudgeCounts, questionsOf, runJudge } from '../../core/preferences/judgeRun.ts';
import { takesGuidelines } from '../../core/preferences/judgeTemplate.ts';
import { firstError } from '../../core/prompts/promptyFile.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import { builtInJudge, judgeFolder, rubrics } from '../../storage/judgeFiles.ts';
import type { PreferenceJournal } from '../../storage/preferenceJournal.ts';
import { hashOf } from '../../storage/runInputs.ts';
import { setting } from '../config.ts';
import { showJudgeReport } from '../judgeLabels.ts';
import { loadTemplate } from '../panels/playgroundTemplate.ts';
import { type Choice, QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { findTemplates } from '../templates.ts';

/** Items that people judged which are asked about first. */
const overlap = 50;

export async function judgeAnswers(services: Services): Promise<void> {
  const journal = await services.journal();
  await journal.refresh();
  if (journal.items().length === 0)
    throw new HumanError(
      vscode.l10n.t('There is nothing to judge yet. Sample answers in the playground and choose Send to Ranking.'),
    );
  const steps = new QuickSteps(vscode.l10n.t('Judge Answers with a Model'));
  let judge: Judge | undefined;
  let work: JudgeWork | undefined;
  try {
    judge = await askJudge(services, steps);
    work = judge && (await askItems(services, steps, journal, judge));
  } finally {
    steps.dispose();
  }
  if (!judge || !work) return;
  if (work.tasks.length > 0) {
    if (!(await mayAsk(services, judge, work))) return;
    const { failure, ...counts } = await withProgress(services, journal, judge, work);
    void vscode.window.showInformationMessage(countsText(counts));
    if (failure !== undefined) services.showError(failure);
  }
  await showJudgeReport(journal, judge.id);
}

/** `Show Judges`: what each judge is worth so far. */
export async function showJudges(services: Services): Promise<void> {
  const journal = await services.journal();
  await journal.refresh();
  await showJudgeReport(journal);
}

async function askJudge(services: Services, steps: QuickSteps): Promise<Judge | undefined> {
  const uri = await steps.ask(vscode.l10n.t('By which template?'), await templates(services));
  if (!uri) return undefined;
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  const { template, bank, diagnostics, waiting } = await loadTemplate(uri, text, services.approvals);
  const error = firstError(template, diagnostics);
  if (error) throw error;
  if (waiting.length > 0)
    throw new HumanError(vscode.l10n.t('This template waits for an approval. Give it in the playground first.'));
  const registry = await services.models();
  const model = await steps.ask(
    vscode.l10n.t('Which model judges?'),
    modelChoices(await registry.list(), template.model.id),
  );
  if (!model) return undefined;
  const likelihood = model.logProbs
    ? await steps.ask(vscode.l10n.t('How is its verdict read?'), [
        {
          label: vscode.l10n.t('From Its Words'),
          description: vscode.l10n.t('it may give reasons first; for models that follow instructions'),
          value: false,
        },
        {
          label: vscode.l10n.t('From the Probabilities of “A” and “B”'),
          description:
            model.kind === 'local'
              ? vscode.l10n.t('it writes nothing; for small models too')
              : vscode.l10n.t('of the letter that it writes'),
          value: true,
        },
      ])
    : false;
  if (likelihood === undefined) return undefined;
  const [generator, evaluator] = await Promise.all([registry.get(model.id), services.evaluator()]);
  return makeJudge({ template, generator, render: evaluator.render, bank, likelihood, hash: hashOf });
}

/** The one that comes with Tunesmith, then those of the workspace. */
async function templates(services: Services): Promise<Choice<vscode.Uri>[]> {
  const own = vscode.Uri.joinPath(services.context.extensionUri, ...builtInJudge.split('/'));
  const choices: Choice<vscode.Uri>[] = [
    {
      label: `$(law) ${vscode.l10n.t('Judge of Two Answers')}`,
      description: vscode.l10n.t('comes with Tunesmith; judges by the project’s guidelines'),
      value: own,
    },
  ];
  for (const { uri, name, folder } of await findTemplates()) {
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    if (!text.includes('answer_a') || !text.includes('answer_b')) continue;
    choices.push({ label: name, description: folder, value: uri });
  }
  return choices;
}

/** The template's own model first. */
const modelChoices = (models: readonly ModelDescription[], usual: string | undefined): Choice<ModelDescription>[] =>
  [...models]
    .sort((a, b) => Number(isUsual(b, usual)) - Number(isUsual(a, usual)))
    .map(model => ({ label: model.label, description: model.detail, value: model }));

const isUsual = ({ id, label }: ModelDescription, usual: string | undefined): boolean =>
  id === usual || label === usual;

/** Each choice says how many questions it still asks. */
async function askItems(
  services: Services,
  steps: QuickSteps,
  journal: PreferenceJournal,
  judge: Judge,
): Promise<JudgeWork | undefined> {
  const { state, author } = journal;
  const rubricOf = await rubrics(services.layout(), state, takesGuidelines(judge.prompts.template));
  const workOf = (scope: JudgeScope, set?: string): JudgeWork | undefined => {
    try {
      return judgeWork(state, { scope, set, id: judge.id, author, rubricOf });
    } catch (error) {
      if (isHumanError(error)) return undefined;
      throw error;
    }
  };
  const choice = (work: JudgeWork | undefined, label: string, detail?: string): Choice<JudgeWork>[] =>
    work ? [{ label, description: workText(work), ...(detail && { detail }), value: work }] : [];
  const sets = state.sets.filter(set => state.eachItem(set).next().done === false);
  const choices = [
    ...choice(
      workOf({ kind: 'overlap', count: overlap }),
      `$(account) ${vscode.l10n.t('Items That People Judged')}`,
      vscode.l10n.t('First it should be known how far it agrees with them: its labels may be trained on only then.'),
    ),
    ...(sets.length > 1 ? choice(workOf({ kind: 'all' }), vscode.l10n.t('All Items')) : []),
    ...sets.flatMap(set => choice(workOf({ kind: 'all' }, set), vscode.l10n.t('All of “{0}”', set))),
  ];
  if (choices.length === 0)
    throw new HumanError(vscode.l10n.t('There is nothing to judge: no item has two answers that differ.'));
  return steps.ask(vscode.l10n.t('Which items?'), choices);
}

function workText({ tasks, questions, known }: JudgeWork): string {
  if (tasks.length === 0) return vscode.l10n.t('judged by it already: show its report');
  const fresh = vscode.l10n.t('{0} items, {1} questions', tasks.length, questions);
  return known === 0 ? fresh : `${fresh}; ${vscode.l10n.t('{0} judged before', known)}`;
}

/** Asks before many questions, or much money, with what is known of them. */
async function mayAsk(services: Services, judge: Judge, { tasks }: JudgeWork): Promise<boolean> {
  const questions = questionsOf(judge, tasks);
  const { template } = judge.prompts;
  const price = priceOf(pricesOf(setting('prices')), judge.generator.model);
  const limits = { calls: setting('forecastCalls'), cost: setting('forecastCost') };
  const costs = price !== undefined && price.input + price.output > 0;
  if (questions.length <= limits.calls && !costs) return true;
  const [dispatcher, evaluator] = await Promise.all([services.dispatcher(), services.evaluator()]);
  const made = await forecastRun(
    [
      {
        template,
        strategy: template.tunesmith.reasoning.strategy,
        generator: async () => judge.generator,
        render: row => questions[row]!(),
        ...(price && { price }),
      },
    ],
    [...questions.keys()],
    1,
    {
      measured: model => dispatcher.measured(model),
      match: (...call) => evaluator.match(...call),
      known: (generator, request) => dispatcher.known(generator, request),
    },
  );
  if (!isBig(made, limits)) return true;
  const { calls, promptTokens, completionTokens, cost } = made;
  const written = judge.reading === 'scores' ? 0 : completionTokens.most;
  const detail = [
    vscode.l10n.t('about {0} tokens in', promptTokens.toLocaleString(vscode.env.language)),
    vscode.l10n.t('at most {0} out', written.toLocaleString(vscode.env.language)),
    ...(cost && cost.most > 0 ? [vscode.l10n.t('at most {0} dollars', cost.most.toFixed(2))] : []),
  ].join(', ');
  const ask = vscode.l10n.t('Ask');
  const answer = await vscode.window.showInformationMessage(
    vscode.l10n.t('Ask {0} {1} questions?', judge.generator.model.label, calls),
    { modal: true, detail },
    ask,
  );
  return answer === ask;
}

async function withProgress(
  services: Services,
  journal: PreferenceJournal,
  judge: Judge,
  { tasks }: JudgeWork,
): Promise<JudgeCounts & { readonly failure?: unknown }> {
  const [dispatcher, evaluator] = await Promise.all([services.dispatcher(), services.evaluator()]);
  const folder = judgeFolder(judge);
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('{0} judges', judge.generator.model.label),
      cancellable: true,
    },
    async (notification, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      let shown = 0;
      return runJudge(judge, tasks, {
        ask: dispatcher.ask(judge.generator, {}),
        match: (...call) => evaluator.match(...call),
        signal: abort.signal,
        save: judgement => journal.addJudgements([judgement], { folder }),
        onProgress: ({ judged, failed, total, flips }) => {
          const percent = (100 * (judged + failed)) / total;
          const message = vscode.l10n.t('{0} of {1} items, {2} flips', judged, total, flips);
          notification.report({ increment: percent - shown, message });
          shown = percent;
        },
      });
    },
  );
}
