/** What a provider of models said when it gave no answer, with what whoever asks again needs to know. */
import { HumanError } from '../base/errors.ts';

/**
 * `refused`: the same request will be refused again. `overload`: too much at once. `server`: its own fault, may pass.
 * `broken`: the answer came in pieces that do not fit, or stopped. `unreachable`: nothing listens there. `network`: the way broke.
 */
export type Trouble = 'refused' | 'overload' | 'server' | 'broken' | 'unreachable' | 'network';

export interface TroubleDetails {
  readonly trouble: Trouble;
  /** HTTP. */
  readonly status?: number;
  /** Milliseconds after which the provider wants to be asked again. */
  readonly retryAfterMs?: number;
  /** The provider's own name for this request, for its support. */
  readonly requestId?: string;
  readonly cause?: unknown;
}

export class ProviderError extends HumanError implements TroubleDetails {
  readonly trouble: Trouble;
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly requestId?: string;

  constructor(message: string, { trouble, status, retryAfterMs, requestId, cause }: TroubleDetails) {
    super(message, { cause });
    this.trouble = trouble;
    if (status !== undefined) this.status = status;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
    if (requestId !== undefined) this.requestId = requestId;
  }
}

export const isProviderError = (error: unknown): error is ProviderError => error instanceof ProviderError;
