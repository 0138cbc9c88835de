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

  set title(title: string) {
    this.#pick.title = title;
  }

  /** Other rows for the question that is open; what was typed and the row that has the focus stay. */
  revise<T>(choices: readonly Choice<T>[]): void {
    const pick = this.#pick;
    if (!pick.enabled) return;
    const place = pick.items.indexOf(pick.activeItems[0]!);
    pick.keepScrollPosition = true;
    pick.items = choices;
    const active = choices[place];
    if (active && choices.length > 0) pick.activeItems = [active];
    pick.keepScrollPosition = false;
  }

  /**
   * Resolves with the value of the accepted row, or undefined when the person gave up. `active` is the row that has the focus
   * at first.
   */
  async ask<T>(
    placeholder: string,
    choices: readonly Choice<T>[],
    active?: (value: T) => boolean,
  ): Promise<T | undefined> {
    const first = active && choices.find(choice => choice.value !== undefined && active(choice.value));
    const chosen = await this.#show(placeholder, choices, pick => {
      if (first) pick.activeItems = [first];
    });
    return chosen?.[0]?.value;
  }

  /** Several rows with boxes to tick; those with `picked` are at first. Undefined when the person gave up. */
  async askMany<T>(placeholder: string, choices: readonly Choice<T>[]): Promise<T[] | undefined> {
    const pick = this.#pick;
    pick.canSelectMany = true;
    try {
      const chosen = await this.#show(placeholder, choices, () => {
        pick.selectedItems = choices.filter(choice => choice.picked);
      });
      return chosen?.flatMap(({ value }) => (value === undefined ? [] : [value]));
    } finally {
      pick.canSelectMany = false;
    }
  }

  #show<T>(
    placeholder: string,
    choices: readonly Choice<T>[],
    prepare: (pick: vscode.QuickPick<Choice<unknown>>) => void,
  ): Promise<readonly Choice<T>[] | undefined> {
    const pick = this.#pick;
    pick.placeholder = placeholder;
    pick.value = '';
    pick.items = choices;
    prepare(pick);
    pick.busy = false;
    pick.enabled = true;
    return new Promise(resolve => {
      const done = (chosen: readonly Choice<T>[] | undefined): void => {
        accepted.dispose();
        hidden.dispose();
        resolve(chosen);
      };
      const accepted = pick.onDidAccept(() => {
        const chosen = pick.selectedItems as readonly Choice<T>[];
        if (chosen.length === 0 && !pick.canSelectMany) return;
        pick.busy = true;
        pick.enabled = false;
        done(chosen);
      });
      const hidden = pick.onDidHide(() => done(undefined));
      pick.show();
    });
  }

  dispose(): void {
    this.#pick.dispose();
  }
}
