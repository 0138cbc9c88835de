/** The host's half of the text that the playground shares with the editor: counts its versions, applies the page's edits. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { Emitter } from '../../base/event.ts';
import {
  applyChange,
  changeBetween,
  changeOf,
  isEmptyChange,
  replacementsOf,
  type TextChange,
} from '../../base/textChange.ts';

export interface DocumentChange {
  readonly version: number;
  readonly change: TextChange;
  /** The page's own edit, which it has already. */
  readonly own: boolean;
}

export class PlaygroundDocument implements Disposable {
  readonly document: vscode.TextDocument;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new Emitter<DocumentChange>());
  readonly #closed = this.#store.add(new Emitter<void>());
  #text: string;
  #version = 1;
  /** The text after the page's edit that is being applied. */
  #expected: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  readonly onDidChange = this.#changed.event;
  /** The document is gone from the editor: open it anew to go on. */
  readonly onDidClose = this.#closed.event;

  constructor(document: vscode.TextDocument) {
    this.document = document;
    this.#text = document.getText();
    this.#store.add(
      vscode.workspace.onDidChangeTextDocument(event => {
        if (event.document === document) this.#follow(event.contentChanges);
      }),
    );
    this.#store.add(
      vscode.workspace.onDidCloseTextDocument(closed => {
        if (closed === document) this.#closed.fire();
      }),
    );
  }

  get version(): number {
    return this.#version;
  }

  get text(): string {
    return this.#text;
  }

  /** Applies an edit that the page made on `version`. False when the document has moved on since, or takes no edits. */
  edit(version: number, change: TextChange): Promise<boolean> {
    return this.#inTurn(async () => {
      if (version !== this.#version) return false;
      this.#expected = applyChange(this.#text, change);
      try {
        return await this.#apply(change);
      } finally {
        this.#expected = undefined;
      }
    });
  }

  /** Applies an edit of the host's own making; `make` sees the newest text, and is asked again if that changed meanwhile. */
  change(make: (text: string) => TextChange): Promise<boolean> {
    return this.#inTurn(async () => {
      for (let attempt = 0; attempt < 3; attempt++) {
        const change = make(this.#text);
        if (isEmptyChange(change) || (await this.#apply(change))) return true;
      }
      return false;
    });
  }

  dispose(): void {
    this.#store.dispose();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #apply(change: TextChange): Promise<boolean> {
    const edit = new vscode.WorkspaceEdit();
    for (const { offset, length, text } of replacementsOf(change)) {
      const range = new vscode.Range(this.document.positionAt(offset), this.document.positionAt(offset + length));
      edit.replace(this.document.uri, range, text);
    }
    return vscode.workspace.applyEdit(edit);
  }

  #follow(changes: readonly vscode.TextDocumentContentChangeEvent[]): void {
    const after = this.document.getText();
    if (after === this.#text) return;
    const change = this.#told(changes, after) ?? changeBetween(this.#text, after);
    const own = after === this.#expected;
    if (own) this.#expected = undefined;
    this.#text = after;
    this.#version++;
    this.#changed.fire({ version: this.#version, change, own });
  }

  /** The change as the editor tells it: several cursors stay several places. Undefined where it does not add up. */
  #told(changes: readonly vscode.TextDocumentContentChangeEvent[], after: string): TextChange | undefined {
    try {
      const change = changeOf(
        changes.map(({ rangeOffset, rangeLength, text }) => ({ offset: rangeOffset, length: rangeLength, text })),
      );
      return applyChange(this.#text, change) === after ? change : undefined;
    } catch {
      return undefined;
    }
  }
}
