/** Everything that the result of a prompt search hangs on. */
import type { Template } from '../prompts/template.ts';
import type { Splits } from './splits.ts';
import type { Target } from './target.ts';

export const Metrics = ['accuracy', 'likelihood'] as const;
/** What scores candidates on the dev set: right answers, or the log-likelihood of the expected answer in nats. */
export type Metric = (typeof Metrics)[number];

export interface SearchOptions {
  readonly template: Template;
  readonly target: Target;
  readonly splits: Splits;
  /** Names for the report. */
  readonly model: string;
  /** Undefined: only the given candidates are compared. */
  readonly proposer?: string;
  readonly budget: number;
  readonly seed: number;
  readonly metric: Metric;
  readonly callsPerAnswer: number;
  /** The proposing model goes on from a begun answer. */
  readonly prefill: boolean;
  /** Candidates of the person's own. */
  readonly given: readonly string[];
}
