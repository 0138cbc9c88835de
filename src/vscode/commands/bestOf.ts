/** `Compare the Best of Several Answers…`: n answers to each prompt, what a reward says of them, and what choosing the best would gain. */
import * as vscode from 'vscode';
import { defaultSampling, type Prompt } from '../../core/generation.ts';
import type { RewardSource } from '../../core/jobs/job.ts';
import { bestOfMarkdown } from '../../core/statistics/bestOfReport.ts';
import type { ModelDescription, TextGenerator } from '../../core/textGenerator.ts';
import { type RewardTools, rewardsOfAnswers, sampleAnswers } from '../../jobs/answerRewards.ts';
import { cancellable } from '../cancellable.ts';
import { CommandIds } from '../commandIds.ts';
import { modelChoices } from '../modelChoices.ts';
import { answerDocument } from '../panels/answerDocuments.ts';
import { QuickSteps } from '../quickSteps.ts';
import type { Services } from '../services.ts';
import { askData, readData } from '../training/data.ts';
import { askReward, type ChosenReward, rewardLabel, rewardSource } from '../training/reward.ts';

/** Prompts that are looked at, the first ones. */
const mostPrompts = 50;

interface Asked {
  readonly prompts: readonly Prompt[];
  readonly reward: ChosenReward;
  readonly model: ModelDescription;
  readonly samples: number;
}

export async function bestOf(services: Services): Promise<void> {
  const asked = await ask(services);
  if (!asked) return;
  const registry = await services.models();
  const source = await rewardSource(registry, asked.reward);
  const generator = await registry.get(asked.model.id);
  const { answers, rewards } = await withProgress(services, asked, source, generator);
  const name = vscode.l10n.t('Best of {0}', asked.samples);
  const text = bestOfMarkdown({
    model: asked.model.label,
    reward: rewardLabel(asked.reward),
    prompts: asked.prompts,
    answers,
    rewards,
  });
  await vscode.commands.executeCommand('markdown.showPreview', answerDocument(`${name}.md`, text));
}

async function ask(services: Services): Promise<Asked | undefined> {
  const title = vscode.l10n.t('Compare the Best of Several Answers');
  const steps = new QuickSteps(title);
  try {
    const data = await askData(services, steps, 'reinforcement', title);
    if (!data) return undefined;
    const { rows } = await readData(services, data, 'rlhf', 'pairs');
    if (rows.kind !== 'prompts') return undefined;
    const prompts = rows.rows.slice(0, mostPrompts);
    const reward = await askReward(services, steps, title);
    if (reward === 'train-first') {
      steps.dispose();
      await vscode.commands.executeCommand(CommandIds.trainRewardModel);
      return undefined;
    }
    const models = reward && (await (await services.models()).list());
    const model = models && (await steps.ask(vscode.l10n.t('Which model answers?'), modelChoices(models)));
    const samples =
      model &&
      (await steps.ask(
        vscode.l10n.t('How many answers to each prompt?'),
        [4, 8, 16, 32].map(value => ({
          label: String(value),
          description: vscode.l10n.t('{0} answers in all', value * prompts.length),
          value,
        })),
        value => value === 8,
      ));
    return reward && model && samples ? { prompts, reward, model, samples } : undefined;
  } finally {
    steps.dispose();
  }
}

function withProgress(
  services: Services,
  { prompts, samples }: Asked,
  source: RewardSource,
  generator: TextGenerator,
): Promise<{ answers: string[][]; rewards: number[][] }> {
  return cancellable(vscode.l10n.t('Best of {0}', samples), async (signal, report) => {
    const [dispatcher, inference, evaluator, registry] = await Promise.all([
      services.dispatcher(),
      services.inference(),
      services.evaluator(),
      services.models(),
    ]);
    const tools: RewardTools = {
      inference,
      evaluator,
      ask: async model => dispatcher.ask(await registry.get(model)),
      allowCode: services.trusted,
      signal,
    };
    const options = { ...defaultSampling, temperature: 1, maxOutputTokens: 64 };
    const answers = await sampleAnswers(prompts, samples, options, dispatcher.ask(generator), {
      signal,
      onProgress: (done, of) => report(done, of, vscode.l10n.t('{0} of {1} answers', done, of)),
    });
    report(1, 1, vscode.l10n.t('Scoring the answers…'));
    return { answers, rewards: await rewardsOfAnswers(source, prompts, answers, tools) };
  });
}
