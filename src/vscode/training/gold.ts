/** A gold beside the reward: a second scorer that is measured and never trained on, which may end the training at its peak. */
import * as vscode from 'vscode';
import type { Gold } from '../../core/jobs/job.ts';
import type { ModelRegistry } from '../../providers/registry.ts';
import type { QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { askSource, type ChosenSource, sourceLabel } from './rewardKinds.ts';

export type ChosenGold =
  /** People judge the answers of each look once they are there; its model is kept until then. */
  { readonly kind: 'people' } | { readonly kind: 'scorer'; readonly source: ChosenSource; readonly then: Then };

type Then = 'stop' | 'keep' | 'watch';

/** Looks in a row without a new highest gold, after which training stops. */
const patience = 3;

/** `none` takes away what was chosen before. */
export async function askGold(
  services: Services,
  steps: QuickSteps,
  title: string,
  base: string | undefined,
  before: ChosenGold | undefined,
): Promise<ChosenGold | 'none' | undefined> {
  if (before) {
    const what = await steps.ask<'then' | 'source' | 'none'>(goldLabel(before), [
      ...(before.kind === 'scorer'
        ? [{ label: `$(debug-stop) ${vscode.l10n.t('Change What It Does…')}`, value: 'then' as const }]
        : []),
      { label: `$(law) ${vscode.l10n.t('Choose Another…')}`, value: 'source' },
      { label: `$(trash) ${vscode.l10n.t('Remove')}`, value: 'none' },
    ]);
    if (what === 'none' || what === undefined) return what;
    if (what === 'then' && before.kind === 'scorer') return askThen(steps, before.source, before.then);
  }
  const source = await askSource(services, steps, title, {
    placeholder: vscode.l10n.t('What watches? It is never trained on, and shows when the reward is believed too much'),
    base,
    measured: true,
  });
  if (source === 'people') return { kind: 'people' };
  return typeof source === 'object'
    ? askThen(steps, source, before?.kind === 'scorer' ? before.then : 'stop')
    : undefined;
}

async function askThen(steps: QuickSteps, source: ChosenSource, usual: Then): Promise<ChosenGold | undefined> {
  const then = await steps.ask<Then>(
    vscode.l10n.t('What does it do?'),
    [
      {
        label: vscode.l10n.t('Stop at Its Peak'),
        description: vscode.l10n.t('after {0} looks without a new highest; the model of the highest is kept', patience),
        value: 'stop',
      },
      {
        label: vscode.l10n.t('Keep the Best'),
        description: vscode.l10n.t('trains all steps; the model of the highest gold is kept'),
        value: 'keep',
      },
      { label: vscode.l10n.t('Only Watch'), description: vscode.l10n.t('curves on the dashboard'), value: 'watch' },
    ],
    value => value === usual,
  );
  return then && { kind: 'scorer', source, then };
}

export function goldLabel(gold: ChosenGold | undefined): string {
  if (!gold) return vscode.l10n.t('none: nothing shows when the reward is believed too much');
  if (gold.kind === 'people') return vscode.l10n.t('people, who judge the answers of each look');
  const source = sourceLabel(gold.source);
  switch (gold.then) {
    case 'stop':
      return vscode.l10n.t('{0}, stops at its peak', source);
    case 'keep':
      return vscode.l10n.t('{0}, keeps the best', source);
    case 'watch':
      return vscode.l10n.t('{0}, only watches', source);
  }
}

/** Undefined where people are the gold: that is no part of the job. */
export async function goldOf(registry: ModelRegistry, gold: ChosenGold): Promise<Gold | undefined> {
  if (gold.kind === 'people') return undefined;
  const { source, then } = gold;
  return {
    source:
      source.kind === 'rule' ? source : { kind: 'model', model: await registry.rewardReference(source.names[0]!) },
    patience: then === 'stop' ? patience : null,
    restoreBest: then !== 'watch',
  };
}
