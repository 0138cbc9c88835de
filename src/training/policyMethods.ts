/** The algorithms that learn from their own answers: what each makes of a step's scores, and its loss. */
import type {
  ExpertSettings,
  GrpoSettings,
  PpoSettings,
  ReinforceSettings,
  RlhfSettings,
  RlooSettings,
} from '../core/jobs/job.ts';
import {
  add,
  and,
  cast,
  clamp,
  exp,
  greater,
  type InputSpec,
  less,
  minimum,
  mul,
  neg,
  scatterAdd,
  sub,
  sum,
  type Value,
} from '../engine/index.ts';
import type { LossBuilder, TrainingBatch } from '../language-model/trainable.ts';
import { groupAdvantages, leaveOneOutAdvantages, reinforceAdvantages, tokenWeights } from './math/advantages.ts';
import { adaptedBeta, generalisedAdvantages, whitened } from './math/gae.ts';
import { answerImportance, tokenImportance } from './math/importance.ts';
import { type KlEstimator, klEstimate } from './math/kl.ts';
import { mean } from './math/normalise.ts';
import type { Answer } from './rollout.ts';
import { sftInputs, sftLoss } from './sft.ts';

/** The answers of a step with what an update needs to know of them. */
export interface Scored {
  readonly answers: readonly Answer[];
  readonly scores: readonly number[];
  /** Log-probability of each answer token before the update, nats, at the sampling temperature. */
  readonly old: readonly Float32Array[];
  /** The same under the frozen base. */
  readonly reference: readonly Float32Array[];
  /** Σ_t log p − log p_ref of each answer: the k1 estimate of its KL. */
  readonly kl: readonly number[];
  readonly entropy: number;
  /** log p − log p_sampler of each answer token, where an older policy sampled: `old` is that of the policy at the start of the step. */
  readonly importance?: readonly Float32Array[];
  /** The critic's value before each answer token, where there is a critic. */
  readonly values?: readonly Float32Array[];
}

/** What a step's answers teach. */
export interface Lesson {
  /** Rewards as they count, penalties included, groups of one prompt one after the other. */
  readonly rewards: readonly number[];
  /** The loss's inputs for some of the answers, tokens row after row. */
  feed(part: readonly number[]): NonNullable<TrainingBatch['inputs']>;
  /** Rows that are learned from, where not all are; without one there is no update. */
  readonly learned?: readonly number[];
  /** What the critic should have said. */
  readonly returns?: readonly Float64Array[];
  readonly metrics?: Readonly<Record<string, number>>;
}

export interface PolicyMethod {
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** Its metrics have the names under which they are reported; those of micro-batches are added up. */
  readonly loss: LossBuilder;
  lesson(scored: Scored): Lesson;
  /** What changes from step to step, for checkpoints. */
  arrays?(): ReadonlyMap<string, Float32Array>;
  restore?(arrays: ReadonlyMap<string, Float32Array>): void;
}

export function policyMethod(settings: RlhfSettings): PolicyMethod {
  switch (settings.algorithm) {
    case 'rloo':
      return rloo(settings);
    case 'grpo':
      return grpo(settings);
    case 'reinforce':
      return reinforce(settings);
    case 'ppo':
      return ppo(settings);
    case 'expert':
      return expert(settings);
  }
}

/** Zeros for every input of a loss over B rows and N tokens: for passes that only read log-probabilities. */
export function idleInputs(
  inputs: Readonly<Record<string, InputSpec>>,
  sizes: { readonly B: number; readonly N: number },
): NonNullable<TrainingBatch['inputs']> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => [name, new Float32Array(sizes[shape[0] as 'B' | 'N'])]),
  );
}

/** Σ_t of the estimator over an answer's tokens. */
function klOfAnswers({ old, reference, kl }: Scored, estimator: KlEstimator): readonly number[] {
  if (estimator === 'k1') return kl;
  return old.map((row, index) =>
    row.reduce((total, value, t) => total + klEstimate(estimator, value - reference[index]![t]!), 0),
  );
}

/** r = score − β Σ_t k(log p − log p_ref), without a gradient. */
function penalised(scored: Scored, beta: number, estimator: KlEstimator): number[] {
  const kl = klOfAnswers(scored, estimator);
  return scored.scores.map((score, row) => score - beta * kl[row]!);
}

/**
 * RLOO (Ahmadian et al. 2024, arXiv 2402.14740), in the dialect of TRL's `rloo_trainer.py`: the KL penalty inside the reward, a
 * leave-one-out baseline, and one clipped ratio for each whole answer.
 */
