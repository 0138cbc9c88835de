/** Long work in short slices, so that whoever waits for the thread never waits long. */

/**
 * Runs work that yields often, a few milliseconds at a time. `isOff` is asked before each slice: when it says so, the work is
 * abandoned and the result is undefined.
 */
export async function inSlices<T>(work: Iterator<void, T>, isOff: () => boolean, slice = 5): Promise<T | undefined> {
  for (;;) {
    const end = performance.now() + slice;
    while (performance.now() < end) {
      const step = work.next();
      if (step.done) return step.value;
    }
    await new Promise<void>(resolve => setTimeout(resolve, 0));
    if (isOff()) return undefined;
  }
}
