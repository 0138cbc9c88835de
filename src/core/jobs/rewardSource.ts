/** What gives the reward of a job, in a few words, and the reward models in it. */
import { l10n } from '../../base/l10n.ts';
import type { ModelReference, RewardSource, RuleReward } from './job.ts';

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
      return source.parts
        .map(({ weight, source: part }) => (weight === 1 ? rewardLabel(part) : `${weight} × ${rewardLabel(part)}`))
        .join(' + ');
  }
}

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
      return l10n.t('scored by {0}', rule.model);
  }
}

const lastPart = (path: string): string => path.split(/[\\/]/).at(-1)!;
