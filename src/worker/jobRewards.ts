/** The reward of an RLHF job: a trained reward model, a plain rule, a pattern, or code that may run. */
import { resolve } from 'node:path';
import { HumanError, isHumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { defaultSampling } from '../core/generation.ts';
import type { RewardSource, RlhfSettings, RuleReward } from '../core/jobs/job.ts';
import { judgeTokens, scoreOf, scoreQuestion } from '../core/jobs/judgeReward.ts';
import { plainReward } from '../core/jobs/ruleReward.ts';
import type { ModelConfig } from '../language-model/config.ts';
import type { LoraConfig } from '../language-model/lora.ts';
import type { CriticStart } from '../training/critic.ts';
import type { RecipeHost } from '../training/recipe.ts';
import { type Answer, inParts, type RewardFunction } from '../training/rollout.ts';
import { readAdapter } from './adapterFiles.ts';
import type { BaseModel } from './baseModel.ts';
import { createEvaluatorChild } from './evaluatorChild.ts';
import type { ModelCalls } from './modelCalls.ts';
import { openRewardScorer } from './rewardScorer.ts';

export interface JobReward {
  readonly score: RewardFunction;
  /** Adapter, head and bias of a reward model: where PPO's critic starts. */
  readonly critic?: CriticStart;
  dispose(): Promise<void>;
}

export interface JobRewardOptions {
  readonly source: RewardSource;
  /** Of the policy; a reward model has to stand on the same base. */
  readonly base: BaseModel;
  readonly basePath: string;
  readonly settings: RlhfSettings;
  readonly host: RecipeHost;
  /** Code of the workspace may run. */
  readonly allowCode: boolean;
  /** For rewards of a model that whoever watches the job asks. */
  readonly calls: Pick<ModelCalls, 'ask'>;
  readonly threads?: number;
}

export async function openReward(options: JobRewardOptions): Promise<JobReward> {
  const { source } = options;
  if (source.kind === 'model') return openRewardModel(options, source.model);
  const rule = source.reward;
  switch (rule.rule) {
    case 'regex': {
      const child = createEvaluatorChild();
      return {
        score: answers =>
          child.match(
            rule.pattern,
            rule.flags ?? '',
            answers.map(({ text }) => text),
          ),
        dispose: async () => child.dispose(),
      };
    }
    case 'javascript': {
      const file = resolve(rule.file);
      if (!options.allowCode) {
        throw new HumanError(
          l10n.t(
            'This reward is code, and code of a workspace runs only where that was allowed. Trust the workspace, or pass --allow-code.',
          ),
          { place: { file } },
        );
      }
      const child = createEvaluatorChild(file);
      return {
        async score(answers) {
          try {
            return await child.reward(
              file,
              answers.map(({ prompt, text }) => ({ prompt: prompt.text, answer: text })),
            );
          } catch (error) {
            // With the name of the file, which the function itself does not say.
            throw isHumanError(error) ? new HumanError(error.message, { cause: error, place: { file } }) : error;
          }
        },
        dispose: async () => child.dispose(),
      };
    }
    case 'judge':
      return { score: judgeReward(rule, options), dispose: async () => {} };
    default:
      return {
        score: async answers => answers.map(({ text }) => plainReward(rule, text)),
        dispose: async () => {},
      };
  }
}

/** A score that cannot be read counts as the worst; where none of a round can be, the judge is none. */
function judgeReward(
  { model, rubric }: Extract<RuleReward, { rule: 'judge' }>,
  { calls, host }: JobRewardOptions,
): RewardFunction {
  const options = { ...defaultSampling, temperature: 0, maxOutputTokens: judgeTokens, stopSequences: [] };
  return async answers => {
    const questions = answers.map(({ prompt, text }) => {
      const asked = scoreQuestion(rubric, prompt.text, text);
      return {
        model,
        prompt: asked.kind === 'text' ? asked : { ...asked, messages: [...asked.messages] },
        options,
        repeat: 0,
      };
    });
    const scores = (await calls.ask(questions)).map(scoreOf);
    const unread = scores.filter(score => score === undefined).length;
    if (unread === scores.length && unread > 1)
      throw new HumanError(
        l10n.t(
          '{0} gave no score that can be read to any of {1} answers. Choose another model as the judge.',
          model,
          unread,
        ),
      );
    if (unread > 0)
      host.log(
        'info',
        l10n.t('{0} of {1} answers got no score that can be read, and count as the worst.', unread, scores.length),
      );
    return scores.map(score => score ?? 0);
  };
}

/** The adapter of a reward model, for estimates; undefined where it cannot be used, which `openReward` says. */
export async function rewardLora(
  model: { readonly adapter?: string | undefined },
  config: ModelConfig,
): Promise<LoraConfig | undefined> {
  return model.adapter === undefined ? undefined : (await readAdapter(model.adapter, config)).lora;
}

/**
 * Refuses a gold that is the reward itself, which could never disagree; warns of one that learned from the same judgements.
 */
export async function checkGold(reward: RewardSource, gold: RewardSource, config: ModelConfig): Promise<string[]> {
  const key = (source: RewardSource): string =>
    source.kind === 'model' ? resolve(source.model.adapter ?? source.model.base) : JSON.stringify(source.reward);
  if (reward.kind === gold.kind && key(reward) === key(gold)) {
    throw new HumanError(
      l10n.t(
        'The gold reward is the reward that is trained on. Name another one: a rule, or a model of other judgements.',
      ),
    );
  }
  if (reward.kind !== 'model' || gold.kind !== 'model') return [];
  const data = async ({ model }: typeof reward) =>
    model.adapter === undefined ? undefined : (await readAdapter(model.adapter, config)).lineage?.dataSha256;
  const [of, other] = [await data(reward), await data(gold)];
  return of !== undefined && of === other
    ? [l10n.t('The gold reward model learned from the same judgements as the reward: it will share its mistakes.')]
    : [];
}

async function openRewardModel(
  { base, basePath, settings, host, threads }: JobRewardOptions,
  model: { readonly base: string; readonly adapter?: string | undefined },
): Promise<JobReward> {
  if (model.adapter === undefined) {
    throw new HumanError(l10n.t('A model without a score head cannot give rewards. Train a reward model first.'), {
      place: { file: model.base },
    });
  }
  if (resolve(model.base) !== resolve(basePath)) {
    throw new HumanError(
      l10n.t(
        'The reward model was trained on another base model ({0}). Train one on the model that you tune.',
        model.base,
      ),
      { place: { file: model.adapter } },
    );
  }
  const scorer = await openRewardScorer(base, model.adapter, threads);
  const length = ({ prompt, ids }: Answer) => prompt.ids.length + ids.length;
  return {
    critic: scorer.model,
    async score(answers) {
      const scores = new Array<number>(answers.length);
      await inParts(answers, length, settings.microBatchSize, host, async part => {
        const ids = part.map(index => [...answers[index]!.prompt.ids, ...answers[index]!.ids]);
        const found = await scorer.score(ids);
        for (const [place, index] of part.entries()) scores[index] = found[place]!;
      });
      return scores;
    },
    dispose: () => scorer.dispose(),
  };
}
