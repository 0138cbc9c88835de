/** Answers for ranking drawn from a model until they differ: which prompts, how many, which model; then how often it was asked. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { samplingOf } from '../../core/evaluation/runCells.ts';
import { defaultSampling, type Prompt, type SamplingOptions } from '../../core/generation.ts';
import { rankable, type Sourced } from '../../core/preferences/answerSources.ts';
import { type DrawnAnswers, drawAnswers, unanswered } from '../../core/preferences/drawAnswers.ts';
import { parseTrlPrompts } from '../../core/preferences/trlImport.ts';
import { firstError } from '../../core/prompts/promptyFile.ts';
import { renderPrompt } from '../../core/prompts/render.ts';
import { promptOf } from '../../core/prompts/template.ts';
import type { ModelDescription, TextGenerator } from '../../core/textGenerator.ts';
import { type LoadedTemplate, rowCount, rowValues } from '../panels/loadedTemplate.ts';
import { loadTemplate } from '../panels/playgroundTemplate.ts';
import { type Choice, QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { findTemplates } from '../templates.ts';

/** Greedy answers would all be the same. */
const temperature = 0.8;
/** Answers drawn at most for each that is wanted. */
const triesEach = 4;
const most = 2000;

export interface FoundAnswers {
  /** A name for the set. */
  readonly set: string;
  readonly sourced: Sourced;
  /** What the person should know of how they were found, a sentence. */
  readonly note?: string;
}

interface Prompts {
  /** A name for the set. */
  readonly name: string;
  readonly prompts: readonly Prompt[];
  readonly sampling: SamplingOptions;
}

export async function drawFromModel(services: Services): Promise<FoundAnswers | undefined> {
  const found = await askPrompts(services);
  if (!found) return undefined;
  const steps = new QuickSteps(vscode.l10n.t('Draw Answers from a Model'));
  let asked:
    | { readonly prompts: readonly Prompt[]; readonly model: ModelDescription; readonly wanted: number }
    | undefined;
  try {
    const prompts = await steps.ask(vscode.l10n.t('How many prompts?'), someOf(found.prompts));
    const registry = await services.models();
    const model =
      prompts && (await steps.ask(vscode.l10n.t('Which model answers?'), modelChoices(await registry.list())));
    const wanted = model && (await steps.ask(vscode.l10n.t('How many different answers to each?'), counts()));
    if (prompts && model && wanted) asked = { prompts, model, wanted };
  } finally {
    steps.dispose();
  }
  if (!asked) return undefined;
  const { prompts, wanted } = asked;
  const generator = await (await services.models()).get(asked.model.id);
  const items = unanswered(prompts);
  const drawn = await withProgress(services, generator, { prompts, items, wanted, sampling: found.sampling });
  return {
    set: found.name,
    sourced: rankable(items.slice(0, drawn.done)),
    note: drawnText(generator, wanted, drawn),
  };
}

/** How many answers it took, and where the model was given up. */
function drawnText({ model }: TextGenerator, wanted: number, { done, drawn, short }: DrawnAnswers): string {
  const all = vscode.l10n.t('{0} was asked {1} times for {2} prompts.', model.label, drawn, done);
  if (short === 0) return all;
  const some = vscode.l10n.t(
    'It was given up on {0} of them: fewer than {1} different answers in {2} tries.',
    short,
    wanted,
    triesEach * wanted,
  );
  return `${all} ${some}`;
}

/** The rows of a template, or a file. */
async function askPrompts(services: Services): Promise<Prompts | undefined> {
  const templates = await findTemplates();
  const file = vscode.l10n.t('From a File…');
  const choice = await vscode.window.showQuickPick(
    [
      ...templates.map(({ name, folder, uri }) => ({ label: name, description: folder, uri })),
      { label: file, description: vscode.l10n.t('JSON Lines with a field “prompt”'), uri: undefined },
    ],
    {
      title: vscode.l10n.t('Draw Answers from a Model'),
      placeHolder: vscode.l10n.t('To which prompts? Of a template, to each of its rows'),
    },
  );
  if (!choice) return undefined;
  return choice.uri ? promptsOfTemplate(services, choice.uri, choice.label) : promptsOfFile();
}

