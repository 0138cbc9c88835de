/** The reasoning strategies in words. */
import { l10n } from '../../src/base/l10n.ts';
import type { Strategy } from '../../src/protocol/playgroundTemplate.ts';
import type { Choice } from '../common/controls.ts';

export const strategyChoices = (): Choice<Strategy>[] => [
  { value: 'direct', label: l10n.t('Direct'), title: l10n.t('Ask, and take the answer') },
  {
    value: 'few-shot-cot',
    label: l10n.t('Few-shot CoT'),
    title: l10n.t('Chain of thought from worked examples that show their reasoning'),
  },
  {
    value: 'zero-shot-cot',
    label: l10n.t('Zero-shot CoT'),
    title: l10n.t('Chain of thought from a trigger sentence, then the answer in a second step'),
  },
  {
    value: 'self-consistency',
    label: l10n.t('Self-consistency'),
    title: l10n.t('Several chains of thought are sampled, and their answers vote'),
  },
  {
    value: 'critique-revise',
    label: l10n.t('Critique and revise'),
    title: l10n.t('The model reviews its own draft and writes it again'),
  },
  {
    value: 'least-to-most',
    label: l10n.t('Least-to-most'),
    title: l10n.t('The model names simpler questions and answers them first'),
  },
];
