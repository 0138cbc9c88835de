/** How a strategy asks a model: one request, one answer; cache, retries, pace and batches stand behind it (dispatch.ts). */
import type { Generation } from '../generation.ts';
import type { GenerateRequest, TextGenerator } from '../textGenerator.ts';

export interface Answered {
  readonly generation: Generation;
  /** The generation was made by an earlier call with everything the same; its latency is the earlier call's. */
  readonly cached: boolean;
}

export interface AskContext {
  readonly signal?: AbortSignal;
  /** New text since the last call; the texts together are the generation's. A cached generation comes as one text. */
  readonly onDelta?: (text: string) => void;
}

/** Rejects when the model gives nothing; on cancellation resolves with finishReason `cancelled` and the text so far. */
export type Ask = (request: GenerateRequest, context: AskContext) => Promise<Answered>;

/** Asks the model itself: no cache, no retries, one request after another as they come. */
export const directAsk =
  (generator: TextGenerator): Ask =>
  async (request, context) => ({ generation: await generator.generate(request, context), cached: false });
