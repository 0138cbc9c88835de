/** The one interface behind which every model stands: local, a server's, the editor's. */
import type { GeneratedToken, Generation, Prompt, SamplingOptions } from './generation.ts';

export interface ModelDescription {
  /** Stable id, e.g. `local:pebble`, `local:pebble+polite-v1`, `http://localhost:11434/v1|qwen2.5`. */
  readonly id: string;
  readonly label: string;
  /** One short line for pickers: `bundled`, `imported`, `tuned from pebble`, `localhost:11434`. */
  readonly detail: string;
  readonly kind: 'local' | 'endpoint' | 'editor';
  /** Tokens of prompt and answer together. */
  readonly contextLength?: number;
  readonly chat: boolean;
  readonly logProbs: boolean;
  /** False where temperature and seed are not honoured: such runs are labelled. */
  readonly controlledSampling: boolean;
  /** Sentences on what of a prompt or its options does not reach this model as it stands, for those who choose it. */
  readonly note?: string;
  /** For tuned models: the id of what it was tuned from. */
  readonly base?: string;
}

export interface GenerateRequest {
  readonly prompt: Prompt;
  readonly options: SamplingOptions;
  /** 0 … n−1: repeats of one prompt differ only by this, and the same (seed, repeat) gives the same sample. */
  readonly repeat: number;
  /** Ask for per-token log-probabilities, with this many alternatives. */
  readonly logProbs?: { readonly alternatives: number };
}

export interface ScoreRequest {
  readonly prompt: Prompt;
  /** Follows the prompt's last character. */
  readonly continuation: string;
}

export interface Scored {
  /** Nats: the sum over `tokens`. */
  readonly logLikelihood: number;
  readonly tokens: readonly GeneratedToken[];
}

export interface ScoreContext {
  readonly signal?: AbortSignal;
  /** The likeliest tokens to tell in each place, as far as the model can; default 0. */
  readonly alternatives?: number;
}

export interface GenerateContext {
  readonly signal?: AbortSignal;
  /** New text since the last call, in order; the texts together are the generation's text. */
  readonly onDelta?: (text: string) => void;
}

export interface TextGenerator {
  readonly model: ModelDescription;
  /** Resolves with what was generated; on cancellation with finishReason `cancelled` and the text so far. */
  generate(request: GenerateRequest, context?: GenerateContext): Promise<Generation>;
  /** Several requests that a local model may run as one batch. Order of results = order of requests. */
  generateAll?(
    requests: readonly GenerateRequest[],
    context?: { readonly signal?: AbortSignal; readonly onDelta?: (index: number, text: string) => void },
  ): Promise<Generation[]>;
  /**
   * What its answers depend on beside the request, learned without asking the model: content hash or revision, precision, where it
   * runs. Part of the key of the response cache; absent where its id says it all. Rejects where it cannot be told.
   */
  identity?(): Promise<string>;
  /** log p(continuation | prompt), token by token; absent where the model cannot tell. Order of results = order of items. */
  score?(items: readonly ScoreRequest[], context?: ScoreContext): Promise<Scored[]>;
  /** Tokens of each text alone, without chat template; absent where the model's tokenizer is not at hand. */
  countTokens?(texts: readonly string[]): Promise<number[]>;
  /** A vector of length 1 for each text; texts that are alike have vectors that are close. */
  embed?(texts: readonly string[]): Promise<readonly (readonly number[])[]>;
}