const rloo = ({
  samplesPerPrompt,
  beta,
  klEstimator,
  clipRange,
  targetKl,
  importanceCap,
}: RlooSettings): PolicyMethod => ({
  inputs: {
    advantages: { dtype: 'float32', shape: ['B'] },
    weight: { dtype: 'float32', shape: ['B'] },
    oldLogProbs: { dtype: 'float32', shape: ['N'] },
  },
  loss: sequenceRatioLoss(clipRange, targetKl !== null),
  lesson(scored) {
    const rewards = penalised(scored, beta, klEstimator);
    const advantages = leaveOneOutAdvantages(rewards, samplesPerPrompt);
    return {
      rewards,
      feed: part => ({
        advantages: part.map(row => advantages[row]!),
        weight: part.map(row => importanceOf(scored, row, importanceCap) / rewards.length),
        oldLogProbs: tokens(scored.old, part),
      }),
    };
  },
});

/**
 * GRPO (Shao et al. 2024, arXiv 2402.03300), in the dialect of TRL's `grpo_trainer.py`: advantages within the group, one clipped
 * ratio for each token, and the k3 estimate of the KL in the loss, with a gradient.
 */
const grpo = (settings: GrpoSettings): PolicyMethod => ({
  inputs: { ...tokenRatioInputs, reference: { dtype: 'float32', shape: ['N'] } },
  loss: tokenRatioLoss(
    settings.clipRange,
    settings.clipRangeHigh ?? settings.clipRange,
    { beta: settings.beta, estimator: settings.klEstimator },
    settings.targetKl !== null,
  ),
  lesson(scored) {
    const lengths = scored.answers.map(({ ids }) => ids.length);
    const advantages = groupAdvantages(scored.scores, settings.samplesPerPrompt, settings.scaleRewards);
    const weights = tokenWeights(lengths, settings.aggregation, settings.maxNewTokens);
    return {
      rewards: scored.scores,
      feed: part => ({
        ...tokenRatioFeed(
          scored,
          part,
          row => new Float64Array(lengths[row]!).fill(advantages[row]!),
          weights,
          settings.importanceCap,
        ),
        reference: tokens(scored.reference, part),
      }),
    };
  },
});

/** REINFORCE (Williams 1992): ∇ = (1/m) Σ A(s) ∇ log p(s), with the KL penalty inside the reward. */
const reinforce = ({ beta, klEstimator, baseline, importanceCap }: ReinforceSettings): PolicyMethod => ({
  inputs: {
    advantages: { dtype: 'float32', shape: ['B'] },
    weight: { dtype: 'float32', shape: ['B'] },
  },
  loss: (_graph, out, { advantages, weight }) => ({
    loss: neg(sum(mul(scatterAdd(out.logProbs, out.rows, 'B'), mul(advantages!, weight!)))),
  }),
  lesson(scored) {
    const rewards = penalised(scored, beta, klEstimator);
    const advantages = reinforceAdvantages(rewards, baseline);
    return {
      rewards,
      feed: part => ({
        advantages: part.map(row => advantages[row]!),
        weight: part.map(row => importanceOf(scored, row, importanceCap) / rewards.length),
      }),
    };
  },
});

/**
 * PPO (Schulman et al. 2017) as in arXiv 2403.17031, `ppo.py`: the KL penalty (k1) on every token and the score on the last, GAE,
 * advantages whitened over the step, one clipped ratio for each token. A step is one minibatch.
 */
