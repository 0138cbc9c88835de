/** One example to imitate. */
import type { Message } from '../generation.ts';

/** What was asked, and the answer to learn. */
export interface Instruction {
  readonly messages: readonly Message[];
  readonly completion: string;
  /** The task that it is an example of, where the data says. */
  readonly task?: string;
  /** All right answers, where there are several; `completion` is the first. */
  readonly references?: readonly string[];
}
