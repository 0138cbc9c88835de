/** What gives the reward of a job, in a few words, and the reward models in it. */
import { l10n } from '../../base/l10n.ts';
import type { ModelReference, RewardSource, RuleReward, SingleReward } from './job.ts';

export interface WeighedReward {
  readonly weight: number;
  readonly source: SingleReward;
}

/**
 * One reward as it is; several, or one with a weight, as their sum. A part goes by its kind (`model`, `word`, `length` …), as in its
 * metrics `rewards/<part>/mean`; the second of a kind has a number behind it.
 */
export function sumOfRewards(rewards: readonly WeighedReward[]): RewardSource {
  const [first] = rewards;
  if (rewards.length === 1 && first!.weight === 1) return first!.source;
  const counts = new Map<string, number>();
  const parts = rewards.map(({ weight, source }) => {
    const kind = partName(source);
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return { name: count === 1 ? kind : `${kind}-${count}`, weight, source };
  });
  return { kind: 'sum', parts };
}

const ruleNames: Readonly<Record<RuleReward['rule'], string>> = {
  word: 'word',
  regex: 'regex',
  length: 'length',
  'json-valid': 'json',
  'json-schema': 'schema',
  javascript: 'code',
  judge: 'judge',
};

/** What a reward is called among others: `model`, `word`, `length` … */
export const partName = (source: SingleReward): string =>
  source.kind === 'rule' ? ruleNames[source.reward.rule] : 'model';

/** Every reward model that the reward needs, the first of which a critic may start from. */
export function rewardModelsOf(source: RewardSource): readonly ModelReference[] {
  switch (source.kind) {
    case 'model':
      return [source.model];
    case 'ensemble':
      return source.models;
    case 'rule':
      return [];
    case 'sum':
      return source.parts.flatMap(part => rewardModelsOf(part.source));
  }
}

/** The folder that a reward model is known by. */
export const rewardFolder = ({ adapter, base }: ModelReference): string => adapter ?? base;

export function rewardLabel(source: RewardSource): string {
  switch (source.kind) {
    case 'model':
      return lastPart(rewardFolder(source.model));
    case 'rule':
      return ruleLabel(source.reward);
    case 'ensemble': {
      const names = source.models.map(model => lastPart(rewardFolder(model))).join(', ');
      return source.combine === 'worst' ? l10n.t('the lowest of {0}', names) : l10n.t('the mean of {0}', names);
    }
    case 'sum':
      return sumLabel(source.parts.map(({ weight, source: part }) => ({ weight, label: rewardLabel(part) })));
  }
}

/** `polite-rm + 0.5 × 10 to 30 words − 2 × valid JSON`. */
export const sumLabel = (parts: readonly { readonly weight: number; readonly label: string }[]): string =>
  parts
    .map(({ weight, label }, index) => {
      const sign = weight < 0 ? '−' : index === 0 ? '' : '+';
      const size = Math.abs(weight) === 1 ? label : `${Math.abs(weight)} × ${label}`;
      return index === 0 ? `${sign}${size}` : ` ${sign} ${size}`;
    })
    .join('');

export function ruleLabel(rule: RuleReward): string {
  switch (rule.rule) {
    case 'word':
      return l10n.t('contains “{0}”', rule.word);
    case 'regex':
      return l10n.t('matches /{0}/', rule.pattern);
    case 'length':
      return l10n.t('{0} to {1} words', rule.min, rule.max);
    case 'json-valid':
      return l10n.t('valid JSON');
    case 'json-schema':
      return rule.file === undefined ? l10n.t('JSON by a schema') : l10n.t('JSON by {0}', lastPart(rule.file));
    case 'javascript':
      return rule.file;
    case 'judge':
      return l10n.t('scored by {0}', judgeName(rule.model));
  }
}

/** Of the registry's id: `http://localhost:11434/v1|qwen` is `qwen`. */
export const judgeName = (model: string): string => model.replace(/^.*\|/, '').replace(/^local:/, '');

const lastPart = (path: string): string => path.split(/[\\/]/).at(-1)!;