function ppo(settings: PpoSettings): PolicyMethod {
  const { gamma, lambda, clipRange, missingEosPenalty, klEstimator, klControl, klTarget, klHorizon } = settings;
  let beta = Math.fround(settings.beta);
  const clipped = tokenRatioLoss(clipRange, clipRange, undefined, settings.targetKl !== null);
  return {
    inputs: tokenRatioInputs,
    loss: (graph, out, inputs) => {
      const { loss, metrics } = clipped(graph, out, inputs);
      const moved = sub(out.logProbs, inputs.oldLogProbs!);
      return {
        loss,
        metrics: {
          'policy/approxkl_avg': mul(sum(mul(mul(moved, moved), inputs.share!)), 0.5),
          'policy/clipfrac_avg': metrics!['clip_ratio/region_mean']!,
          'val/ratio': metrics!['val/ratio']!,
          ...(metrics![approximateKl] ? { [approximateKl]: metrics![approximateKl] } : {}),
        },
      };
    },
    lesson(scored) {
      const { answers, old, reference, kl, values } = scored;
      const scores = scored.scores.map((score, row) => score - (answers[row]!.ended ? 0 : (missingEosPenalty ?? 0)));
      const made = answers.map((_, row) => {
        const rewards = Float64Array.from(
          old[row]!,
          (value, t) => -beta * klEstimate(klEstimator, value - reference[row]![t]!),
        );
        rewards[rewards.length - 1]! += scores[row]!;
        return generalisedAdvantages(rewards, values![row]!, gamma, lambda);
      });
      const advantages = whitened(made.map(one => one.advantages));
      const tokens = old.reduce((total, row) => total + row.length, 0);
      const weights = answers.map(() => 1 / tokens);
      const used = beta;
      if (klControl === 'adaptive') {
        beta = Math.fround(adaptedBeta(beta, mean(kl), answers.length, { target: klTarget, horizon: klHorizon }));
      }
      const penalty = klOfAnswers(scored, klEstimator);
      return {
        rewards: scores.map((score, row) => score - used * penalty[row]!),
        feed: part => tokenRatioFeed(scored, part, row => advantages[row]!, weights, settings.importanceCap),
        returns: made.map(one => one.returns),
        metrics: {
          'objective/kl': mean(kl),
          'objective/entropy': mean(old.map(row => row.reduce((total, value) => total - value, 0))),
          'objective/non_score_reward': -used * mean(penalty),
          'objective/scores': mean(scores),
          'val/num_eos_tokens': answers.filter(({ ended }) => ended).length,
          kl_coef: used,
        },
      };
    },
    arrays: () => new Map([['ppo:beta', Float32Array.of(beta)]]),
    restore(arrays) {
      beta = arrays.get('ppo:beta')?.[0] ?? beta;
    },
  };
}

/**
 * Expert iteration (Anthony et al. 2017; RAFT, Dong et al. 2023, arXiv 2304.06767): the best answers to each prompt are imitated, with
 * the loss of supervised fine-tuning: the mean of −log p over all their tokens. Departure: log-probabilities are at the sampling
 * temperature, which is that of supervised fine-tuning where it is 1.
 */
const expert = ({ samplesPerPrompt, keepBest, minimumScore }: ExpertSettings): PolicyMethod => ({
  inputs: sftInputs,
  loss: sftLoss,
  lesson({ answers, scores }) {
    const learned = bestRows(scores, samplesPerPrompt, keepBest, minimumScore);
    const tokens = learned.reduce((total, row) => total + answers[row]!.ids.length, 0);
    return {
      rewards: scores,
      learned,
      feed: part => ({
        weights: part.flatMap(row => new Array<number>(answers[row]!.ids.length).fill(1 / tokens)),
      }),
      metrics: {
        kept_ratio: learned.length / answers.length,
        ...(learned.length > 0 ? { kept_reward: mean(learned.map(row => scores[row]!)) } : {}),
      },
    };
  },
});

/** Rows of the best `keep` of each n answers that reach `minimum`, in their order; of equal scores the earlier answer. */
export function bestRows(scores: readonly number[], n: number, keep: number, minimum: number | null): number[] {
  const rows: number[] = [];
  for (let start = 0; start < scores.length; start += n) {
    const group = Array.from({ length: Math.min(n, scores.length - start) }, (_, place) => start + place);
    group.sort((a, b) => scores[b]! - scores[a]! || a - b);
    rows.push(...group.slice(0, keep).filter(row => minimum === null || scores[row]! >= minimum));
  }
  return rows.sort((a, b) => a - b);
}

/** Metric of how far the policy is from the one that sampled: mean of (ρ − 1) − log ρ, which is k3, nats. */
export const approximateKl = 'policy/approx_kl';

/**
 * L = −Σ_b w_b·min(ρ_b A_b, clip(ρ_b, 1 ± ε) A_b), ρ_b = exp Σ_t (log p − log p_old) over the answer's tokens. `watchKl`: with the
 * metric `approximateKl` of whole answers.
 */
export const sequenceRatioLoss =
  (clipRange: number, watchKl = false): LossBuilder =>
  (_graph, out, inputs) => {
    const weight = inputs.weight!;
    const logRatio = scatterAdd(sub(out.logProbs, inputs.oldLogProbs!), out.rows, 'B');
    return clippedLoss(logRatio, inputs.advantages!, weight, weight, clipRange, clipRange, watchKl);
  };

