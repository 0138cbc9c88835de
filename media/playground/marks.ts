/** Stars, pins and notes of a cell. */
import { html, nothing, render, type TemplateResult } from 'lit';
import { l10n } from '../../src/base/l10n.ts';
import type { Cell } from '../../src/protocol/playgroundCells.ts';
import { icon } from '../common/codicon.ts';
import type { Store } from './store.ts';

/** What is marked, at the end of a cell's foot. */
export function markSigns(cell: Cell, forDiff: boolean): TemplateResult {
  const { marks } = cell;
  const sign = (glyph: string, words: string): TemplateResult =>
    html`<span class="sign" title=${words}>${icon(glyph)}<span class="sr-only">${words}</span></span>`;
  return html`${forDiff ? sign('diff', l10n.t('marked for the diff')) : nothing}${marks?.pinned ? sign('pinned', l10n.t('pinned')) : nothing}${
    marks?.starred ? sign('star-full', l10n.t('starred')) : nothing
  }`;
}

/** Asks for the note of a cell; an empty one takes it away. */
export function editNote(store: Store, cell: Cell, host: HTMLElement): void {
  if (!store.readOnly) askNote(cell.marks?.note ?? '', host, note => store.answers.mark(cell, { note }));
}

/** Asks for a note in a small dialog. Focus goes back to where it was. */
export function askNote(written: string, host: HTMLElement, change: (note: string) => void): void {
  const before = document.activeElement as HTMLElement | null;
  const dialog = document.createElement('dialog');
  dialog.className = 'note-dialog';
  dialog.setAttribute('aria-label', l10n.t('Note'));
  const finish = (save: boolean): void => {
    const note = dialog.querySelector('textarea')?.value.trim() ?? '';
    dialog.close();
    dialog.remove();
    before?.focus();
    if (save && note !== written) change(note);
  };
  const onKey = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    finish(true);
  };
  render(
    html`<label class="label" for="cell-note">${l10n.t('Note')}</label>
      <textarea id="cell-note" class="field" rows="3" maxlength="2000" .value=${written} @keydown=${onKey}></textarea>
      <div class="line"><span class="dim xs grow">${l10n.t('Enter saves, Shift+Enter makes a new line')}</span>
        <button class="button secondary" @click=${() => finish(false)}>${l10n.t('Cancel')}</button>
        <button class="button" @click=${() => finish(true)}>${l10n.t('Save')}</button></div>`,
    dialog,
  );
  dialog.addEventListener('cancel', event => {
    event.preventDefault();
    finish(false);
  });
  host.append(dialog);
  dialog.showModal();
  dialog.querySelector('textarea')?.focus();
}
