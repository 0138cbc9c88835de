/** Several questions in one quick pick that stays open between them, so that no key pressed in a hurry goes elsewhere. */
import * as vscode from 'vscode';

export interface Choice<T> extends vscode.QuickPickItem {
  readonly value?: T;
}

export class QuickSteps implements vscode.Disposable {
  readonly #pick = vscode.window.createQuickPick<Choice<unknown>>();

  constructor(title: string) {
    this.#pick.title = title;
    this.#pick.ignoreFocusOut = true;
    this.#pick.matchOnDescription = true;
  }

  /** Resolves with the value of the accepted row, or undefined when the person gave up. */
  ask<T>(placeholder: string, choices: readonly Choice<T>[]): Promise<T | undefined> {
    const pick = this.#pick;
    pick.placeholder = placeholder;
    pick.value = '';
    pick.items = choices;
    pick.busy = false;
    pick.enabled = true;
    return new Promise(resolve => {
      const done = (value: T | undefined): void => {
        accepted.dispose();
        hidden.dispose();
        resolve(value);
      };
      const accepted = pick.onDidAccept(() => {
        const chosen = pick.selectedItems[0];
        if (!chosen) return;
        pick.busy = true;
        pick.enabled = false;
        done(chosen.value as T);
      });
      const hidden = pick.onDidHide(() => done(undefined));
      pick.show();
    });
  }

  dispose(): void {
    this.#pick.dispose();
  }
}
