/** The ways of training as people choose between them: four commands, each with its methods. */
import * as vscode from 'vscode';
import type { SettingsKind } from '../../core/jobs/settingDescriptions.ts';

/** One command of the palette each. */
export type Family = 'examples' | 'reward' | 'preferences' | 'reinforcement';

/** What a reward model learns from. */
export type Comparisons = 'pairs' | 'ties' | 'rankings';

export interface Method {
  readonly id: string;
  readonly label: string;
  /** When to choose it. */
  readonly description: string;
  readonly kind: SettingsKind;
  /** Settings that the method itself decides. */
  readonly fixed: Readonly<Record<string, string>>;
  /** Settings that it begins with in place of the preset's. */
  readonly usual: Readonly<Record<string, string>>;
  /** What is put behind the name of what it is made from. */
  readonly suffix: string;
}

/** The one to begin with first. */
export function methodsOf(family: Family): readonly [Method, ...Method[]] {
  const method = (kind: SettingsKind, label: string, description: string, suffix: string): Method => ({
    id: kind,
    kind,
    label,
    description,
    suffix,
    fixed: {},
    usual: {},
  });
  switch (family) {
    case 'examples':
      return [method('sft', 'SFT', vscode.l10n.t('imitates the answers of the examples'), 'sft')];
    case 'reward':
      return [
        {
          ...method('reward', 'Bradley–Terry', vscode.l10n.t('pairs; the better answer gets the higher score'), 'rm'),
          fixed: { loss: 'bradley-terry', tieThreshold: '1' },
        },
        {
          ...method(
            'reward',
            'Rao–Kupper',
            vscode.l10n.t('pairs and ties; tied answers get scores that are near'),
            'rm',
          ),
          id: 'ties',
          fixed: { loss: 'bradley-terry' },
          usual: { tieThreshold: '2' },
        },
        {
          ...method('reward', 'Plackett–Luce', vscode.l10n.t('whole rankings; each counts once, however long'), 'rm'),
          id: 'rankings',
          fixed: { loss: 'plackett-luce', tieThreshold: '1' },
        },
      ];
    case 'preferences':
      return [
        {
          ...method('dpo', 'DPO', vscode.l10n.t('pairs; makes the better answer likelier than the other'), 'dpo'),
          fixed: { loss: 'sigmoid' },
        },
        {
          ...method('dpo', 'IPO', vscode.l10n.t('pairs; stops at a fixed margin, for few or clear preferences'), 'ipo'),
          id: 'ipo',
          fixed: { loss: 'ipo' },
        },
        method('kto', 'KTO', vscode.l10n.t('answers that are good or bad each by itself'), 'kto'),
      ];
    case 'reinforcement':
      return [
        method('rlhf', 'RLOO', vscode.l10n.t('compares several answers to a prompt; the one to begin with'), 'tuned'),
        method('grpo', 'GRPO', vscode.l10n.t('the same, scaled by how much the rewards differ'), 'grpo'),
        method('reinforce', 'REINFORCE', vscode.l10n.t('the plainest: one answer to a prompt'), 'reinforce'),
        method('ppo', 'PPO', vscode.l10n.t('with a critic that foresees rewards; needs more memory'), 'ppo'),
        method('expert', expertIteration(), vscode.l10n.t('imitates the best of its own answers'), 'expert'),
      ];
  }
}

export function familyTitle(family: Family): string {
  return {
    examples: vscode.l10n.t('Fine-Tune on Examples'),
    reward: vscode.l10n.t('Train Reward Model'),
    preferences: vscode.l10n.t('Fine-Tune on Preferences'),
    reinforcement: vscode.l10n.t('Fine-Tune with RLHF'),
  }[family];
}

export const expertIteration = (): string => vscode.l10n.t('Expert Iteration');

/** The rows that the settings ask for. */
export function comparisonsOf({ fixed, usual }: Method, changes: Readonly<Record<string, string>>): Comparisons {
  const { loss, tieThreshold } = { ...usual, ...changes, ...fixed };
  if (loss === 'plackett-luce') return 'rankings';
  return Number(tieThreshold ?? 1) > 1 ? 'ties' : 'pairs';
}
