/** What a training came to, in the few words that fit beside a model's name. */
import { figure, percent } from '../../base/figure.ts';
import { l10n } from '../../base/l10n.ts';

/** `metrics`: of a job's result or of the model that came of it. Empty where nothing was measured on what was held out. */
export function resultFigure(metrics: Readonly<Record<string, number>>): string {
  const accuracy = metrics.eval_accuracy ?? metrics['eval_rewards/accuracies'];
  if (accuracy !== undefined) return l10n.t('{0} % held out', percent(accuracy));
  const { reward_before: before, reward_after: after } = metrics;
  if (before !== undefined && after !== undefined) return l10n.t('reward {0} → {1}', figure(before), figure(after));
  const { eval_perplexity_before: first, eval_perplexity: last } = metrics;
  if (first !== undefined && last !== undefined) return l10n.t('perplexity {0} → {1}', figure(first), figure(last));
  const margin = metrics['eval_rewards/margins'];
  return margin === undefined ? '' : l10n.t('margin {0}', figure(margin));
}
