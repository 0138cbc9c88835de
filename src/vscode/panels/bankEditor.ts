/** The table editor of example banks: a custom editor over the text document, so that undo, saving and hot exit are the editor's own. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { HumanError } from '../../base/errors.ts';
import { BankTable, type LineEdit } from '../../core/datasets/bankTable.ts';
import { BankView, type TableEdit } from '../../core/datasets/bankView.ts';
import { parseTemplate } from '../../core/prompts/promptyFile.ts';
import type { Template } from '../../core/prompts/template.ts';
import type { TextGenerator } from '../../core/textGenerator.ts';
import { type BankState, bankContract } from '../../protocol/bankEditor.ts';
import type { Channel, Handlers } from '../../protocol/rpc.ts';
import { PanelTypes } from '../commandIds.ts';
import { setting } from '../config.ts';
import type { Services } from '../services.ts';
import { besideTemplate } from '../templateFiles.ts';
import { findTemplates } from '../templates.ts';
import { pageHtml, webviewChannel, webviewOptions } from '../webview.ts';

/** Lines that are read at a time, so that the editor stays quick while a large bank is read. */
const ScanLines = 4000;
/** Milliseconds between two messages about changes of the file. */
const ChangeDelay = 30;

export function resolveBankEditor(services: Services, document: vscode.TextDocument, panel: vscode.WebviewPanel): void {
  panel.webview.options = webviewOptions(services.context.extensionUri);
  const session = new BankDocument(document);
  const editor = new BankEditor(services, session, panel);
  panel.onDidDispose(() => {
    editor.dispose();
    session.dispose();
  });
}

/** Opens a bank as a table beside what is open. */
export const openBank = (uri: vscode.Uri): Thenable<unknown> =>
  vscode.commands.executeCommand('vscode.openWith', uri, PanelTypes.bank, vscode.ViewColumn.Beside);

/** A bank's table bound to its document: edits go to the document, and what happens to the document comes back. */
class BankDocument implements Disposable {
  readonly document: vscode.TextDocument;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new vscode.EventEmitter<void>());
  view: BankView;
  readonly onDidChange = this.#changed.event;

  constructor(document: vscode.TextDocument) {
    this.document = document;
    this.view = new BankView(tableOf(document));
    this.#store.add(
      vscode.workspace.onDidChangeTextDocument(event => {
        if (event.document !== document || event.contentChanges.length === 0) return;
        this.view.follow(event.contentChanges.map(lineEditOf));
        if (this.view.table.lineCount !== document.lineCount) this.#reload();
        this.#changed.fire();
      }),
    );
  }

  /** Makes an edit as one step of undo. False where the document takes none. */
  async edit(edit: TableEdit): Promise<boolean> {
    const edits = this.view.edits(edit);
    if (edits.length === 0) return true;
    const change = new vscode.WorkspaceEdit();
    for (const { startLine, startCharacter, endLine, endCharacter, text } of edits) {
      change.replace(this.document.uri, new vscode.Range(startLine, startCharacter, endLine, endCharacter), text);
    }
    return vscode.workspace.applyEdit(change);
  }

  /** Reads what is not read yet, in turns. */
  async scan(): Promise<void> {
    while (!this.#store.isDisposed && this.view.scan(ScanLines)) await new Promise(resolve => setImmediate(resolve));
    this.view.version++;
  }

  dispose(): void {
    this.#store.dispose();
  }

  #reload(): void {
    const { view, version, needed, leaks } = this.view;
    const fresh = new BankView(tableOf(this.document), this.view.fields);
    Object.assign(fresh, { view, version: version + 1, needed, leaks });
    this.view = fresh;
  }
}

const tableOf = (document: vscode.TextDocument): BankTable => new BankTable(document.getText().split(/\r\n|\r|\n/));

const lineEditOf = ({ range, text }: vscode.TextDocumentContentChangeEvent): LineEdit => ({
  startLine: range.start.line,
  startCharacter: range.start.character,
  endLine: range.end.line,
  endCharacter: range.end.character,
  text,
});

class BankEditor implements Disposable {
  readonly #services: Services;
  readonly #bank: BankDocument;
  readonly #store = new DisposableStore();
  readonly #channel: Channel<typeof bankContract.toWebview>;
  #templates: readonly Template[] = [];
  #generator: TextGenerator | undefined;
  #timer: NodeJS.Timeout | undefined;
  #opened = false;

  constructor(services: Services, bank: BankDocument, panel: vscode.WebviewPanel) {
    this.#services = services;
    this.#bank = bank;
    this.#channel = this.#store.add(webviewChannel(panel.webview, bankContract, this.#handlers(), services.logger));
    this.#store.add(bank.onDidChange(() => this.#changedSoon()));
    panel.webview.html = pageHtml({
      extensionUri: services.context.extensionUri,
      webview: panel.webview,
      entry: 'bank',
      title: path.basename(bank.document.uri.path),
      bundle: services.bundle,
    });
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#store.dispose();
  }

