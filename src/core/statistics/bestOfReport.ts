/** What choosing among several answers gains, as a page of Markdown: the curve, then each prompt with its best and its first answer. */
import { l10n } from '../../base/l10n.ts';
import type { Prompt } from '../generation.ts';
import { bestOfCurve } from './bestOfN.ts';

export interface BestOfReport {
  readonly model: string;
  readonly reward: string;
  readonly prompts: readonly Prompt[];
  /** One list a prompt, as long as that of its rewards. */
  readonly answers: readonly (readonly string[])[];
  readonly rewards: readonly (readonly number[])[];
}

export function bestOfMarkdown({ model, reward, prompts, answers, rewards }: BestOfReport): string {
  const curve = bestOfCurve(rewards).map(
    ({ n, reward: mean, klBound }) => `| ${n} | ${number(mean)} | ${number(klBound)} |`,
  );
  const each = prompts.flatMap((prompt, index) => {
    const scores = rewards[index]!;
    const best = scores.indexOf(Math.max(...scores));
    return [
      `### ${index + 1}`,
      quoted(prompt.kind === 'text' ? prompt.text : (prompt.messages.at(-1)?.content ?? '')),
      `**${l10n.t('Best, {0}', number(scores[best]!))}**`,
      quoted(answers[index]![best]!),
      ...(best === 0 ? [] : [`**${l10n.t('First, {0}', number(scores[0]!))}**`, quoted(answers[index]![0]!)]),
    ];
  });
  return [
    `# ${l10n.t('Best of {0}', answers[0]?.length ?? 0)}`,
    l10n.t('{0}, {1} prompts. Reward: {2}.', model, prompts.length, reward),
    [
      `| ${l10n.t('answers')} | ${l10n.t('reward of the best')} | ${l10n.t('KL at most, nats')} |`,
      '| ---: | ---: | ---: |',
      ...curve,
    ].join('\n'),
    l10n.t(
      'The reward is what the best of so many answers is worth on average: what tuning on it may gain, without a weight changed.',
    ),
    `## ${l10n.t('Answers')}`,
    ...each,
  ].join('\n\n');
}

const number = (value: number): string => value.toFixed(3).replace('-', '−');

/** As a block of code, whose fence is in no answer: answers are shown as they are. */
function quoted(text: string): string {
  let fence = '```';
  while (text.includes(fence)) fence += '`';
  return `${fence}text\n${text}\n${fence}`;
}
