/** What templates of this workspace may read or reach: asked once for each thing, kept with the workspace, taken back by a command. */
import * as vscode from 'vscode';
import type { Reference, ReferencePolicy } from '../core/prompts/references.ts';
import type { ApprovalKind } from './approvalWords.ts';

const memory = (kind: ApprovalKind): string => `approved.${kind}`;

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
    // Loaded when someone is asked: activation knows nothing of templates.
    const { keyOf, words } = await import('./approvalWords.ts');
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

  #approved(kind: ApprovalKind): ReadonlySet<string> {
    return new Set(this.#state.get<string[]>(memory(kind), []));
  }
}
