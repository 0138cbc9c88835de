/** Draws answers until enough of them differ, within a bound. */

export interface Drawn<T> {
  /** Different answers in the order drawn, at most as many as wanted. */
  readonly answers: T[];
  readonly drawn: number;
}

/**
 * Asks for as many answers at once as are still missing; `draw` gets the repeat, from 0. Stops at `wanted` different texts, or
 * when `most` were drawn: then fewer come back, and the caller says so. Empty texts do not count.
 */
export async function drawDifferent<T>(options: {
  readonly wanted: number;
  readonly most: number;
  readonly draw: (repeat: number) => Promise<T>;
  readonly textOf: (answer: T) => string;
}): Promise<Drawn<T>> {
  const { wanted, most, draw, textOf } = options;
  const found = new Map<string, T>();
  let drawn = 0;
  while (found.size < wanted && drawn < most) {
    const missing = Math.min(wanted - found.size, most - drawn);
    const answers = await Promise.all(Array.from({ length: missing }, (_, i) => draw(drawn + i)));
    drawn += missing;
    for (const answer of answers) {
      const text = textOf(answer);
      if (text !== '' && !found.has(text)) found.set(text, answer);
    }
  }
  return { answers: [...found.values()].slice(0, wanted), drawn };
}