async function promptsOfFile(): Promise<Prompts | undefined> {
  const [uri] =
    (await vscode.window.showOpenDialog({
      filters: { 'JSON Lines': ['jsonl', 'ndjson', 'json'] },
      openLabel: vscode.l10n.t('Choose'),
    })) ?? [];
  if (!uri) return undefined;
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  const name = basename(uri.path).replace(/\.[^.]*$/, '');
  const sampling = { ...defaultSampling, temperature, maxOutputTokens: 256 };
  return { name, sampling, prompts: parseTrlPrompts(text, vscode.workspace.asRelativePath(uri, false)) };
}

/** Throws what is wrong with the template, where not one row can be rendered. */
async function promptsOfTemplate(services: Services, uri: vscode.Uri, name: string): Promise<Prompts> {
  const text = (await vscode.workspace.openTextDocument(uri)).getText();
  const loaded = await loadTemplate(uri, text, services.approvals);
  requireUsable(loaded);
  const { template, bank } = loaded;
  const evaluator = await services.evaluator();
  const prompts = new Map<string, Prompt>();
  let wrong: HumanError | undefined;
  for (let row = 0; row < Math.min(most, rowCount(loaded)); row++) {
    const values = rowValues(loaded, row);
    const { prompt, diagnostics } = await renderPrompt(template, { values, ...(bank && { bank }) }, evaluator.render);
    if (prompt) prompts.set(JSON.stringify(promptOf(prompt)), promptOf(prompt));
    else wrong ??= firstError(template, diagnostics);
  }
  if (prompts.size === 0) throw wrong ?? new HumanError(vscode.l10n.t('This template has no prompt.'));
  const own = samplingOf(template);
  const sampling = own.temperature === 0 ? { ...own, temperature } : own;
  return { name, sampling, prompts: [...prompts.values()] };
}

function requireUsable({ template, diagnostics, waiting }: LoadedTemplate): void {
  const error = firstError(template, diagnostics);
  if (error) throw error;
  if (waiting.length > 0)
    throw new HumanError(vscode.l10n.t('This template waits for an approval. Give it in the playground first.'));
}

const promptCount = (count: number): string =>
  count === 1 ? vscode.l10n.t('1 prompt') : vscode.l10n.t('{0} prompts', count);

/** All of them, or the first few. */
const someOf = (prompts: readonly Prompt[]): Choice<readonly Prompt[]>[] =>
  [10, 50, 200]
    .filter(count => count < prompts.length)
    .map(count => ({ label: vscode.l10n.t('The First {0}', count), value: prompts.slice(0, count) }))
    .concat({ label: vscode.l10n.t('All: {0}', promptCount(prompts.length)), value: [...prompts] });

const modelChoices = (models: readonly ModelDescription[]): Choice<ModelDescription>[] =>
  models.map(model => ({ label: model.label, description: model.detail, value: model }));

const counts = (): Choice<number>[] =>
  [2, 3, 4, 6].map(count => ({
    label: String(count),
    description: vscode.l10n.t('asks at most {0} times for each prompt', triesEach * count),
    value: count,
  }));

interface Drawing {
  readonly prompts: readonly Prompt[];
  readonly items: ReturnType<typeof unanswered>;
  readonly wanted: number;
  readonly sampling: SamplingOptions;
}

async function withProgress(
  services: Services,
  generator: TextGenerator,
  { prompts, items, wanted, sampling }: Drawing,
): Promise<DrawnAnswers> {
  const ask = (await services.dispatcher()).ask(generator, {});
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('Drawing answers from {0}', generator.model.label),
      cancellable: true,
    },
    (notification, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      let shown = 0;
      return drawAnswers(prompts, items, {
        model: generator.model.id,
        wanted,
        most: triesEach * wanted,
        sampling,
        signal: abort.signal,
        ask: async request => (await ask(request, { signal: abort.signal })).generation,
        onProgress: (done, drawn) => {
          const percent = (100 * done) / prompts.length;
          const message = vscode.l10n.t('{0} of {1} prompts, {2} answers drawn', done, prompts.length, drawn);
          notification.report({ increment: percent - shown, message });
          shown = percent;
        },
      });
    },
  );
}
