/** Answers for ranking drawn from a model until they differ: which prompts, how many, which model; then how often it was asked. */
import * as vscode from 'vscode';
import type { Prompt, SamplingOptions } from '../../core/generation.ts';
import { rankable, type Sourced } from '../../core/preferences/answerSources.ts';
import { type DrawnAnswers, drawAnswers, unanswered } from '../../core/preferences/drawAnswers.ts';
import type { ModelDescription, TextGenerator } from '../../core/textGenerator.ts';
import { askPrompts, someOf } from '../askPrompts.ts';
import { cancellable } from '../cancellable.ts';
import { modelChoices } from '../modelChoices.ts';
import { type Choice, QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';

/** Answers drawn at most for each that is wanted. */
const triesEach = 4;

export interface FoundAnswers {
  /** A name for the set. */
  readonly set: string;
  readonly sourced: Sourced;
  /** What the person should know of how they were found, a sentence. */
  readonly note?: string;
}

export async function drawFromModel(services: Services): Promise<FoundAnswers | undefined> {
  const found = await askPrompts(
    services,
    vscode.l10n.t('Draw Answers from a Model'),
    vscode.l10n.t('To which prompts? Of a template, to each of its rows'),
  );
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
  return cancellable(vscode.l10n.t('Drawing answers from {0}', generator.model.label), (signal, report) =>
    drawAnswers(prompts, items, {
      model: generator.model.id,
      wanted,
      most: triesEach * wanted,
      sampling,
      signal,
      ask: async request => (await ask(request, { signal })).generation,
      onProgress: (done, drawn) =>
        report(
          done,
          prompts.length,
          vscode.l10n.t('{0} of {1} prompts, {2} answers drawn', done, prompts.length, drawn),
        ),
    }),
  );
}
