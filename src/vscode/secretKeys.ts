/** Keys of servers in the editor's secret storage, each under the origin that it was entered for. */
import type * as vscode from 'vscode';
import type { KeyStore } from '../providers/keys.ts';

const prefix = 'key:';
/** Origins that have a key: the secret storage of older editors cannot list. */
const known = 'keys.origins';

export class SecretKeys implements KeyStore {
  readonly #secrets: vscode.SecretStorage;
  readonly #state: vscode.Memento;

  constructor(secrets: vscode.SecretStorage, state: vscode.Memento) {
    this.#secrets = secrets;
    this.#state = state;
  }

  async get(origin: string): Promise<string | undefined> {
    return this.#secrets.get(prefix + origin);
  }

  async set(origin: string, key: string): Promise<void> {
    await this.#secrets.store(prefix + origin, key);
    await this.#state.update(known, [...new Set([...this.origins(), origin])]);
  }

  async delete(origin: string): Promise<void> {
    await this.#secrets.delete(prefix + origin);
    await this.#state.update(
      known,
      this.origins().filter(other => other !== origin),
    );
  }

  origins(): string[] {
    return this.#state.get<string[]>(known, []);
  }
}