  #handlers(): Handlers<typeof bankContract.toHost> {
    const bank = this.#bank;
    return {
      ready: () => {
        if (!this.#opened) void this.#open();
        this.#opened = true;
        bank.view.scan(ScanLines);
        return this.#state();
      },
      view: view => {
        bank.view.show(view);
        return this.#state();
      },
      rows: ({ from, count }) => ({ version: bank.view.version, rows: bank.view.rows(from, count) }),
      cell: ({ line, field }) => bank.view.cell(line, field),
      tokens: ({ lines }) => this.#tokens(lines),
      edit: async ({ version, edit }) => {
        if (version !== bank.view.version) return null;
        const at = this.#place(edit);
        if (!(await bank.edit(edit)))
          throw new HumanError(vscode.l10n.t('The file takes no changes. Is it read-only?'));
        return { state: this.#state(), at: bank.view.after(edit, at) };
      },
      addField: () => this.#addField(),
      copy: async ({ lines }) => {
        await vscode.env.clipboard.writeText(bank.view.copied(lines));
        return null;
      },
      openText: async ({ line }) => {
        const selection = line === null ? undefined : new vscode.Range(line, 0, line, 0);
        await vscode.commands.executeCommand('vscode.openWith', bank.document.uri, 'default', {
          viewColumn: vscode.ViewColumn.Beside,
          selection,
        });
        return null;
      },
    };
  }

  /** Where an edit starts, in the view. */
  #place(edit: TableEdit): number {
    if (edit.kind === 'paste') return edit.at;
    const line = 'line' in edit ? edit.line : edit.kind === 'add' ? edit.after : Math.min(...edit.lines);
    return Math.max(0, this.#bank.view.order.indexOf(line ?? -1));
  }

  async #addField(): Promise<string | null> {
    const known = this.#bank.view.fields;
    const name = await vscode.window.showInputBox({
      title: vscode.l10n.t('Add a Field'),
      prompt: vscode.l10n.t('Rows get it when something is typed in its column.'),
      validateInput: value =>
        known.includes(value.trim()) ? vscode.l10n.t('There is a field “{0}” already.', value.trim()) : undefined,
    });
    if (!name?.trim()) return null;
    this.#bank.view.addField(name.trim());
    this.#channel.remote.changed(this.#state());
    return name.trim();
  }

  /** Reads the whole file, and what templates and models know about its rows. */
  async #open(): Promise<void> {
    try {
      await this.#bank.scan();
      this.#changedSoon();
      this.#templates = await templatesWith(this.#bank.document.uri);
      const [template] = this.#templates;
      if (template) this.#bank.view.needed = neededFields(template);
      this.#bank.view.version++;
      this.#changedSoon();
      const models = await this.#services.models(this.#bank.document.uri);
      const known = await models.list();
      const wanted = [template?.model.id, setting('defaultModel', this.#bank.document.uri)];
      const id = known.find(model => wanted.includes(model.id) || wanted.includes(model.label))?.id;
      const generator = id === undefined ? undefined : await models.get(id);
      if (generator?.countTokens) this.#generator = generator;
      this.#changedSoon();
    } catch (error) {
      this.#services.logger.warn(`The bank is shown without its template: ${String(error)}`);
    }
  }

  async #tokens(lines: readonly number[]): Promise<number[]> {
    const texts = lines.map(line => this.#bank.view.rowText(line));
    const counts = await this.#generator?.countTokens?.(texts).catch(() => undefined);
    return counts ?? lines.map(() => -1);
  }

  #changedSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#channel.remote.changed(this.#state());
    }, ChangeDelay);
  }

  #state(): BankState {
    const { view, document } = this.#bank;
    return {
      version: view.version,
      file: path.basename(document.uri.path),
      total: view.total,
      shown: view.order.length,
      fields: view.fields,
      hiddenFields: view.hiddenFields,
      bad: view.bad,
      leaks: view.leaking,
      view: view.view,
      template: this.#templates[0]?.name ?? null,
      tokensBy: this.#generator?.model.label ?? null,
    };
  }
}

/** Templates of the workspace that draw from this bank. */
async function templatesWith(bank: vscode.Uri): Promise<Template[]> {
  const found: Template[] = [];
  for (const { uri } of await findTemplates()) {
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    if (!text.includes(path.basename(bank.path))) continue;
    const template = parseTemplate(text, uri.fsPath);
    const { examples } = template.tunesmith;
    if (examples && besideTemplate(uri, examples.bank).fsPath === bank.fsPath) found.push(template);
  }
  return found;
}

/** Inputs without a default, and what the example's answer is made from. */
function neededFields({ inputs, tunesmith: { examples, reasoning } }: Template): string[] {
  const chain = reasoning.strategy === 'few-shot-cot' || reasoning.of === 'few-shot-cot';
  const answer = examples && (chain ? examples.reasonedAnswer : examples.answer);
  const named = [...(answer ?? '').matchAll(/\{\{-?\s*([A-Za-z_]\w*)/g)].map(([, name]) => name!);
  const own = inputs.filter(input => input.required || (input.default === undefined && input.kind === 'string'));
  return [...new Set([...own.map(({ name }) => name), ...named])];
}
