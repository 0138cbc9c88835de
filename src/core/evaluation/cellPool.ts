/** Works through the cells of a matrix in order, so many at once that whoever sets the pace always has a choice. */
import { isHumanError } from '../../base/errors.ts';
import type { MatchPattern } from './answers.ts';

/** More than any endpoint gets at once, and than a batch of a local model takes. */
const InFlight = 64;

/** Resolves when `work` is done for all; the first that rejects ends it. `items` is read as there is room. */
export async function pool<T>(
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
  inFlight = InFlight,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done && !failed; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

/** A pattern that is wrong, or had to be stopped, is not tried on every answer again. */
export function matchUntilRefused(match: MatchPattern): MatchPattern {
  const refused = new Map<string, unknown>();
  return async (pattern, flags, texts, which) => {
    const key = `${flags}/${pattern}`;
    if (refused.has(key)) throw refused.get(key);
    try {
      return await match(pattern, flags, texts, which);
    } catch (error) {
      if (isHumanError(error)) refused.set(key, error);
      throw error;
    }
  };
}
