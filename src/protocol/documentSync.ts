/**
 * The page's half of a shared text: what is typed here is sent one change at a time, what others change meanwhile is merged
 * in, and no keystroke of either side is lost. The document in the editor is the truth.
 */
import {
  applyChange,
  composeChanges,
  isEmptyChange,
  type Replacement,
  rebaseChange,
  replacementsOf,
  type TextChange,
} from '../base/textChange.ts';

export interface DocumentSyncOptions {
  /** Sends a change made on `version`; false when the document has moved on and `remote` will tell or has told how. */
  readonly send: (version: number, change: TextChange) => Promise<boolean>;
  /** Applies others' changes to what the user sees; offsets are in the whole text before them, in order. */
  readonly apply: (replacements: readonly Replacement[]) => void;
  /** The document takes no changes (a read-only file, a closed editor): what was typed stays here only. */
  readonly refused: (error: unknown) => void;
}

/** Refusals in a row, with no change from elsewhere between them, after which the document counts as closed to changes. */
const Attempts = 5;

export class DocumentSync {
  readonly #options: DocumentSyncOptions;
  #version: number;
  /** The document as the host last told. */
  #confirmed: string;
  #sent: TextChange | undefined;
  #waiting: TextChange = [];
  /** Told when nothing typed here is on its way any more. */
  #settling: (() => void)[] = [];

  constructor(document: { readonly version: number; readonly text: string }, options: DocumentSyncOptions) {
    this.#version = document.version;
    this.#confirmed = document.text;
    this.#options = options;
  }

  get version(): number {
    return this.#version;
  }

  /** What the user sees: the document with everything typed here. */
  get text(): string {
    return applyChange(applyChange(this.#confirmed, this.#sent ?? []), this.#waiting);
  }

  /** Whether something typed here is not in the document yet. */
  get pending(): boolean {
    return this.#sent !== undefined || !isEmptyChange(this.#waiting);
  }

  /** When everything typed so far is in the document, or was refused. */
  settled(): Promise<void> {
    return this.pending ? new Promise(resolve => this.#settling.push(resolve)) : Promise.resolve();
  }

  /** Nothing is waited for any more: another document takes this one's place. */
  abandon(): void {
    for (const resolve of this.#settling.splice(0)) resolve();
  }

  /** The user changed the text that they see. */
  local(change: TextChange): void {
    this.#waiting = composeChanges(this.#waiting, change);
    void this.#flush();
  }

  /** The document changed: by the change sent from here (`own`), or by someone else. */
  remote(version: number, change: TextChange, own: boolean): void {
    this.#version = version;
    this.#confirmed = applyChange(this.#confirmed, change);
    if (own) {
      this.#sent = undefined;
      void this.#flush();
      return;
    }
    let incoming = change;
    if (this.#sent) {
      const sent = this.#sent;
      this.#sent = rebaseChange(sent, incoming, true);
      incoming = rebaseChange(incoming, sent, false);
    }
    const waiting = this.#waiting;
    this.#waiting = rebaseChange(waiting, incoming, true);
    incoming = rebaseChange(incoming, waiting, false);
    if (!isEmptyChange(incoming)) this.#options.apply(replacementsOf(incoming));
    if (!this.pending) this.abandon();
  }

  async #flush(attempt = 1): Promise<void> {
    if (!this.pending) this.abandon();
    if (this.#sent !== undefined || isEmptyChange(this.#waiting)) return;
    const version = this.#version;
    const change = this.#waiting;
    this.#sent = change;
    this.#waiting = [];
    let failure: unknown;
    const accepted = await this.#options.send(version, change).catch((error: unknown) => {
      failure = error;
      return false;
    });
    // The acknowledgement came as a change of one's own, before this reply.
    if (accepted || this.#sent === undefined) return;
    this.#waiting = composeChanges(this.#sent, this.#waiting);
    this.#sent = undefined;
    const moved = this.#version !== version;
    if (failure !== undefined || (!moved && attempt >= Attempts)) {
      this.#options.refused(failure);
      this.abandon();
    } else await this.#flush(moved ? 1 : attempt + 1);
  }
}
