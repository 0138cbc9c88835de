/** Best of n: several answers to each prompt, and what a reward says of each; no weight is changed. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { Ask } from '../core/evaluation/ask.ts';
import { defaultSampling, type Prompt, type SamplingOptions } from '../core/generation.ts';
import type { ModelReference, RewardSource, RuleReward } from '../core/jobs/job.ts';
import { judgeTokens, scoreOf, scoreQuestion } from '../core/jobs/judgeReward.ts';
import { plainReward } from '../core/jobs/ruleReward.ts';
import type { Evaluator } from './evaluatorProcess.ts';
import type { InferenceProcess } from './inferenceProcess.ts';

/** What rewards are asked of. */
export interface RewardTools {
  readonly inference: Pick<InferenceProcess, 'reward'>;
  readonly evaluator: Pick<Evaluator, 'match' | 'reward' | 'validate'>;
  /** How a judge is asked, by the registry's name. */
  readonly ask: (model: string) => Promise<Ask>;
  /** Code of the workspace may run. */
  readonly allowCode: boolean;
  readonly signal: AbortSignal;
}

/** `samples` answers to each prompt, each with random numbers of its own. Rejects when it is aborted. */
export async function sampleAnswers(
  prompts: readonly Prompt[],
  samples: number,
  options: SamplingOptions,
  ask: Ask,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (done: number, of: number) => void },
): Promise<string[][]> {
  let done = 0;
  const answers = await Promise.all(
    prompts.map(prompt =>
      Promise.all(
        Array.from({ length: samples }, async (_, repeat) => {
          const { generation } = await ask({ prompt, options, repeat }, { signal });
          done++;
          onProgress(done, samples * prompts.length);
          return generation.text.trim();
        }),
      ),
    ),
  );
  // Interrupted answers are no answers of the model.
  signal.throwIfAborted();
  return answers;
}

/** The reward of every answer, by prompt. Throws a HumanError where one is not a number. */
export async function rewardsOfAnswers(
  source: RewardSource,
  prompts: readonly Prompt[],
  answers: readonly (readonly string[])[],
  tools: RewardTools,
): Promise<number[][]> {
  const rows = prompts.flatMap((prompt, index) => answers[index]!.map(answer => ({ prompt, answer })));
  const found = await rewardsOf(source, rows, tools);
  const bad = found.find(score => !Number.isFinite(score));
  if (bad !== undefined)
    throw new HumanError(l10n.t('The reward of an answer is not a number ({0}). Check the reward.', String(bad)));
  let at = 0;
  return answers.map(own => own.map(() => found[at++]!));
}

interface Row {
  readonly prompt: Prompt;
  readonly answer: string;
}

async function rewardsOf(source: RewardSource, rows: readonly Row[], tools: RewardTools): Promise<readonly number[]> {
  switch (source.kind) {
    case 'model':
      return ofModel(source.model, rows, tools);
    case 'ensemble': {
      const all: (readonly number[])[] = [];
      for (const model of source.models) all.push(await ofModel(model, rows, tools));
      return rows.map((_, row) => {
        const scores = all.map(of => of[row]!);
        return source.combine === 'worst' ? Math.min(...scores) : scores.reduce((sum, x) => sum + x, 0) / scores.length;
      });
    }
    case 'rule':
      return ofRule(source.reward, rows, tools);
    case 'sum': {
      const totals = rows.map(() => 0);
      for (const part of source.parts) {
        const scores = await rewardsOf(part.source, rows, tools);
        for (const [row, score] of scores.entries()) totals[row]! += part.weight * score;
      }
      return totals;
    }
  }
}

async function ofModel(
  { base, adapter }: ModelReference,
  rows: readonly Row[],
  { inference, signal }: RewardTools,
): Promise<number[]> {
  const { rewards } = await inference.reward(
    {
      location: { base, ...(adapter === undefined ? {} : { adapter }) },
      items: rows.map(({ prompt, answer }) => ({ prompt: mutable(prompt), answer })),
    },
    { signal },
  );
  return rewards.map(reward => {
    if (reward !== null) return reward;
    throw new HumanError(l10n.t('An answer is longer than the reward model reads. Ask for shorter answers.'));
  });
}

async function ofRule(
  rule: RuleReward,
  rows: readonly Row[],
  { evaluator, ask, allowCode, signal }: RewardTools,
): Promise<number[]> {
  const texts = rows.map(({ answer }) => answer);
  switch (rule.rule) {
    case 'regex':
      return (await evaluator.match(rule.pattern, rule.flags ?? '', texts)).map(match => (match ? 1 : 0));
    case 'json-schema':
      return (await evaluator.validate(rule.schema, texts)).map(Number);
    case 'javascript':
      return evaluator.reward(
        rule.file,
        rows.map(({ prompt, answer }) => ({
          prompt:
            prompt.kind === 'text'
              ? prompt.text
              : (prompt.messages.findLast(({ role }) => role === 'user')?.content ?? ''),
          answer,
        })),
        { allowCode },
      );
    case 'judge': {
      const judge = await ask(rule.model);
      const options = { ...defaultSampling, temperature: 0, maxOutputTokens: judgeTokens };
      return Promise.all(
        rows.map(async ({ prompt, answer }) => {
          const said =
            prompt.kind === 'text' ? prompt.text : prompt.messages.map(({ content }) => content).join('\n\n');
          const question = { prompt: scoreQuestion(rule.rubric, said, answer), options, repeat: 0 };
          const { generation } = await judge(question, { signal });
          signal.throwIfAborted();
          return scoreOf(generation.text) ?? 0;
        }),
      );
    }
    default:
      return texts.map(text => plainReward(rule, text));
  }
}

/** As the protocol has it. */
const mutable = (prompt: Prompt) => (prompt.kind === 'text' ? prompt : { ...prompt, messages: [...prompt.messages] });
