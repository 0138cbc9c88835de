/** The editor's side of the language features: positions become offsets, plain data becomes what the editor shows. */
import * as vscode from 'vscode';
import type { Replacement } from '../../base/textChange.ts';
import { codeLenses, type Lens } from '../../core/language/codeLens.ts';
import { complete } from '../../core/language/completion.ts';
import type { Completion, CompletionKind } from '../../core/language/completionItem.ts';
import { folds } from '../../core/language/folding.ts';
import { format } from '../../core/language/formatting.ts';
import type { LanguageHost } from '../../core/language/host.ts';
import { hover } from '../../core/language/hover.ts';
import { quickFixes } from '../../core/language/quickFixes.ts';
import { namedFiles, occurrencesAt } from '../../core/language/references.ts';
import { rename, renameable } from '../../core/language/rename.ts';
import { selectionRanges } from '../../core/language/selectionRanges.ts';
import { semanticTokens } from '../../core/language/semanticTokens.ts';
import { symbols, type TemplateSymbol } from '../../core/language/symbols.ts';
import { type TemplateDocument, templateDocument } from '../../core/language/templateDocument.ts';
import type { DiagnosticCode, TextRange } from '../../core/prompts/template.ts';
import { CommandIds } from '../commandIds.ts';
import type { Services } from '../services.ts';
import { besideTemplate } from '../templateFiles.ts';
import { languageHost } from './host.ts';

export class Features {
  readonly #services: Services;
  /** One reading of each version of a text serves all features. */
  readonly #read = new WeakMap<
    vscode.TextDocument,
    { readonly version: number; readonly template: TemplateDocument }
  >();

  constructor(services: Services) {
    this.#services = services;
  }

