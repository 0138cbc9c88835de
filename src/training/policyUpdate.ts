/** The updates that a round of answers gives, and what the round is reported as. */
import type { RlhfSettings } from '../core/jobs/job.ts';
import type { TrainingProgram } from '../language-model/trainable.ts';
import type { Critic } from './critic.ts';
import { groupSpread, mean, standardDeviation } from './math/normalise.ts';
import { approximateKl, type Lesson, type Scored } from './policyMethods.ts';
import type { Scoring } from './policyScoring.ts';
import { answerBatch, inParts, rowLength } from './rollout.ts';

export interface Learners {
  readonly program: TrainingProgram;
  readonly critic: Critic | undefined;
  /** The critic's, of the rollout. */
  readonly values: readonly Float32Array[] | undefined;
}

/** Updates from the same answers; metrics of the last one, or the means over all where there is a critic (as `…_avg` says). */
export async function updatePolicy(
  { program, critic, values }: Learners,
  { answers }: Scored,
  lesson: Lesson,
  learningRate: number,
  { settings, host }: Pick<Scoring, 'settings' | 'host'>,
): Promise<Record<string, number>> {
  const all: Record<string, number>[] = [];
  const updates = 'updatesPerRollout' in settings ? settings.updatesPerRollout : 1;
  const targetKl = 'targetKl' in settings ? settings.targetKl : null;
  const learned = lesson.learned ?? answers.map((_, row) => row);
  if (learned.length === 0) return { loss: 0, grad_norm: 0 };
  for (let update = 0; update < updates; update++) {
    let loss = 0;
    const totals: Record<string, number> = {};
    const length = (row: number) => rowLength(answers[row]!);
    await inParts(learned, length, settings.microBatchSize, host, async places => {
      const part = places.map(place => learned[place]!);
      const batch = answerBatch(part.map(index => answers[index]!));
      const result = await program.gradients({ ...batch, inputs: lesson.feed(part) });
      loss += result.loss;
      for (const [name, value] of Object.entries(result.metrics)) totals[name] = (totals[name] ?? 0) + value;
    });
    const { gradNorm } = program.apply(learningRate);
    all.push({ loss, grad_norm: gradNorm, ...totals });
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) break;
    if (critic && values && lesson.returns) {
      const value = await critic.learn(answers, values, lesson.returns, learningRate);
      Object.assign(all.at(-1)!, {
        loss: loss + ('valueWeight' in settings ? settings.valueWeight : 1) * value.loss,
        'loss/policy_avg': loss,
        'loss/value_avg': value.loss,
        'val/grad_norm': value.gradNorm,
      });
      if (!Number.isFinite(value.loss) || !Number.isFinite(value.gradNorm)) break;
    }
    // As published implementations of PPO (CleanRL): the update that was too far is the last of its round.
    if (targetKl !== null && totals[approximateKl]! > targetKl) break;
  }
  const last = all.at(-1)!;
  if (targetKl !== null) for (const one of all) one.updates = all.length;
  return critic ? Object.fromEntries(Object.keys(last).map(name => [name, mean(all.map(one => one[name]!))])) : last;
}

/** Metrics of a step's answers under TRL's names. Lengths are tokens. */
export function describe(
  { answers, scores, kl, entropy }: Scored,
  rewards: readonly number[],
  n: number,
): Record<string, number> {
  const lengths = answers.map(({ ids }) => ids.length);
  const cut = answers.filter(({ ended }) => !ended).length;
  // A single answer to a prompt can only be compared with those to the others.
  const spread = groupSpread(rewards, n > 1 ? n : rewards.length);
  return {
    reward: mean(scores),
    reward_std: standardDeviation(scores),
    frac_reward_zero_std: spread.shareZero,
    'objective/rlhf_reward': mean(rewards),
    kl: mean(kl),
    entropy,
    'completions/mean_length': mean(lengths),
    'completions/min_length': Math.min(...lengths),
    'completions/max_length': Math.max(...lengths),
    'completions/clipped_ratio': cut / answers.length,
    num_tokens: answers.reduce((total, answer) => total + rowLength(answer), 0),
  };
}

/** Weights of what an older policy sampled, under TRL's names: of tokens, before they are capped. */
export function describeImportance(
  { importance }: Pick<Scored, 'importance'>,
  { importanceCap }: Pick<RlhfSettings, 'importanceCap'>,
): Record<string, number> {
  if (!importance) return {};
  let [least, most, total, capped, tokens] = [Number.POSITIVE_INFINITY, 0, 0, 0, 0];
  for (const row of importance) {
    for (const logRatio of row) {
      const ratio = Math.exp(logRatio);
      least = Math.min(least, ratio);
      most = Math.max(most, ratio);
      total += ratio;
      if (ratio > importanceCap) capped++;
      tokens++;
    }
  }
  return {
    'sampling/importance_sampling_ratio/min': least,
    'sampling/importance_sampling_ratio/mean': total / tokens,
    'sampling/importance_sampling_ratio/max': most,
    'sampling/importance_capped_ratio': capped / tokens,
  };
}
