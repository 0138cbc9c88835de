/** `Self-Improve a Model…`: a template whose rows say what is right, a base, rounds; then rounds as long as they help, and the report. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { fit, type PresetName, PresetNames, sftPresets } from '../../core/jobs/presets.ts';
import {
  checkSelfImprovement,
  improve,
  type SelfImprovementMode,
  type SelfImprovementResult,
} from '../../core/jobs/selfImprovement.ts';
import { questionSets } from '../../core/jobs/selfImprovementQuestions.ts';
import { roundText, selfImprovementMarkdown, stopText } from '../../core/jobs/selfImprovementText.ts';
import { firstError } from '../../core/prompts/promptyFile.ts';
import { renderRows } from '../../core/prompts/renderRows.ts';
import type { RenderedPrompt } from '../../core/prompts/template.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import { tuneRound } from '../../jobs/selfImprovementJob.ts';
import { requireUsable } from '../askPrompts.ts';
import { cancellable } from '../cancellable.ts';
import { CommandIds } from '../commandIds.ts';
import { jobsOf } from '../jobs.ts';
import { modelChoices } from '../modelChoices.ts';
import { answerDocument } from '../panels/answerDocuments.ts';
import type { LoadedTemplate } from '../panels/loadedTemplate.ts';
import { templateInFront } from '../panels/playgroundCommands.ts';
import { loadTemplate } from '../panels/playgroundTemplate.ts';
import { QuickSteps } from '../quickSteps.ts';
import { runJob } from '../runJob.ts';
import type { Services } from '../services.ts';
import { findTemplates } from '../templates.ts';
import { presetLabel } from '../training/reviewRows.ts';
import type { TemplateNode } from '../views/templatesView.ts';

/** As the command line has them. */
const usual = { samples: 8, agreement: 0.5, perQuestion: 2, temperature: 0.7, seed: 0 } as const;
const practice = 0.5;

interface Chosen {
  readonly loaded: LoadedTemplate;
  readonly mode: SelfImprovementMode;
  readonly model: ModelDescription;
  readonly rounds: number;
  readonly preset: PresetName;
}

/** `target`: a template, or its row of the tree; else the one in front, else one is asked for. */
export async function selfImprove(services: Services, target?: vscode.Uri | TemplateNode): Promise<void> {
  services.layout();
  const given = target instanceof vscode.Uri ? target : target?.type === 'template' ? target.uri : undefined;
  const chosen = await choose(services, templateInFront(given));
  if (!chosen) return;
  const { loaded, mode, model } = chosen;
  const { template } = loaded;
  const result = await cancellable(vscode.l10n.t('{0} learns from its own reasoning', model.label), (signal, report) =>
    rounds(services, chosen, signal, message => report(0, 1, message)),
  );
  const page = { template: template.displayName ?? template.name, model: model.label, mode };
  await vscode.commands.executeCommand(
    'markdown.showPreview',
    answerDocument(`${vscode.l10n.t('Self-Improvement')}.md`, selfImprovementMarkdown(result, page)),
  );
  await tell(result);
}

async function tell(result: SelfImprovementResult): Promise<void> {
  const { adapter } = result;
  const use = vscode.l10n.t('Use in Playground');
  const text =
    adapter === undefined
      ? `${stopText(result)} ${vscode.l10n.t('The base stays the best model.')}`
      : `${stopText(result)} ${vscode.l10n.t('The best model is {0}.', basename(adapter))}`;
  const choice = await vscode.window.showInformationMessage(text, ...(adapter === undefined ? [] : [use]));
  if (choice === use) await vscode.commands.executeCommand(CommandIds.useModel, adapter);
}

async function rounds(
  services: Services,
  { loaded, mode, model, rounds: most, preset }: Chosen,
  signal: AbortSignal,
  progress: (message: string) => void,
): Promise<SelfImprovementResult> {
  const { template, bank, rows = [] } = loaded;
  const [registry, dispatcher, evaluator, inference, { backend }] = await Promise.all([
    services.models(),
    services.dispatcher(),
    services.evaluator(),
    services.inference(),
    jobsOf(services),
  ]);
  const sets = await questionSets(template, rows, {
    practice,
    seed: usual.seed,
    async render(form, part) {
      const prompts: RenderedPrompt[] = [];
      const values = part.map(row => row.values);
      for await (const { prompt, diagnostics } of renderRows(form, values, bank ? { bank } : {}, evaluator.render)) {
        if (!prompt) throw firstError(form, diagnostics) ?? new Error('nothing rendered and nothing said');
        prompts.push(prompt);
      }
      return prompts;
    },
  });
  const reference = await registry.reference(model.id);
  const { parameters } = await inference.load({ base: reference.base });
  const settings = fit(sftPresets[preset], parameters);
  return improve(
    { template, mode, ...sets, ...usual, rounds: most },
    {
      ask: async adapter =>
        dispatcher.ask(await registry.get(adapter === undefined ? model.id : `local:${basename(adapter)}`), {}),
      train: (examples, round) =>
        tuneRound({
          layout: services.layout(),
          backend,
          model: reference,
          seed: usual.seed,
          settings,
          examples,
          round,
          run: job => runJob(services, job, signal),
        }),
      match: (...call) => evaluator.match(...call),
      signal,
      progress,
      onRound: round => services.logger.info(roundText(round, mode)),
    },
  );
}

async function choose(services: Services, inFront: vscode.Uri | undefined): Promise<Chosen | undefined> {
  const steps = new QuickSteps(vscode.l10n.t('Self-Improve a Model'));
  try {
    const uri =
      inFront ??
      (await steps.ask(
        vscode.l10n.t('On the questions of which template?'),
        (await findTemplates()).map(({ uri: value, name, folder }) => ({ label: name, description: folder, value })),
      ));
    if (!uri) return undefined;
    const loaded = await loadTemplate(
      uri,
      (await vscode.workspace.openTextDocument(uri)).getText(),
      services.approvals,
    );
    requireUsable(loaded);
    const { template } = loaded;
    checkSelfImprovement(template);
    if (!loaded.rows || template.tunesmith.expected === undefined)
      throw new HumanError(
        vscode.l10n.t(
          'Self-improvement needs questions and their right answers. Name them: “rows” and “expected” under metadata.tunesmith.',
        ),
        { place: { file: vscode.workspace.asRelativePath(uri, false) } },
      );
    const mode = await steps.ask<SelfImprovementMode>(vscode.l10n.t('Which of its reasoning is learned?'), [
      {
        label: vscode.l10n.t('What Agrees with the Majority'),
        description: vscode.l10n.t('of {0} samples; right answers are not looked at', usual.samples),
        value: 'majority',
      },
      {
        label: vscode.l10n.t('What Comes to the Known Answer'),
        description: vscode.l10n.t('as in STaR'),
        value: 'known',
      },
    ]);
    const bases = (await (await services.models()).list()).filter(
      ({ kind, base }) => kind === 'local' && base === undefined,
    );
    const model = mode && (await steps.ask(vscode.l10n.t('Which base model?'), modelChoices(bases, template.model.id)));
    const most =
      model &&
      (await steps.ask(
        vscode.l10n.t('How many rounds at most? It ends at the first that does not help'),
        [3, 1, 2, 5].map(count => ({ label: String(count), value: count })),
      ));
    const preset =
      most &&
      (await steps.ask<PresetName>(
        vscode.l10n.t('How thoroughly is each round tuned?'),
        PresetNames.map(value => ({ label: presetLabel(value), value })),
      ));
    return mode && model && most && preset ? { loaded, mode, model, rounds: most, preset } : undefined;
  } finally {
    steps.dispose();
  }
}
