/** Lets the first request for something go out alone, where the editor asks the person for consent with it. */

/**
 * The editor would ask once for each request that comes while its question stands. So others wait for the first one's outcome: a no,
 * as `isNo` tells it, is the answer to all that waited, and anything else lets them go.
 */
export class FirstAlone {
  readonly #isNo: (error: unknown) => boolean;
  readonly #given = new Set<string>();
  readonly #asking = new Map<string, Promise<unknown>>();

  constructor(isNo: (error: unknown) => boolean) {
    this.#isNo = isNo;
  }

  async send<T>(key: string, send: () => PromiseLike<T>): Promise<T> {
    for (let asking = this.#asking.get(key); asking; asking = this.#asking.get(key)) {
      await asking.catch(error => {
        if (this.#isNo(error)) throw error;
      });
    }
    const sent = Promise.resolve(send());
    const first = !this.#given.has(key);
    if (first) this.#asking.set(key, sent);
    try {
      const response = await sent;
      this.#given.add(key);
      return response;
    } catch (error) {
      // Consent may be taken back, too.
      if (this.#isNo(error)) this.#given.delete(key);
      throw error;
    } finally {
      if (first) this.#asking.delete(key);
    }
  }
}
