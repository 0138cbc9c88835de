/** `Test Refusals…`: how often a model refuses what it should, also under known attacks, and what it should not; or two compared. */
import * as vscode from 'vscode';
import { refusalMarkdown } from '../../core/refusals/reportText.ts';
import { runRefusals } from '../../core/refusals/run.ts';
import { parseRefusalSuite, type RefusalPrompt, refusalSuite } from '../../core/refusals/suite.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import { cancellable } from '../cancellable.ts';
import { mayAskMany } from '../confirmQuestions.ts';
import { modelChoices } from '../modelChoices.ts';
import { answerDocument } from '../panels/answerDocuments.ts';
import { QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { askFile } from '../training/files.ts';
import type { ModelNode } from '../views/modelsView.ts';

/** Tokens of an answer: enough to tell a refusal. */
const tokens = 96;

interface Asked {
  readonly models: readonly ModelDescription[];
  readonly suite: readonly RefusalPrompt[];
}

/** `node`: a model of the Models view; one that was tuned is compared with its base unless the person chooses otherwise. */
export async function testRefusals(services: Services, node?: ModelNode): Promise<void> {
  const asked = await ask(services, node?.type === 'model' ? node.model : undefined);
  if (!asked) return;
  const { models, suite } = asked;
  for (const model of models) if (!(await mayAskMany(model, suite.length, tokens))) return;
  const [registry, dispatcher] = await Promise.all([services.models(), services.dispatcher()]);
  const report = await cancellable(vscode.l10n.t('Testing refusals'), async (signal, progress) => {
    const generators = await Promise.all(
      models.map(async ({ id, label }) => ({ id, label, ask: dispatcher.ask(await registry.get(id), {}) })),
    );
    return runRefusals(
      generators,
      { suite, maxTokens: tokens },
      {
        signal,
        onProgress: (model, done, total) =>
          progress(
            generators.indexOf(model as (typeof generators)[0]) * total + done,
            generators.length * total,
            vscode.l10n.t('{0}: {1} of {2} prompts', model.label, done, total),
          ),
      },
    );
  });
  const names = models.map(({ label }) => label);
  const page = answerDocument(`${vscode.l10n.t('Refusals')}.md`, refusalMarkdown(report, names));
  await vscode.commands.executeCommand('markdown.showPreview', page);
}

async function ask(services: Services, given: ModelDescription | undefined): Promise<Asked | undefined> {
  const all = await (await services.models()).list();
  const steps = new QuickSteps(vscode.l10n.t('Test Refusals'));
  try {
    const model = given ?? (await steps.ask(vscode.l10n.t('Which model is asked?'), modelChoices(all)));
    if (!model) return undefined;
    const others = all.filter(({ id }) => id !== model.id);
    const second = await steps.ask<ModelDescription | 'none'>(vscode.l10n.t('Compared with another one?'), [
      { label: vscode.l10n.t('This Model Alone'), value: 'none' },
      ...modelChoices(others, model.base).map(choice =>
        choice.value?.id === model.base
          ? { ...choice, description: vscode.l10n.t('the base that it was tuned from: before and after') }
          : choice,
      ),
    ]);
    if (second === undefined) return undefined;
    const kind = await steps.ask<'own' | 'file'>(vscode.l10n.t('Which prompts?'), [
      {
        label: vscode.l10n.t('The Suite of Tunesmith'),
        description: vscode.l10n.t(
          '{0} prompts: six ways to ask what should be refused, and harmless ones',
          refusalSuite.length,
        ),
        value: 'own',
      },
      {
        label: vscode.l10n.t('From a File…'),
        description: vscode.l10n.t('JSON Lines with prompt, attack and shouldRefuse'),
        value: 'file',
      },
    ]);
    if (kind === undefined) return undefined;
    const suite = kind === 'own' ? refusalSuite : await suiteOfFile(steps);
    if (!suite) return undefined;
    // Before first: the base, then what was tuned from it.
    const models = second === 'none' ? [model] : second.base === model.id ? [model, second] : [second, model];
    return { models, suite };
  } finally {
    steps.dispose();
  }
}

async function suiteOfFile(steps: QuickSteps): Promise<RefusalPrompt[] | undefined> {
  const uri = await askFile(steps, vscode.l10n.t('Which file?'), ['jsonl', 'ndjson']);
  if (!uri) return undefined;
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  return parseRefusalSuite(text, vscode.workspace.asRelativePath(uri, false));
}
