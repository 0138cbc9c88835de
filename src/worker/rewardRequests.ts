/** Answers `reward` requests: the reward model that was asked last stays in memory for a while. */
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { InferenceRequest, InferenceResult, ModelLocation } from '../protocol/inference.ts';
import { encodeAnswer, encodePrompt } from '../training/promptTokens.ts';
import { chunks } from '../training/rewardModel.ts';
import { type BaseModel, openBaseModel } from './baseModel.ts';
import { checkModel } from './memoryCheck.ts';
import { openRewardScorer, type RewardScorer } from './rewardScorer.ts';

type Request = Extract<InferenceRequest, { method: 'reward' }>;

interface Context {
  readonly signal: AbortSignal;
  readonly onProgress: (message: string, fraction?: number) => void;
}

interface Opened {
  readonly key: string;
  readonly base: BaseModel;
  readonly scorer: RewardScorer;
}

/** Milliseconds without a request after which the model's memory is given back. */
const rest = 60_000;
/** Rows of one pass through the model. */
const rowsAtOnce = 8;

export class RewardRequests {
  #opened: Opened | undefined;
  /** One at a time: all of them want the same processor, and one model is in memory. */
  #turn: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  /** Rewards in the order of the items; null for those that are longer than the model reads. */
  answer(request: Request, context: Context): Promise<InferenceResult<'reward'>> {
    const answer = this.#turn.then(() => this.#answer(request, context));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  async #answer({ location, items }: Request, { signal, onProgress }: Context): Promise<InferenceResult<'reward'>> {
    signal.throwIfAborted();
    clearTimeout(this.#idle);
    try {
      const { base, scorer } = await this.#open(location, onProgress);
      const { tokenizer, config } = base;
      const ids = items.map(({ prompt, answer }) => [
        ...encodePrompt(tokenizer, prompt),
        ...encodeAnswer(tokenizer, answer.trim()),
      ]);
      const rewards: (number | null)[] = items.map(() => null);
      const places = ids.flatMap((one, i) => (one.length <= config.maxPositions ? [i] : []));
      places.sort((a, b) => ids[a]!.length - ids[b]!.length);
      let done = 0;
      for (const part of chunks(places, rowsAtOnce)) {
        signal.throwIfAborted();
        const scores = await scorer.score(part.map(place => ids[place]!));
        for (const [i, place] of part.entries()) rewards[place] = scores[i]!;
        done += part.length;
        onProgress(l10n.t('{0} of {1} answers', done, places.length), done / places.length);
        // A cancellation comes as a message.
        await new Promise(setImmediate);
      }
      return { rewards };
    } finally {
      this.#idle = setTimeout(() => this.#rest(), rest);
      this.#idle.unref();
    }
  }

  async #open(location: ModelLocation, onProgress: Context['onProgress']): Promise<Opened> {
    const key = JSON.stringify([location.base, location.adapter ?? null]);
    if (this.#opened?.key === key) return this.#opened;
    await this.#close();
    if (location.adapter === undefined) {
      throw new HumanError(l10n.t('A model without a score head cannot give rewards. Train a reward model first.'), {
        place: { file: location.base },
      });
    }
    const unread = await openBaseModel(location);
    try {
      checkModel(4 * unread.parameters, 'float32', location.base);
      onProgress(l10n.t('Preparing the model'));
      const base = await unread.read();
      this.#opened = { key, base, scorer: await openRewardScorer(base, location.adapter) };
      return this.#opened;
    } finally {
      await unread.close();
    }
  }

  #rest(): void {
    this.#turn = this.#turn.then(() => this.#close()).catch(() => {});
  }

  async #close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.scorer.dispose();
  }
}
