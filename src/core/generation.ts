/** What is asked of a model and what comes back: messages, sampling options, generations. */

export type Role = 'system' | 'user' | 'assistant';

export interface Message {
  readonly role: Role;
  readonly content: string;
}

/** A rendered prompt: a conversation, or one text for a base model to continue. */
export type Prompt =
  | {
      readonly kind: 'messages';
      readonly messages: readonly Message[];
      /** The last message is the start of the answer: the model goes on from its last character. */
      readonly continueLast?: boolean;
    }
  | { readonly kind: 'text'; readonly text: string };

export interface SamplingOptions {
  /** 0 is greedy. */
  readonly temperature: number;
  /** 1 keeps all. */
  readonly topP: number;
  /** 0 keeps all. */
  readonly topK: number;
  readonly maxOutputTokens: number;
  readonly seed: number;
  readonly stopSequences: readonly string[];
}

export const defaultSampling: SamplingOptions = {
  temperature: 0.7,
  topP: 1,
  topK: 0,
  maxOutputTokens: 128,
  seed: 0,
  stopSequences: [],
};

export type FinishReason = 'stop' | 'length' | 'stop-sequence' | 'cancelled';

export interface GeneratedToken {
  readonly text: string;
  /** Nats, under the model's own distribution (before temperature and cuts). */
  readonly logProb: number;
  /** The likeliest tokens here, best first, when they were asked for. */
  readonly alternatives?: readonly { readonly text: string; readonly logProb: number }[];
  /** Of a token that was scored: its place among the vocabulary by probability, 1 for what greedy decoding takes. */
  readonly rank?: number;
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface Generation {
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly usage?: Usage;
  readonly tokens?: readonly GeneratedToken[];
  /** Milliseconds from request to last token, and to the first. */
  readonly latencyMs: number;
  readonly firstTokenMs?: number;
  /** The exact model: its id in the registry and what it resolved to (revision or content hash). */
  readonly model: string;
  readonly revision?: string;
  readonly options: SamplingOptions;
  /** Which repeat of the same prompt this is; part of the seed of its sample. */
  readonly repeat: number;
}
