/** The template's text, as the playground shares it with the editor: opened anew where the editor lets go of it, and changed by the page. */
import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.ts';
import { errorMessage, HumanError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { changeBetween, changeOf, type TextChange } from '../../base/textChange.ts';
import { setAxis } from '../../core/prompts/axesEdits.ts';
import { parseTemplate } from '../../core/prompts/promptyFile.ts';
import type { AxisName, TextChoice } from '../../core/prompts/template.ts';
import { type FrontMatterValue, setFrontMatter } from '../../core/prompts/templateEdits.ts';
import type { PlaygroundState, playgroundContract } from '../../protocol/playground.ts';
import type { Remote } from '../../protocol/rpc.ts';
import type { LoadedTemplate } from './loadedTemplate.ts';
import { namedChoices } from './playgroundChoices.ts';
import { PlaygroundDocument } from './playgroundDocument.ts';

interface SourceTools {
  readonly page: Remote<typeof playgroundContract.toWebview>;
  readonly logger: Logger;
  loaded(): LoadedTemplate;
  /** Called at each letter: the text is another now. */
  changed(): void;
  /** Reads the template anew at once. */
  refresh(): Promise<void>;
}

export class TemplateSource implements Disposable {
  readonly #uri: vscode.Uri;
  readonly #tools: SourceTools;
  #shared!: PlaygroundDocument;

  constructor(uri: vscode.Uri, tools: SourceTools) {
    this.#uri = uri;
    this.#tools = tools;
  }

  async open(): Promise<void> {
    this.#shared?.dispose();
    const document = new PlaygroundDocument(await vscode.workspace.openTextDocument(this.#uri));
    this.#shared = document;
    document.onDidChange(({ version, change, own }) => {
      const bodyStart = parseTemplate(document.text, '').bodyRange.start;
      this.#tools.page.changed({ version, change: [...change], bodyStart, own });
      this.#tools.changed();
    });
    // The editor lets go of documents that no tab shows; the playground still does.
    document.onDidClose(() => {
      this.open().then(
        () => this.#tools.page.document(this.state()),
        error => this.#tools.logger.warn(`The template is gone: ${errorMessage(error)}`),
      );
    });
  }

  get shared(): PlaygroundDocument {
    return this.#shared;
  }

  get document(): vscode.TextDocument {
    return this.#shared.document;
  }

  state(): NonNullable<PlaygroundState['document']> {
    const { version, text } = this.#shared;
    return { version, text, bodyStart: parseTemplate(text, '').bodyRange.start };
  }

  edit(version: number, change: (number | string)[]): Promise<boolean> {
    return this.#shared.edit(version, change);
  }

  /** Sets a key of the front matter; null removes it. */
  async set(path: readonly string[], value: FrontMatterValue): Promise<void> {
    const target = path[0] === 'inputs' && path.length === 3 && this.#isShorthand(path[1]!) ? path.slice(0, 2) : path;
    await this.#change(text => changeOf(setFrontMatter(text, target, value)));
  }

  /** Sets what an axis of the template varies. */
  async setAxis(axis: AxisName, values: readonly TextChoice[]): Promise<void> {
    const choices = namedChoices(axis, values);
    await this.#change(text => changeBetween(text, setAxis(text, axis, choices)));
  }

  async #change(make: (text: string) => TextChange): Promise<void> {
    const done = await this.#shared.change(make);
    if (!done) throw new HumanError(vscode.l10n.t('The file takes no changes. Is it read-only?'));
    await this.#tools.refresh();
  }

  dispose(): void {
    this.#shared?.dispose();
  }

  /** `inputs: {name: value}` in place of a map with `default`. */
  #isShorthand(name: string): boolean {
    const inputs = this.#tools.loaded().template.frontMatter.inputs;
    const value = inputs && typeof inputs === 'object' ? (inputs as Record<string, unknown>)[name] : undefined;
    return value !== undefined && value !== null && typeof value !== 'object';
  }
}
