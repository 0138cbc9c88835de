/** One question to the host whose answer takes a while: what is known, whether something newer is on its way, what went wrong. */
import { errorMessage } from '../../src/base/errors.ts';

export class Question<T> {
  value: T | undefined;
  problem: string | undefined;
  /** What the value was asked for. */
  key: string | undefined;
  #asked: string | undefined;
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get isBusy(): boolean {
    return this.#asked !== undefined;
  }

  /** Asks, unless that is known or under way; a newer question stands for an older one. */
  async ask(key: string, work: () => Promise<T>): Promise<void> {
    if (this.#asked === key || (this.#asked === undefined && this.key === key)) return;
    this.#asked = key;
    this.problem = undefined;
    this.#changed();
    try {
      const value = await work();
      if (this.#asked !== key) return;
      this.value = value;
      this.key = key;
    } catch (error) {
      if (this.#asked !== key) return;
      this.problem = errorMessage(error);
      this.key = key;
    }
    this.#asked = undefined;
    this.#changed();
  }

  /** What is known may no longer hold: the same is asked again next time. */
  forget(): void {
    this.key = undefined;
  }
}
