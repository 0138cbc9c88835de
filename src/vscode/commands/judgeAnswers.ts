/** `Judge Answers with a Model…`: a judge, a model, which items; then both orders of each pair, and what the judge is worth. */
import * as vscode from 'vscode';
import { HumanError, isHumanError } from '../../base/errors.ts';
import { judgeByConstitution, principleRubrics } from '../../core/constitution/rubrics.ts';
import { forecastRun, isBig } from '../../core/evaluation/forecastRun.ts';
import { priceOf, pricesOf } from '../../core/evaluation/prices.ts';
import { type Judge, makeJudge } from '../../core/preferences/judge.ts';
import { type JudgeScope, type JudgeSelection, type JudgeWork, judgeWork } from '../../core/preferences/judgeItems.ts';
import { countsText, type JudgeCounts, questionsOf, runJudge } from '../../core/preferences/judgeRun.ts';
import { takesGuidelines } from '../../core/preferences/judgeTemplate.ts';
import { firstError } from '../../core/prompts/promptyFile.ts';
import { builtInJudge, judgeFolder, rubrics } from '../../storage/judgeFiles.ts';
import type { PreferenceJournal } from '../../storage/preferenceJournal.ts';
import { hashOf } from '../../storage/runInputs.ts';
import { cancellable } from '../cancellable.ts';
import { setting } from '../config.ts';
import { askConstitution, constitutionInFront } from '../constitutions.ts';
import { showJudgeReport } from '../judgeLabels.ts';
import { modelChoices } from '../modelChoices.ts';
import { loadTemplate } from '../panels/playgroundTemplate.ts';
import { type Choice, QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { findTemplates } from '../templates.ts';

/** Items that people judged which are asked about first. */
const overlap = 50;

export const judgeAnswers = (services: Services): Promise<void> =>
  judgeWith(services, vscode.l10n.t('Judge Answers with a Model'));

/** `Label Answers by a Constitution…`: likewise, each item by one of its principles. */
export const judgeByPrinciples = (services: Services, given?: unknown): Promise<void> =>
  judgeWith(services, vscode.l10n.t('Label Answers by a Constitution'), { given: constitutionInFront(given) });

/** `constitution`: what the judge goes by; asked for unless it is given. Without it, the project's guidelines. */
async function judgeWith(
  services: Services,
  title: string,
  constitution?: { readonly given: vscode.Uri | undefined },
): Promise<void> {
  const journal = await services.journal();
  await journal.refresh();
  if (journal.items().length === 0)
    throw new HumanError(
      vscode.l10n.t('There is nothing to judge yet. Sample answers in the playground and choose Send to Ranking.'),
    );
  const steps = new QuickSteps(title);
  let judge: Judge | undefined;
  let work: JudgeWork | undefined;
  try {
    const principles = constitution && (await askConstitution(services, steps, constitution.given));
    if (constitution && !principles) return;
    // Says before the next question where no principle compares.
    if (principles) principleRubrics(principles, 0);
    const asked = await askJudge(services, steps, principles !== undefined);
    if (!asked) return;
    const by = principles && judgeByConstitution(asked, principles, 0);
    judge = by?.judge ?? asked;
    const takes = takesGuidelines(judge.prompts.template);
    const rubricOf = by?.rubricOf ?? (await rubrics(services.layout(), journal.state, takes));
    work = await askItems(steps, journal, judge, rubricOf);
  } finally {
    steps.dispose();
  }
  if (!work) return;
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

/** `usual`: with the template that comes with Tunesmith, unasked. */
async function askJudge(services: Services, steps: QuickSteps, usual: boolean): Promise<Judge | undefined> {
  const uri = usual
    ? ownTemplate(services)
    : await steps.ask(vscode.l10n.t('By which template?'), await templates(services));
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

const ownTemplate = ({ context }: Services): vscode.Uri =>
  vscode.Uri.joinPath(context.extensionUri, ...builtInJudge.split('/'));

/** The one that comes with Tunesmith, then those of the workspace. */
async function templates(services: Services): Promise<Choice<vscode.Uri>[]> {
  const choices: Choice<vscode.Uri>[] = [
    {
      label: `$(law) ${vscode.l10n.t('Judge of Two Answers')}`,
      description: vscode.l10n.t('comes with Tunesmith; judges by the project’s guidelines'),
      value: ownTemplate(services),
    },
  ];
  for (const { uri, name, folder } of await findTemplates()) {
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    if (!text.includes('answer_a') || !text.includes('answer_b')) continue;
    choices.push({ label: name, description: folder, value: uri });
  }
  return choices;
}

/** Each choice says how many questions it still asks. */
async function askItems(
  steps: QuickSteps,
  { state, author }: PreferenceJournal,
  judge: Judge,
  rubricOf: JudgeSelection['rubricOf'],
): Promise<JudgeWork | undefined> {
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
  return cancellable(vscode.l10n.t('{0} judges', judge.generator.model.label), (signal, report) =>
    runJudge(judge, tasks, {
      ask: dispatcher.ask(judge.generator, {}),
      match: (...call) => evaluator.match(...call),
      signal,
      save: judgement => journal.addJudgements([judgement], { folder }),
      onProgress: ({ judged, failed, total, flips }) =>
        report(judged + failed, total, vscode.l10n.t('{0} of {1} items, {2} flips', judged, total, flips)),
    }),
  );
}
