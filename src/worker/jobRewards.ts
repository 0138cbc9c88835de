/** The reward of an RLHF job: trained reward models, plain rules, a pattern, a schema, code that may run, and weighted sums of them. */
import { resolve } from 'node:path';
import { HumanError, isHumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { defaultSampling } from '../core/generation.ts';
import type { ModelReference, RewardSource, RlhfSettings, RuleReward, SingleReward } from '../core/jobs/job.ts';
import { judgeTokens, scoreOf, scoreQuestion } from '../core/jobs/judgeReward.ts';
import { rewardModelsOf } from '../core/jobs/rewardSource.ts';
import { plainReward } from '../core/jobs/ruleReward.ts';
import type { ModelConfig } from '../language-model/config.ts';
import type { LoraConfig } from '../language-model/lora.ts';
import type { CriticStart } from '../training/critic.ts';
import { mean, standardDeviation } from '../training/math/normalise.ts';
import type { RecipeHost } from '../training/recipe.ts';
import { type Answer, inParts, type RewardFunction } from '../training/rollout.ts';
import { readAdapter } from './adapterFiles.ts';
import type { BaseModel } from './baseModel.ts';
import { createEvaluatorChild } from './evaluatorChild.ts';
import type { ModelCalls } from './modelCalls.ts';
import { openRewardScorer } from './rewardScorer.ts';

export interface JobReward {
  readonly score: RewardFunction;
  /** Of the answers that were scored last: `rewards/<name>/mean` and `/std` of each part, and `/disagreement` of ensembles. */
  metrics(): Readonly<Record<string, number>>;
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
  if (source.kind !== 'sum') return openSingle('ensemble', source, options);
  const parts: { readonly name: string; readonly weight: number; readonly reward: JobReward }[] = [];
  const dispose = async () => {
    for (const { reward } of parts) await reward.dispose();
  };
  try {
    for (const { name, weight, source: part } of source.parts) {
      parts.push({ name, weight, reward: await openSingle(name, part, options) });
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  let metrics: Record<string, number> = {};
  const critic = parts.find(({ reward }) => reward.critic)?.reward.critic;
  return {
    ...(critic ? { critic } : {}),
    metrics: () => metrics,
    async score(answers) {
      metrics = {};
      const totals = new Array<number>(answers.length).fill(0);
      for (const { name, weight, reward } of parts) {
        const scores = await reward.score(answers);
        for (const [index, score] of scores.entries()) totals[index]! += weight * score;
        Object.assign(metrics, spreadOf(name, scores), reward.metrics());
      }
      return totals;
    },
    dispose,
  };
}

/** As TRL names the parts of a reward: before their weights. */
const spreadOf = (name: string, scores: readonly number[]) => ({
  [`rewards/${name}/mean`]: mean(scores),
  [`rewards/${name}/std`]: standardDeviation(scores),
});

async function openSingle(name: string, source: SingleReward, options: JobRewardOptions): Promise<JobReward> {
  switch (source.kind) {
    case 'model':
      return openRewardModel(options, source.model);
    case 'ensemble':
      return openEnsemble(name, source, options);
    case 'rule':
      return { ...(await openRule(source, options)), metrics: () => ({}) };
  }
}

/** Mean or worst of several reward models (arXiv 2310.02743); the disagreement is the standard deviation over the models, a mean over the answers. */
async function openEnsemble(
  name: string,
  { models, combine }: Extract<SingleReward, { kind: 'ensemble' }>,
  options: JobRewardOptions,
): Promise<JobReward> {
  const members: JobReward[] = [];
  const dispose = async () => {
    for (const member of members) await member.dispose();
  };
  try {
    for (const model of models) members.push(await openRewardModel(options, model));
  } catch (error) {
    await dispose();
    throw error;
  }
  let metrics: Readonly<Record<string, number>> = {};
  return {
    ...(members[0]!.critic ? { critic: members[0]!.critic } : {}),
    metrics: () => metrics,
    async score(answers) {
      const all: (readonly number[])[] = [];
      for (const member of members) all.push(await member.score(answers));
      const ofAnswer = answers.map((_, index) => all.map(scores => scores[index]!));
      const scores = ofAnswer.map(scores => (combine === 'worst' ? Math.min(...scores) : mean(scores)));
      metrics = { ...spreadOf(name, scores), [`rewards/${name}/disagreement`]: mean(ofAnswer.map(standardDeviation)) };
      return scores;
    },
    dispose,
  };
}

type OpenedRule = Pick<JobReward, 'score' | 'dispose'>;

async function openRule(
  source: Extract<SingleReward, { kind: 'rule' }>,
  options: JobRewardOptions,
): Promise<OpenedRule> {
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
    case 'json-schema': {
      const child = createEvaluatorChild();
      try {
        await child.validate(rule.schema, []);
      } catch (error) {
        child.dispose();
        throw rule.file === undefined || !isHumanError(error)
          ? error
          : new HumanError(error.message, { cause: error, place: { file: rule.file } });
      }
      return {
        score: answers =>
          child.validate(
            rule.schema,
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

/** The adapters of the reward models, for estimates; without those that cannot be used, which `openReward` says. */
export async function rewardLoras(source: RewardSource, config: ModelConfig): Promise<LoraConfig[]> {
  const loras: LoraConfig[] = [];
  for (const { adapter } of rewardModelsOf(source)) {
    if (adapter !== undefined) loras.push((await readAdapter(adapter, config)).lora);
  }
  return loras;
}

/**
 * Refuses a gold that is the reward itself, which could never disagree; warns of one that learned from the same judgements.
 */
export async function checkGold(reward: RewardSource, gold: RewardSource, config: ModelConfig): Promise<string[]> {
  const key = (source: RewardSource): string =>
    source.kind === 'model' ? resolve(source.model.adapter ?? source.model.base) : JSON.stringify(source);
  if (reward.kind === gold.kind && key(reward) === key(gold)) {
    throw new HumanError(
      l10n.t(
        'The gold reward is the reward that is trained on. Name another one: a rule, or a model of other judgements.',
      ),
    );
  }
  if (gold.kind !== 'model') return [];
  const data = async ({ adapter }: ModelReference) =>
    adapter === undefined ? undefined : (await readAdapter(adapter, config)).lineage?.dataSha256;
  const other = await data(gold.model);
  const same = (await Promise.all(rewardModelsOf(reward).map(data))).some(of => of !== undefined && of === other);
  return same
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
    metrics: () => ({}),
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
