/** Rewards of the answers of items by a trained reward model: known ones from disk, the others from the inference process. */
import type { ItemRecord } from '../core/preferences/judgement.ts';
import type { Rewards } from '../core/preferences/rewardMargins.ts';
import { modelRevision } from '../storage/modelFolder.ts';
import { type KeptRewards, type RewardFiles, rewardKey } from '../storage/rewardFiles.ts';
import type { InferenceProcess, ModelLocation, RequestContext } from './inferenceProcess.ts';

/** Answers of one request: after each, what was found is on disk. */
const atOnce = 64;

export class RewardScores {
  readonly #inference: Pick<InferenceProcess, 'reward'>;
  readonly #files: RewardFiles;
  readonly #known = new Map<string, Promise<KeptRewards>>();

  constructor(inference: Pick<InferenceProcess, 'reward'>, files: RewardFiles) {
    this.#inference = inference;
    this.#files = files;
  }

  /** `model`: a reward model with its base. Answers that are longer than it reads are missing. Rejects with a HumanError. */
  async of(model: ModelLocation, items: readonly ItemRecord[], context: RequestContext = {}): Promise<Rewards> {
    const revision = await modelRevision(model);
    const known = await this.#read(revision);
    const missing = new Map<string, { readonly messages: ItemRecord['messages']; readonly answer: string }>();
    for (const { messages, answers } of items) {
      for (const { text } of answers) {
        const key = rewardKey(messages, text);
        if (!known.has(key)) missing.set(key, { messages, answer: text });
      }
    }
    const keys = [...missing.keys()];
    for (let start = 0; start < keys.length; start += atOnce) {
      context.signal?.throwIfAborted();
      const part = keys.slice(start, start + atOnce);
      const onProgress = (message: string, fraction?: number) =>
        context.onProgress?.(message, fraction && (start + fraction * part.length) / keys.length);
      const { rewards } = await this.#inference.reward(
        {
          location: model,
          items: part.map(key => {
            const { messages, answer } = missing.get(key)!;
            return { prompt: { kind: 'messages' as const, messages }, answer };
          }),
        },
        { ...context, onProgress },
      );
      const found: KeptRewards = new Map(part.map((key, i) => [key, rewards[i] ?? null]));
      for (const [key, reward] of found) known.set(key, reward);
      await this.#files.add(revision, found);
    }
    return new Map(
      items.map(({ id, messages, answers }) => [
        id,
        new Map(
          answers.flatMap(answer => {
            const reward = known.get(rewardKey(messages, answer.text));
            return typeof reward === 'number' ? [[answer.id, reward] as const] : [];
          }),
        ),
      ]),
    );
  }

  #read(revision: string): Promise<KeptRewards> {
    let known = this.#known.get(revision);
    if (!known) {
      known = this.#files.read(revision);
      this.#known.set(revision, known);
      known.catch(() => this.#known.delete(revision));
    }
    return known;
  }
}
