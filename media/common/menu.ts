/** A pop-up menu at a button: keys as in the editor's own menus, focus goes back to the button. */
import { html, nothing, render } from 'lit';
import { icon } from './codicon.ts';

export interface MenuItem {
  readonly label: string;
  readonly detail?: string;
  /** More, for the pointer that rests on it. */
  readonly title?: string;
  readonly icon?: string;
  /** Draws a check box in place of the icon; the menu stays open. */
  readonly checked?: boolean;
  readonly disabled?: boolean;
  /** Steps of indentation. */
  readonly depth?: number;
  readonly run: () => void;
}
export type MenuEntry = MenuItem | 'separator';

let close: (() => void) | undefined;

/** Opens the menu below `anchor`, or closes it when it is open there. `entries` is asked again after each check. */
export function openMenu(anchor: HTMLElement, label: string, entries: () => readonly MenuEntry[]): void {
  const wasHere = anchor.getAttribute('aria-expanded') === 'true';
  close?.();
  if (wasHere) return;
  const menu = document.createElement('div');
  menu.className = 'menu';
  menu.setAttribute('role', 'menu');
  menu.setAttribute('aria-label', label);
  const items = (): HTMLElement[] => [
    ...menu.querySelectorAll<HTMLElement>('[role^=menuitem]:not([aria-disabled=true])'),
  ];

  const choose = (item: MenuItem): void => {
    if (item.disabled) return;
    if (item.checked === undefined) close?.();
    item.run();
    if (item.checked !== undefined) setTimeout(draw);
  };
  const draw = (): void => {
    render(
      entries().map(entry =>
        entry === 'separator'
          ? html`<hr />`
          : html`<button role=${entry.checked === undefined ? 'menuitem' : 'menuitemcheckbox'} tabindex="-1"
              aria-checked=${entry.checked ?? nothing} aria-disabled=${entry.disabled ? 'true' : nothing}
              title=${entry.title ?? nothing}
              style=${entry.depth ? `padding-left:${8 + entry.depth * 12}px` : nothing}
              @click=${() => choose(entry)}>
              ${icon(entry.checked === undefined ? (entry.icon ?? 'blank') : entry.checked ? 'check' : 'blank')}
              <span class="grow">${entry.label}</span>
              ${entry.detail ? html`<span class="dim">${entry.detail}</span>` : nothing}
            </button>`,
      ),
      menu,
    );
  };

  const place = (): void => {
    const at = anchor.getBoundingClientRect();
    const size = menu.getBoundingClientRect();
    const left = Math.max(4, Math.min(at.left, window.innerWidth - size.width - 4));
    const below = at.bottom + 2;
    const top = below + size.height > window.innerHeight - 4 ? Math.max(4, at.top - size.height - 2) : below;
    menu.style.left = `${left}px`;
    menu.style.top = `${top}px`;
  };

  const onKey = (event: KeyboardEvent): void => {
    const all = items();
    const index = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) all[(to + all.length) % all.length]?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') close?.();
    else if (event.key.length === 1 && /\S/.test(event.key)) {
      const rest = [...all.slice(index + 1), ...all.slice(0, index + 1)];
      rest.find(item => item.textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
      return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onPointer = (event: PointerEvent): void => {
    if (!menu.contains(event.target as Node) && !anchor.contains(event.target as Node)) close?.();
  };
  const onBlur = (): void => close?.();

  close = () => {
    close = undefined;
    const hadFocus = menu.contains(document.activeElement);
    menu.remove();
    anchor.setAttribute('aria-expanded', 'false');
    document.removeEventListener('pointerdown', onPointer, true);
    window.removeEventListener('blur', onBlur);
    if (hadFocus) anchor.focus();
  };
  draw();
  document.body.append(menu);
  place();
  anchor.setAttribute('aria-expanded', 'true');
  menu.addEventListener('keydown', onKey);
  document.addEventListener('pointerdown', onPointer, true);
  window.addEventListener('blur', onBlur);
  items()[0]?.focus();
}
