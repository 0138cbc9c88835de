/** What can be compared in the playground, by name: models below their bases, variants, strategies. */
import * as vscode from 'vscode';
import type { Strategy } from '../../core/prompts/template.ts';
import type { ModelChoice, Variant } from '../../protocol/playground.ts';
import type { ModelRegistry } from '../../providers/registry.ts';

export const variantKey = (variant: Variant): string =>
  variant.kind === 'current' ? 'current' : variant.kind === 'strategy' ? variant.strategy : variant.file;

export function strategyLabel(strategy: Strategy): string {
  switch (strategy) {
    case 'direct':
      return vscode.l10n.t('direct');
    case 'few-shot-cot':
      return vscode.l10n.t('few-shot CoT');
    case 'zero-shot-cot':
      return vscode.l10n.t('zero-shot CoT');
    case 'self-consistency':
      return vscode.l10n.t('self-consistency');
    case 'critique-revise':
      return vscode.l10n.t('critique, revise');
    case 'least-to-most':
      return vscode.l10n.t('least-to-most');
  }
}

/** Tuned models stand below what they were tuned from. */
export function choicesOf(models: Awaited<ReturnType<ModelRegistry['list']>>): ModelChoice[] {
  const choices: ModelChoice[] = [];
  const add = (id: string | undefined, depth: number): void => {
    for (const model of models) {
      if (model.base !== id || choices.some(choice => choice.id === model.id)) continue;
      choices.push({ id: model.id, label: model.label, detail: model.detail, depth });
      add(model.id, depth + 1);
    }
  };
  add(undefined, 0);
  for (const { id, label, detail } of models) {
    if (!choices.some(choice => choice.id === id)) choices.push({ id, label, detail, depth: 0 });
  }
  return choices;
}