  #template(document: vscode.TextDocument): TemplateDocument {
    const known = this.#read.get(document);
    if (known?.version === document.version) return known.template;
    const template = templateDocument(document.getText(), document.uri.fsPath);
    this.#read.set(document, { version: document.version, template });
    return template;
  }

  #host(document: vscode.TextDocument): LanguageHost {
    return languageHost(this.#services, document.uri, this.#template(document).template);
  }

  async completion(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.CompletionList> {
    const offset = document.offsetAt(position);
    const items = await complete(this.#template(document), offset, this.#host(document));
    // Every item's words depend on where the cursor is, so a new word asks anew.
    return new vscode.CompletionList(
      items.map((item, index) => completionItem(document, item, index)),
      false,
    );
  }

  async hover(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Hover | undefined> {
    const found = await hover(this.#template(document), document.offsetAt(position), this.#host(document));
    if (!found) return undefined;
    return new vscode.Hover(
      found.contents.map(content => new vscode.MarkdownString(content)),
      rangeOf(document, found.range),
    );
  }

  definition(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): vscode.Location | vscode.LocationLink[] | undefined {
    const offset = document.offsetAt(position);
    const template = this.#template(document);
    const file = namedFiles(template).find(({ range }) => range.start <= offset && offset <= range.end);
    if (file) {
      const start = new vscode.Range(0, 0, 0, 0);
      const targetUri = besideTemplate(document.uri, file.path);
      return [{ originSelectionRange: rangeOf(document, file.range), targetUri, targetRange: start }];
    }
    const { declaration } = occurrencesAt(template, offset) ?? {};
    return declaration && new vscode.Location(document.uri, rangeOf(document, declaration));
  }

  references(document: vscode.TextDocument, position: vscode.Position, withDeclaration: boolean): vscode.Location[] {
    const found = occurrencesAt(this.#template(document), document.offsetAt(position));
    if (!found) return [];
    const places = withDeclaration && found.declaration ? [found.declaration, ...found.uses] : found.uses;
    return places.map(range => new vscode.Location(document.uri, rangeOf(document, range)));
  }

  highlights(document: vscode.TextDocument, position: vscode.Position): vscode.DocumentHighlight[] {
    const found = occurrencesAt(this.#template(document), document.offsetAt(position));
    if (!found) return [];
    const { Read, Write } = vscode.DocumentHighlightKind;
    const declared = found.declaration
      ? [new vscode.DocumentHighlight(rangeOf(document, found.declaration), Write)]
      : [];
    return [...declared, ...found.uses.map(range => new vscode.DocumentHighlight(rangeOf(document, range), Read))];
  }

  prepareRename(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): { range: vscode.Range; placeholder: string } {
    const found = renameable(this.#template(document), document.offsetAt(position));
    if (!found) throw new Error(vscode.l10n.t('Only inputs and names that the template sets can be renamed.'));
    return { range: rangeOf(document, found.range), placeholder: found.name };
  }

  rename(document: vscode.TextDocument, position: vscode.Position, name: string): vscode.WorkspaceEdit {
    const edit = new vscode.WorkspaceEdit();
    edit.set(document.uri, textEdits(document, rename(this.#template(document), document.offsetAt(position), name)));
    return edit;
  }

  symbols(document: vscode.TextDocument): vscode.DocumentSymbol[] {
    const convert = (symbol: TemplateSymbol): vscode.DocumentSymbol => {
      const range = rangeOf(document, symbol.range);
      const selection = rangeOf(document, symbol.selection);
      const made = new vscode.DocumentSymbol(
        symbol.name || '…',
        symbol.detail,
        symbolKinds[symbol.kind],
        range,
        selection,
      );
      made.children = symbol.children.map(convert);
      return made;
    };
    return symbols(this.#template(document)).map(convert);
  }

  folds(document: vscode.TextDocument): vscode.FoldingRange[] {
    return folds(this.#template(document)).map(({ range, kind }) => {
      const { start, end } = rangeOf(document, range);
      // The line of the closing `---` stays in sight.
      const last = kind === 'front-matter' ? end.line - 1 : end.line;
      const folding = kind === 'comment' ? vscode.FoldingRangeKind.Comment : undefined;
      return new vscode.FoldingRange(start.line, Math.max(start.line, last), folding);
    });
  }

  links(document: vscode.TextDocument): vscode.DocumentLink[] {
    return namedFiles(this.#template(document)).map(({ path, range }) => {
      const link = new vscode.DocumentLink(rangeOf(document, range), besideTemplate(document.uri, path));
      link.tooltip = vscode.l10n.t('Open File');
      return link;
    });
  }

  selections(document: vscode.TextDocument, positions: readonly vscode.Position[]): vscode.SelectionRange[] {
    return positions.map(position => {
      const ranges = selectionRanges(this.#template(document), document.offsetAt(position));
      return ranges.reduceRight<vscode.SelectionRange | undefined>(
        (parent, range) => new vscode.SelectionRange(rangeOf(document, range), parent),
        undefined,
      )!;
    });
  }

  semanticTokens(document: vscode.TextDocument, legend: vscode.SemanticTokensLegend): vscode.SemanticTokens {
    const builder = new vscode.SemanticTokensBuilder(legend);
    for (const { type, range, isDeclaration } of semanticTokens(this.#template(document)))
      builder.push(rangeOf(document, range), type, isDeclaration ? ['declaration'] : []);
    return builder.build();
  }

  format(document: vscode.TextDocument): vscode.TextEdit[] {
    return textEdits(document, format(this.#template(document)));
  }

  async fixes(document: vscode.TextDocument, diagnostics: readonly vscode.Diagnostic[]): Promise<vscode.CodeAction[]> {
    const own = diagnostics.filter(({ source }) => source === 'Tunesmith');
    if (own.length === 0) return [];
    const template = this.#template(document);
    const host = this.#host(document);
    const { examples, rows } = template.template.tunesmith;
    const named = [examples?.bank, rows].filter(name => name !== undefined);
    const [bank, table, missing] = await Promise.all([
      host.bank(),
      host.rows(),
      Promise.all(named.map(async name => ((await host.exists(name)) ? [] : [name]))),
    ]);
    const files = { ...(bank ? { bank } : {}), ...(table ? { rows: table } : {}), missing: missing.flat() };
    return own.flatMap(diagnostic => {
      const range = { start: document.offsetAt(diagnostic.range.start), end: document.offsetAt(diagnostic.range.end) };
      const problem = { code: diagnostic.code as DiagnosticCode, message: diagnostic.message, range };
      return quickFixes(template, problem, files).map(({ title, edits, newFile, preferred }) => {
        const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
        action.diagnostics = [diagnostic];
        action.isPreferred = preferred ?? false;
        action.edit = new vscode.WorkspaceEdit();
        if (edits.length > 0) action.edit.set(document.uri, textEdits(document, edits));
        if (newFile) {
          const contents = new TextEncoder().encode(newFile.contents);
          action.edit.createFile(besideTemplate(document.uri, newFile.path), { contents, ignoreIfExists: true });
        }
        return action;
      });
    });
  }

  lenses(document: vscode.TextDocument): vscode.CodeLens[] {
    return codeLenses(this.#template(document)).map(({ action, range }) => {
      const { title, command } = lensOf(action);
      return new vscode.CodeLens(rangeOf(document, range), { title, command, arguments: [document.uri] });
    });
  }
}

const rangeOf = (document: vscode.TextDocument, { start, end }: TextRange): vscode.Range =>
  new vscode.Range(document.positionAt(start), document.positionAt(end));

const textEdits = (document: vscode.TextDocument, edits: readonly Replacement[]): vscode.TextEdit[] =>
  edits.map(({ offset, length, text }) =>
    vscode.TextEdit.replace(rangeOf(document, { start: offset, end: offset + length }), text),
  );

function completionItem(document: vscode.TextDocument, item: Completion, index: number): vscode.CompletionItem {
  const made = new vscode.CompletionItem(item.label, completionKinds[item.kind]);
  made.insertText = item.isSnippet ? new vscode.SnippetString(item.insert) : item.insert;
  made.range = rangeOf(document, item.range);
  made.sortText = String(index).padStart(4, '0');
  if (item.detail !== undefined) made.detail = item.detail;
  if (item.doc) made.documentation = new vscode.MarkdownString(item.doc);
  if (item.filter !== undefined) made.filterText = item.filter;
  if (item.again) made.command = { command: 'editor.action.triggerSuggest', title: '' };
  return made;
}

const completionKinds: Readonly<Record<CompletionKind, vscode.CompletionItemKind>> = {
  key: vscode.CompletionItemKind.Property,
  value: vscode.CompletionItemKind.EnumMember,
  input: vscode.CompletionItemKind.Variable,
  local: vscode.CompletionItemKind.Variable,
  field: vscode.CompletionItemKind.Field,
  filter: vscode.CompletionItemKind.Function,
  function: vscode.CompletionItemKind.Function,
  tag: vscode.CompletionItemKind.Keyword,
  role: vscode.CompletionItemKind.Keyword,
  model: vscode.CompletionItemKind.Constant,
  file: vscode.CompletionItemKind.File,
  template: vscode.CompletionItemKind.Snippet,
};

const symbolKinds: Readonly<Record<TemplateSymbol['kind'], vscode.SymbolKind>> = {
  section: vscode.SymbolKind.Module,
  key: vscode.SymbolKind.Property,
  input: vscode.SymbolKind.Variable,
  message: vscode.SymbolKind.String,
  shots: vscode.SymbolKind.Array,
};

function lensOf(action: Lens['action']): { readonly title: string; readonly command: string } {
  switch (action) {
    case 'run':
      return { title: `$(play) ${vscode.l10n.t('Run')}`, command: CommandIds.runTemplate };
    case 'playground':
      return { title: `$(beaker) ${vscode.l10n.t('Open Playground')}`, command: CommandIds.openPlayground };
    case 'compare':
      return { title: `$(split-horizontal) ${vscode.l10n.t('Compare')}`, command: CommandIds.compareVariants };
    case 'score':
      return { title: `$(law) ${vscode.l10n.t('Score')}`, command: CommandIds.scoreTemplate };
    case 'sweep':
      return { title: `$(graph-line) ${vscode.l10n.t('Sweep Shots')}`, command: CommandIds.sweepShots };
  }
}
