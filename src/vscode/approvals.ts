/** What templates of this workspace may read or reach: asked once for each thing, kept with the workspace, taken back by a command. */
import * as vscode from 'vscode';
import { originOf, type Reference, type ReferencePolicy } from '../core/prompts/references.ts';

type Kind = 'env' | 'file' | 'origin';
const memory = (kind: Kind): string => `approved.${kind}`;

export class Approvals {
  readonly #state: vscode.Memento;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;

  constructor(state: vscode.Memento) {
    this.#state = state;
  }

  policy(): ReferencePolicy {
    return {
      trusted: vscode.workspace.isTrusted,
      approvedEnv: this.#approved('env'),
      approvedFiles: this.#approved('file'),
      approvedOrigins: this.#approved('origin'),
    };
  }

  /** Asks in a dialog that says what goes where; a yes is kept. Never a yes in an untrusted workspace. */
  async ask(reference: Reference, template: string): Promise<boolean> {
    if (!vscode.workspace.isTrusted) return false;
    const [kind, name] = keyOf(reference);
    if (this.#approved(kind).has(name)) return true;
    const allow = vscode.l10n.t('Allow in This Workspace');
    const { question, detail } = words(reference, template);
    const choice = await vscode.window.showWarningMessage(question, { modal: true, detail }, allow);
    if (choice !== allow) return false;
    await this.#state.update(memory(kind), [...this.#approved(kind), name]);
    this.#changed.fire();
    return true;
  }

  async reset(): Promise<void> {
    for (const kind of ['env', 'file', 'origin'] as const) await this.#state.update(memory(kind), undefined);
    this.#changed.fire();
  }

  #approved(kind: Kind): ReadonlySet<string> {
    return new Set(this.#state.get<string[]>(memory(kind), []));
  }
}

function keyOf(reference: Reference): [Kind, string] {
  switch (reference.kind) {
    case 'env':
      return ['env', reference.name];
    case 'file':
      return ['file', reference.file];
    case 'endpoint':
      return ['origin', originOf(reference.address) ?? reference.address];
  }
}

/** One line for the list of what waits, and the dialog's words. */
export function words(reference: Reference, template: string): { question: string; detail: string } {
  switch (reference.kind) {
    case 'env':
      return {
        question: vscode.l10n.t('Let “{0}” read the environment variable {1}?', template, reference.name),
        detail: vscode.l10n.t('Its value becomes part of the prompt and is sent to the models that you choose.'),
      };
    case 'file':
      return {
        question: vscode.l10n.t('Let “{0}” read the file {1}?', template, reference.file),
        detail: vscode.l10n.t('Its content becomes part of the prompt and is sent to the models that you choose.'),
      };
    case 'endpoint':
      return {
        question: vscode.l10n.t(
          'Let “{0}” send its prompts to {1}?',
          template,
          originOf(reference.address) ?? reference.address,
        ),
        detail: vscode.l10n.t(
          'The rendered prompt with its inputs and examples is sent there. You did not configure this server; the template names it.',
        ),
      };
  }
}
