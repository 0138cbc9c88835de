/** Answers side by side scroll by the same share of their length, so that none is read further by accident. */

export function scrollTogether(root: HTMLElement, wanted: () => boolean): void {
  /** Scrolled by us: their own events are no wish of the person. */
  const ours = new WeakSet<Element>();
  root.addEventListener(
    'scroll',
    event => {
      const moved = event.target as HTMLElement;
      if (!(moved instanceof HTMLElement) || !moved.matches('.an')) return;
      if (ours.delete(moved) || !wanted()) return;
      const share = moved.scrollTop / Math.max(1, moved.scrollHeight - moved.clientHeight);
      for (const other of root.querySelectorAll<HTMLElement>('.an')) {
        if (other === moved) continue;
        const top = Math.round(share * (other.scrollHeight - other.clientHeight));
        if (Math.abs(other.scrollTop - top) < 1) continue;
        ours.add(other);
        other.scrollTop = top;
      }
    },
    { capture: true, passive: true },
  );
}
