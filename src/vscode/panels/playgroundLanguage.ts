/** Answers the playground's prompt editor with the language features of templates, for the text as its page has it. */
import type * as vscode from 'vscode';
import { complete } from '../../core/language/completion.ts';
import { hover } from '../../core/language/hover.ts';
import { type TemplateDocument, templateDocument } from '../../core/language/templateDocument.ts';
import type { CompletionItem } from '../../protocol/playgroundLanguage.ts';
import { languageHost } from '../language/host.ts';
import type { Services } from '../services.ts';

/** More would only be scrolled past. */
const MostItems = 200;

export class PlaygroundLanguage {
  readonly #services: Services;
  readonly #uri: vscode.Uri;
  /** One reading of a text serves completion and hover. */
  #read: { readonly text: string; readonly document: TemplateDocument } | undefined;

  constructor(services: Services, uri: vscode.Uri) {
    this.#services = services;
    this.#uri = uri;
  }

  async complete(text: string, offset: number): Promise<CompletionItem[]> {
    const document = this.#document(text);
    const items = await complete(document, Math.min(offset, text.length), this.#host(document, 0));
    return items.slice(0, MostItems).map(item => ({
      label: item.label,
      kind: item.kind,
      insert: item.insert,
      snippet: item.isSnippet ?? false,
      start: item.range.start,
      end: item.range.end,
      detail: item.detail ?? '',
      doc: item.doc ?? '',
      filter: item.filter ?? item.label,
      again: item.again ?? false,
    }));
  }

  async hover(text: string, offset: number, row: number) {
    const document = this.#document(text);
    const found = await hover(document, Math.min(offset, text.length), this.#host(document, row));
    return found ? { start: found.range.start, end: found.range.end, contents: [...found.contents] } : null;
  }

  #host(document: TemplateDocument, row: number): ReturnType<typeof languageHost> {
    return languageHost(this.#services, this.#uri, document.template, row);
  }

  #document(text: string): TemplateDocument {
    if (this.#read?.text !== text) this.#read = { text, document: templateDocument(text, this.#uri.fsPath) };
    return this.#read.document;
  }
}
