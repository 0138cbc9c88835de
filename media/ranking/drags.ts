/** Dragging an answer's letter onto the order: onto a group for a tie, between groups for a rank of its own. */

export function listenToDrags(
  root: HTMLElement,
  drop: (position: number, group: number, how: 'onto' | 'before') => void,
): void {
  let dragged: number | undefined;
  const over = (event: DragEvent): { element: HTMLElement; group: number; how: 'onto' | 'before' } | undefined => {
    if (dragged === undefined) return undefined;
    const element = (event.target as Element).closest<HTMLElement>('[data-onto], [data-before], [data-drop], .order');
    if (!element || !root.contains(element)) return undefined;
    const { onto, before, drop: last } = element.dataset;
    const strip = element.querySelector<HTMLElement>('[data-drop]');
    const group = Number(onto ?? before ?? last ?? strip?.dataset.drop ?? 0);
    return { element, group, how: onto === undefined ? 'before' : 'onto' };
  };
  const unmark = (): void => {
    for (const element of root.querySelectorAll('.drop-here')) element.classList.remove('drop-here');
  };
  root.addEventListener('dragstart', event => {
    const letter = (event.target as Element).closest<HTMLElement>('[data-drag]');
    if (!letter) return;
    dragged = Number(letter.dataset.drag);
    event.dataTransfer?.setData('text/plain', letter.textContent ?? '');
    root.querySelector('.order')?.classList.add('dragging');
  });
  root.addEventListener('dragover', event => {
    const place = over(event);
    unmark();
    if (!place) return;
    event.preventDefault();
    place.element.classList.add('drop-here');
  });
  root.addEventListener('drop', event => {
    const place = over(event);
    if (!place || dragged === undefined) return;
    event.preventDefault();
    drop(dragged, place.group, place.how);
  });
  root.addEventListener('dragend', () => {
    dragged = undefined;
    unmark();
    root.querySelector('.order')?.classList.remove('dragging');
  });
}
