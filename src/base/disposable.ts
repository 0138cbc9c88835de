/** Ownership of resources: whoever creates one disposes it. */

export interface Disposable {
  dispose(): void;
}

/** Owns disposables and disposes them once, newest first. */
export class DisposableStore implements Disposable {
  readonly #items: Disposable[] = [];
  #disposed = false;

  get isDisposed(): boolean {
    return this.#disposed;
  }

  /** Takes ownership. An item added after disposal is disposed at once. */
  add<T extends Disposable>(item: T): T {
    if (this.#disposed) item.dispose();
    else this.#items.push(item);
    return item;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const item of this.#items.splice(0).reverse()) item.dispose();
  }
}

export const toDisposable = (dispose: () => void): Disposable => ({ dispose });
