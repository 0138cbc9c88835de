/** Registers every language feature of templates by name; their code is loaded with the first template that is opened. */
import * as vscode from 'vscode';
import { type TokenType, tokenTypes } from '../../core/language/tokenTypes.ts';
import type { Services } from '../services.ts';

export function registerLanguage(services: Services): void {
  const selector: vscode.DocumentSelector = { language: 'prompty' };
  const { languages } = vscode;
  const load = () =>
    import('./features.ts').then(({ Features }) => {
      features ??= new Features(services);
      return features;
    });
  let features: import('./features.ts').Features | undefined;
  const legend = new vscode.SemanticTokensLegend([...tokenTypes] satisfies TokenType[], ['declaration']);
  const registrations = [
    languages.registerCompletionItemProvider(
      selector,
      { provideCompletionItems: async (document, position) => (await load()).completion(document, position) },
      ...['{', '%', '.', '|', ':', ' ', '/', '#', '$', '"', "'"],
    ),
    languages.registerHoverProvider(selector, { provideHover: async (d, p) => (await load()).hover(d, p) }),
    languages.registerDefinitionProvider(selector, {
      provideDefinition: async (d, p) => (await load()).definition(d, p),
    }),
    languages.registerReferenceProvider(selector, {
      provideReferences: async (d, p, { includeDeclaration }) => (await load()).references(d, p, includeDeclaration),
    }),
    languages.registerDocumentHighlightProvider(selector, {
      provideDocumentHighlights: async (d, p) => (await load()).highlights(d, p),
    }),
    languages.registerRenameProvider(selector, {
      prepareRename: async (d, p) => (await load()).prepareRename(d, p),
      provideRenameEdits: async (d, p, name) => (await load()).rename(d, p, name),
    }),
    languages.registerDocumentSymbolProvider(
      selector,
      { provideDocumentSymbols: async d => (await load()).symbols(d) },
      { label: 'Tunesmith' },
    ),
    languages.registerFoldingRangeProvider(selector, { provideFoldingRanges: async d => (await load()).folds(d) }),
    languages.registerDocumentLinkProvider(selector, { provideDocumentLinks: async d => (await load()).links(d) }),
    languages.registerSelectionRangeProvider(selector, {
      provideSelectionRanges: async (d, positions) => (await load()).selections(d, positions),
    }),
    languages.registerDocumentSemanticTokensProvider(
      selector,
      { provideDocumentSemanticTokens: async d => (await load()).semanticTokens(d, legend) },
      legend,
    ),
    languages.registerDocumentFormattingEditProvider(selector, {
      provideDocumentFormattingEdits: async d => (await load()).format(d),
    }),
    languages.registerCodeActionsProvider(
      selector,
      { provideCodeActions: async (d, _range, context) => (await load()).fixes(d, context.diagnostics) },
      { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] },
    ),
    languages.registerCodeLensProvider(selector, { provideCodeLenses: async d => (await load()).lenses(d) }),
  ];
  for (const registration of registrations) services.store.add(registration);

  // Diagnostics start with the first template that is opened.
  let started = false;
  const start = (document: vscode.TextDocument): void => {
    if (started || document.languageId !== 'prompty') return;
    started = true;
    import('./diagnostics.ts').then(
      ({ provideDiagnostics }) => services.store.add(provideDiagnostics(services)),
      (error: unknown) => services.logger.error('Templates are not checked.', error),
    );
  };
  services.store.add(vscode.workspace.onDidOpenTextDocument(start));
  for (const document of vscode.workspace.textDocuments) start(document);

  // Likewise with the first constitution.
  let checked = false;
  const startConstitutions = async ({ languageId }: vscode.TextDocument): Promise<void> => {
    if (checked || languageId !== 'yaml') return;
    checked = true;
    const { checkConstitutions } = await import('./constitutions.ts');
    services.store.add(checkConstitutions());
  };
  services.store.add(vscode.workspace.onDidOpenTextDocument(startConstitutions));
  for (const document of vscode.workspace.textDocuments) void startConstitutions(document);
}
