/** `Revise Answers by a Constitution…`: prompts, a model, rounds; then drafts, critiques and revisions, and the examples to learn from. */
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { stringifyJsonLines } from '../../base/jsonLines.ts';
import type { Constitution } from '../../core/constitution/constitution.ts';
import { exampleOf, type Revisions, reviseAnswers } from '../../core/constitution/revise.ts';
import { revisionMarkdown, revisionNotes } from '../../core/constitution/revisionText.ts';
import type { Prompt, SamplingOptions } from '../../core/generation.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import { askPrompts, someOf } from '../askPrompts.ts';
import { cancellable } from '../cancellable.ts';
import { CommandIds } from '../commandIds.ts';
import { mayAskMany } from '../confirmQuestions.ts';
import { askConstitution, constitutionInFront } from '../constitutions.ts';
import { modelChoices } from '../modelChoices.ts';
import { answerDocument } from '../panels/answerDocuments.ts';
import { type Choice, QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';

/** Tokens of an answer at least: a critique needs its sentence. */
const fewestTokens = 96;

interface Asked {
  readonly constitution: Constitution;
  readonly prompts: readonly Prompt[];
  readonly sampling: SamplingOptions;
  readonly model: ModelDescription;
  readonly rounds: number;
  readonly target: vscode.Uri;
}

export async function reviseByConstitution(services: Services, given?: unknown): Promise<void> {
  const asked = await ask(services, constitutionInFront(given));
  if (!asked) return;
  const { constitution, prompts, sampling, model, rounds, target } = asked;
  if (!(await mayAskMany(model, prompts.length * (1 + 2 * rounds), sampling.maxOutputTokens))) return;
  const [registry, dispatcher] = await Promise.all([services.models(), services.dispatcher()]);
  const generator = await registry.get(model.id);
  const revisions = await cancellable(
    vscode.l10n.t('{0} answers, criticises and revises', model.label),
    (signal, report) =>
      reviseAnswers(prompts, {
        constitution,
        rounds,
        seed: 0,
        sampling,
        ask: dispatcher.ask(generator, {}),
        signal,
        onProgress: done => report(done, prompts.length, vscode.l10n.t('{0} of {1} prompts', done, prompts.length)),
      }),
  );
  const page = answerDocument(
    `${vscode.l10n.t('Revisions')}.md`,
    revisionMarkdown(revisions, constitution, model.label),
  );
  await vscode.commands.executeCommand('markdown.showPreview', page);
  await keep(revisions, model, target);
}

/** Writes what is learned, and beside it what led there; then offers to learn it. */
async function keep(revisions: Revisions, { id }: ModelDescription, target: vscode.Uri): Promise<void> {
  const { chains } = revisions;
  const examples = chains.flatMap(chain => exampleOf(chain) ?? []);
  const write = (uri: vscode.Uri, rows: readonly unknown[]): Thenable<void> =>
    vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(stringifyJsonLines(rows)));
  await write(
    target.with({ path: target.path.replace(/(\.jsonl)?$/i, '.chains.jsonl') }),
    chains.map(chain => ({ model: id, ...chain })),
  );
  const file = vscode.workspace.asRelativePath(target, false);
  if (examples.length === 0)
    throw new HumanError(
      [
        ...revisionNotes(revisions),
        vscode.l10n.t(
          'No answer is left to learn from. The page has what the model wrote; another model may do better.',
        ),
      ].join(' '),
    );
  await write(target, examples);
  const learn = vscode.l10n.t('Fine-Tune on Them');
  const open = vscode.l10n.t('Open File');
  const said = [vscode.l10n.t('{0} examples are in {1}.', examples.length, file), ...revisionNotes(revisions)];
  const choice = await vscode.window.showInformationMessage(said.join(' '), learn, open);
  if (choice === learn) await vscode.commands.executeCommand(CommandIds.tuneOnExamples, target);
  else if (choice === open) await vscode.window.showTextDocument(target);
}

async function ask(services: Services, given: vscode.Uri | undefined): Promise<Asked | undefined> {
  const title = vscode.l10n.t('Revise Answers by a Constitution');
  const { root } = services.layout();
  const first = new QuickSteps(title);
  let constitution: Constitution | undefined;
  try {
    constitution = await askConstitution(services, first, given);
  } finally {
    first.dispose();
  }
  const found =
    constitution &&
    (await askPrompts(services, title, vscode.l10n.t('To which prompts are the answers? Of a template, to each row')));
  if (!constitution || !found) return undefined;
  const steps = new QuickSteps(title);
  try {
    const prompts = await steps.ask(vscode.l10n.t('How many prompts?'), someOf(found.prompts));
    const registry = await services.models();
    const model =
      prompts &&
      (await steps.ask(
        vscode.l10n.t('Which model answers, criticises and revises?'),
        modelChoices(await registry.list(), found.model),
      ));
    const rounds = model && (await steps.ask(vscode.l10n.t('How often is each answer revised?'), roundChoices()));
    if (!prompts || !model || !rounds) return undefined;
    const target = await vscode.window.showSaveDialog({
      title: vscode.l10n.t('Where the examples to learn from are written'),
      defaultUri: vscode.Uri.joinPath(vscode.Uri.file(root), 'revised.jsonl'),
      filters: { 'JSON Lines': ['jsonl'] },
      saveLabel: vscode.l10n.t('Revise'),
    });
    const sampling = {
      ...found.sampling,
      maxOutputTokens: Math.max(fewestTokens, found.sampling.maxOutputTokens),
      // A critique may begin on any line.
      stopSequences: [],
    };
    return target && { constitution, prompts, sampling, model, rounds, target };
  } finally {
    steps.dispose();
  }
}

const roundChoices = (): Choice<number>[] =>
  [1, 2, 4].map(rounds => ({
    label: rounds === 1 ? vscode.l10n.t('Once') : vscode.l10n.t('{0} Times', rounds),
    description: vscode.l10n.t('{0} questions for each prompt', 1 + 2 * rounds),
    value: rounds,
  }));
