/** What can be compared in the playground, by name: models below their bases, variants, strategies. */
import type * as vscode from 'vscode';
import { l10n } from '../../base/l10n.ts';
import { samplingOf } from '../../core/evaluation/runCells.ts';
import { choiceOn } from '../../core/prompts/axesSettings.ts';
import { endpointOf, originOf } from '../../core/prompts/references.ts';
import type { AxisName, Strategy, Template, TextChoice } from '../../core/prompts/template.ts';
import type { ModelDescription } from '../../core/textGenerator.ts';
import { emptySetup, type ModelChoice, type Setup, type Variant } from '../../protocol/playground.ts';
import { endpointModelId } from '../../providers/openAiCompatible.ts';
import type { Services } from '../services.ts';
import type { LoadedTemplate } from './loadedTemplate.ts';

export const variantKey = (variant: Variant): string =>
  variant.kind === 'current' ? 'current' : variant.kind === 'strategy' ? variant.strategy : variant.file;

export function strategyLabel(strategy: Strategy): string {
  switch (strategy) {
    case 'direct':
      return l10n.t('direct');
    case 'few-shot-cot':
      return l10n.t('few-shot CoT');
    case 'zero-shot-cot':
      return l10n.t('zero-shot CoT');
    case 'self-consistency':
      return l10n.t('self-consistency');
    case 'critique-revise':
      return l10n.t('critique, revise');
    case 'least-to-most':
      return l10n.t('least-to-most');
  }
}

/** A value of an axis without a name of its own gets the one that its text gives. */
export const namedChoices = (axis: AxisName, values: readonly TextChoice[]): TextChoice[] =>
  values.map(({ label, text }) =>
    label.trim() === '' ? (choiceOn(axis, text) ?? { label: text, text }) : { label, text },
  );

/** Tuned models stand below what they were tuned from. */
function choicesOf(models: readonly ModelDescription[]): ModelChoice[] {
  const choices: ModelChoice[] = [];
  const add = (id: string | undefined, depth: number): void => {
    for (const model of models) {
      if (model.base !== id || choices.some(choice => choice.id === model.id)) continue;
      choices.push(choiceOf(model, depth));
      add(model.id, depth + 1);
    }
  };
  add(undefined, 0);
  for (const model of models) {
    if (!choices.some(choice => choice.id === model.id)) choices.push(choiceOf(model, 0));
  }
  return choices;
}

function choiceOf(model: ModelDescription, depth: number): ModelChoice {
  const { id, label, detail, note } = model;
  return { id, label, detail, depth, controlled: model.controlledSampling, note: note ?? null };
}

/** The registry's models, and the one on the server that the template names once that was allowed. */
export async function modelChoices(
  services: Services,
  uri: vscode.Uri,
  { template, waiting }: LoadedTemplate,
): Promise<ModelChoice[]> {
  const models = await services.models(uri);
  const choices = choicesOf(await models.list());
  const address = endpointOf(template);
  const allowed = services.trusted && !waiting.some(({ kind }) => kind === 'endpoint');
  const origin = address === undefined || !allowed ? undefined : originOf(address);
  if (address === undefined || origin === undefined || !template.model.id) return choices;
  const id = endpointModelId(address, template.model.id);
  if (choices.some(choice => choice.id === id)) return choices;
  return [...choices, { id, label: template.model.id, detail: origin, depth: 0, controlled: true, note: null }];
}

/** What a playground begins with: the template's model, else the one of the settings, else the first. */
export function firstSetup(template: Template, choices: readonly ModelChoice[], defaultModel: string): Setup {
  const wanted = template.model.id ?? defaultModel;
  const own = choices.find(({ id, label }) => id === wanted || label === wanted);
  const model = own?.id ?? choices[0]?.id ?? defaultModel;
  // Where nothing says what is right, answers are there to be ranked: several of each.
  const open = template.tunesmith.expected === undefined && samplingOf(template).temperature > 0;
  return { ...emptySetup, models: [model], samples: open ? 4 : 1 };
}

/** Models that are gone leave the setup; one stays. */
export function validSetup(
  setup: Setup,
  choices: readonly ModelChoice[],
  { rows, first }: { readonly rows: number; first(): Setup },
): Setup {
  const models = setup.models.filter(id => choices.some(choice => choice.id === id));
  const row = Math.max(0, Math.min(setup.row, rows - 1));
  const variants = setup.variants.length > 0 ? setup.variants.slice(0, 2) : [{ kind: 'current' } as const];
  return { ...setup, models: models.length > 0 ? models : first().models, variants, row };
}
