/** Work that a keystroke causes but whose result nobody sees in its frame waits until that frame is painted. */

/** Milliseconds to wait at most: a hidden page paints nothing. */
const Longest = 100;
/** What may follow a keystroke and wants its work done before: a shortcut, a click, leaving the page. */
const hurries = ['keydown', 'pointerdown', 'blur'] as const;

/** Resolves after the next paint, or at once when a shortcut, a click or leaving the page comes first. */
export function afterPaint(): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      for (const name of hurries) window.removeEventListener(name, hurry, true);
      resolve();
    };
    const hurry = (event: Event): void => {
      if (event instanceof KeyboardEvent && !event.ctrlKey && !event.metaKey && !event.altKey) return;
      done();
    };
    const timer = setTimeout(done, Longest);
    for (const name of hurries) window.addEventListener(name, hurry, true);
    // A task after the frame's own work.
    requestAnimationFrame(() => setTimeout(done));
  });
}
