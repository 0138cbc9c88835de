/** The template's text as the page has it, in step with the editor's. */
import type * as v from 'valibot';
import { l10n } from '../../src/base/l10n.ts';
import type { Replacement, TextChange } from '../../src/base/textChange.ts';
import { DocumentSync } from '../../src/protocol/documentSync.ts';
import type { playgroundContract } from '../../src/protocol/playground.ts';
import { afterPaint } from '../common/afterPaint.ts';
import type { PagePort } from './pagePort.ts';

type TextChanged = v.InferOutput<typeof playgroundContract.toWebview.changed.params>;

export class PromptText {
  readonly #page: PagePort & EventTarget;
  sync: DocumentSync | undefined;
  bodyStart = 0;

  constructor(page: PagePort & EventTarget) {
    this.#page = page;
  }

  open(document: { version: number; text: string; bodyStart: number }): void {
    this.bodyStart = document.bodyStart;
    this.sync?.abandon();
    this.sync = new DocumentSync(document, {
      // What the editor does with a change does not hold up the letter's own frame.
      send: async (version, change) => {
        await afterPaint();
        return this.#page.host.edit({ version, change: [...change] });
      },
      apply: replacements => this.#applied(replacements),
      refused: error =>
        this.#page.report(
          error instanceof Error ? error.message : l10n.t('The file takes no changes. Is it read-only?'),
        ),
    });
  }

  /** The editor has changed the text. */
  remote({ version, change, bodyStart, own }: TextChanged): void {
    this.bodyStart = bodyStart;
    this.sync?.remote(version, change as TextChange, own);
  }

  /** The user typed in the prompt; offsets are those of the body. */
  typed(change: TextChange): void {
    const at = this.bodyStart;
    this.sync?.local(at === 0 || change.length === 0 ? change : shifted(change, at));
  }

  /** When what was typed is in the editor's document: it counts for what is run next, however fast the hands are. */
  settled(): Promise<void> {
    return this.sync?.settled() ?? Promise.resolve();
  }

  #applied(replacements: readonly Replacement[]): void {
    this.#page.dispatchEvent(new CustomEvent('remote-edit', { detail: replacements }));
  }
}

/** The same change, further on in a longer text. */
function shifted(change: TextChange, by: number): TextChange {
  const [first, ...rest] = change;
  return typeof first === 'number' && first > 0 ? [first + by, ...rest] : [by, ...change];
}
