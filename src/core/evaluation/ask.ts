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
  /** The stream broke and begins anew: what `onDelta` gave before counts no more. Without it, only the result tells. */
  readonly onRestart?: () => void;
}

/** Rejects when the model gives nothing; on cancellation resolves with finishReason `cancelled` and the text so far. */
export type Ask = (request: GenerateRequest, context: AskContext) => Promise<Answered>;

/** Asks the model itself: no cache, no retries, one request after another as they come. */
export const directAsk =
  (generator: TextGenerator): Ask =>
  async (request, context) => ({ generation: await generator.generate(request, context), cached: false });

/** What there is of an answer that nobody waits for any more. */
export const stopped = (
  { options, repeat }: Pick<GenerateRequest, 'options' | 'repeat'>,
  model: string,
  text = '',
): Generation => ({
  text,
  finishReason: 'cancelled',
  latencyMs: 0,
  model,
  options,
  repeat,
});