/** Each token has its advantage; `weight` is what it counts in the loss, `share` 1/tokens of the step for means. */
export const tokenRatioInputs = {
  advantages: { dtype: 'float32', shape: ['N'] },
  weight: { dtype: 'float32', shape: ['N'] },
  share: { dtype: 'float32', shape: ['N'] },
  oldLogProbs: { dtype: 'float32', shape: ['N'] },
} as const;

/**
 * L = Σ_t w_t·(−min(ρ_t A_t, clip(ρ_t, 1 − ε, 1 + ε′) A_t) + β·k_t), ρ_t = p/p_old, l_t = log p − log p_ref, and k_t = l_t²/2 (k2) or
 * exp(−l_t) − 1 + l_t (k3). Without a penalty there is no input `reference`. `watchKl`: with the metric `approximateKl` of tokens.
 */
export const tokenRatioLoss =
  (
    low: number,
    high: number,
    penalty: { readonly beta: number; readonly estimator: 'k2' | 'k3' } | undefined,
    watchKl = false,
  ): LossBuilder =>
  (_graph, out, inputs) => {
    const logRatio = sub(out.logProbs, inputs.oldLogProbs!);
    const clipped = clippedLoss(logRatio, inputs.advantages!, inputs.weight!, inputs.share!, low, high, watchKl);
    if (penalty === undefined) return clipped;
    const apart = sub(inputs.reference!, out.logProbs);
    const kl = penalty.estimator === 'k2' ? mul(mul(apart, apart), 0.5) : sub(sub(exp(apart), apart), 1);
    return {
      loss: add(clipped.loss, mul(sum(mul(kl, inputs.weight!)), penalty.beta)),
      metrics: { ...clipped.metrics, kl_per_token: sum(mul(kl, inputs.share!)) },
    };
  };

/** What an answer counts where an older policy sampled it. */
const importanceOf = ({ importance }: Pick<Scored, 'importance'>, row: number, cap: number): number =>
  importance ? answerImportance(importance[row]!, cap) : 1;

/**
 * The inputs of `tokenRatioLoss` for some answers; `weights` are per token of an answer. Importance, up to `cap`, goes into the advantages:
 * w·min(ρA, clip(ρ)A) = min(ρ(wA), clip(ρ)(wA)) for w ≥ 0.
 */
export function tokenRatioFeed(
  { old, importance }: Pick<Scored, 'old' | 'importance'>,
  part: readonly number[],
  advantages: (row: number) => ArrayLike<number>,
  weights: readonly number[],
  cap = Number.POSITIVE_INFINITY,
) {
  const weighed = (row: number): number[] => {
    const ofTokens = importance && tokenImportance(importance[row]!, cap);
    return Array.from(advantages(row), (advantage, t) => advantage * (ofTokens?.[t] ?? 1));
  };
  const total = old.reduce((all, row) => all + row.length, 0);
  const each = (value: (row: number) => number) =>
    part.flatMap(row => new Array<number>(old[row]!.length).fill(value(row)));
  return {
    advantages: part.flatMap(weighed),
    weight: each(row => weights[row]!),
    share: each(() => 1 / total),
    oldLogProbs: tokens(old, part),
  };
}

const tokens = (of: readonly Float32Array[], part: readonly number[]): number[] => part.flatMap(row => [...of[row]!]);

/** The clipped surrogate over ratios of any shape; `share` weighs the metrics. */
function clippedLoss(
  logRatio: Value,
  advantages: Value,
  weight: Value,
  share: Value,
  low: number,
  high: number,
  watchKl: boolean,
) {
  const ratio = exp(logRatio);
  const held = clamp(ratio, 1 - low, 1 + high);
  const below = cast(and(less(ratio, 1 - low), less(advantages, 0)), 'float32');
  const above = cast(and(greater(ratio, 1 + high), greater(advantages, 0)), 'float32');
  const mean = (values: Value) => sum(mul(values, share));
  return {
    loss: neg(sum(mul(minimum(mul(ratio, advantages), mul(held, advantages)), weight))),
    metrics: {
      'clip_ratio/low_mean': mean(below),
      'clip_ratio/high_mean': mean(above),
      'clip_ratio/region_mean': mean(add(below, above)),
      'val/ratio': mean(ratio),
      ...(watchKl ? { [approximateKl]: mean(sub(sub(ratio, 1), logRatio)) } : {}),
    },
  };
}
