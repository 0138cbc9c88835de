/** A trained reward model in memory: an answer's reward is the head's output at its last token, plus the bias that centres it. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { sum } from '../engine/index.ts';
import { createTrainingProgram } from '../language-model/trainable.ts';
import type { CriticStart } from '../training/critic.ts';
import { readAdapter } from './adapterFiles.ts';
import type { BaseModel } from './baseModel.ts';

export interface RewardScorer {
  /** What it was read from. */
  readonly model: CriticStart;
  /** Rewards of prompts with their answers and end tokens (B, lengths differ) → (B). */
  score(ids: readonly (readonly number[])[]): Promise<number[]>;
  dispose(): Promise<void>;
}

/** `adapter`: the folder of the reward model. Throws a HumanError when it has no score head. */
export async function openRewardScorer(base: BaseModel, adapter: string, threads?: number): Promise<RewardScorer> {
  const { lora, parameters, lineage } = await readAdapter(adapter, base.config);
  if (!parameters.has('score.weight')) {
    throw new HumanError(
      l10n.t('This adapter has no score head, so it is no reward model. Train a reward model first.'),
      { place: { file: adapter } },
    );
  }
  const bias = lineage?.rewardBias ?? 0;
  const program = await createTrainingProgram({
    config: base.config,
    weights: base.weights,
    trainable: { kind: 'lora', lora, initial: parameters, seed: 0 },
    head: 'score',
    inputs: {},
    loss: (_graph, out) => ({ loss: sum(out.scores) }),
    optimizer: {},
    ...(threads === undefined ? {} : { threads }),
  });
  return {
    model: { lora, parameters, bias },
    async score(ids) {
      const { rows } = await program.forward({ ids });
      return Array.from(rows.scores!, score => score + bias);
    },
    dispose: () => program.dispose(),
  };
}
