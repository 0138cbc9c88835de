/** Language features of templates as the editor asks for them, in a real document of the sample workspace. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';

const text = `---
name: hosted
inputs:
  question:
    kind: string
    default: Why?
model:
  options:
    temperature: 0
metadata:
  tunesmith:
    reasoning:
      strategy: few-shot-cott
---
system:
Be brief.

user:
{{ question }} and {{ qestion }}
`;

describe('language features', () => {
  let uri: vscode.Uri;
  let document: vscode.TextDocument;

  before(async () => {
    const folder = vscode.workspace.workspaceFolders![0]!.uri;
    uri = vscode.Uri.joinPath(folder, 'templates', 'hosted.prompty');
    await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
    document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document);
  });
  after(async () => {
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await vscode.workspace.fs.delete(uri);
  });

  const at = (words: string, offset = 0): vscode.Position => document.positionAt(text.indexOf(words) + offset);
  const ask = <T>(command: string, ...args: unknown[]): Thenable<T> =>
    vscode.commands.executeCommand<T>(command, uri, ...args);
  async function eventually<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
    for (let i = 0; i < 100; i++) {
      const found = await look();
      if (found !== undefined) return found;
      await new Promise(resolve => setTimeout(resolve, 100));
    }
    throw new Error('it did not come');
  }

  it('complete inputs in the body and keys in the front matter', async () => {
    const body = await ask<vscode.CompletionList>('vscode.executeCompletionItemProvider', at('{{ question', 3));
    assert.ok(body.items.some(({ label }) => (typeof label === 'string' ? label : label.label) === 'question'));
    const keys = await ask<vscode.CompletionList>('vscode.executeCompletionItemProvider', at('    temperature', 4));
    assert.ok(keys.items.some(({ label }) => (typeof label === 'string' ? label : label.label) === 'maxOutputTokens'));
  });

  it('say what an input holds', async () => {
    const hovers = await ask<vscode.Hover[]>('vscode.executeHoverProvider', at('{{ question', 5));
    const words = hovers
      .flatMap(({ contents }) => contents.map(part => (part as vscode.MarkdownString).value))
      .join('\n');
    assert.match(words, /Why\?/);
  });

  it('lead to where an input is declared, and find its uses', async () => {
    const [definition] = await ask<(vscode.Location | vscode.LocationLink)[]>(
      'vscode.executeDefinitionProvider',
      at('{{ question', 5),
    );
    const range = definition && 'range' in definition ? definition.range : definition?.targetRange;
    assert.equal(range?.start.line, at('  question:').line);
    const uses = await ask<vscode.Location[]>('vscode.executeReferenceProvider', at('{{ question', 5));
    assert.equal(uses.length, 2);
  });

  it('rename an input where it is declared and used', async () => {
    const edit = await ask<vscode.WorkspaceEdit>('vscode.executeDocumentRenameProvider', at('{{ question', 5), 'topic');
    const edits = edit.get(uri);
    assert.deepEqual(
      edits.map(({ newText }) => newText),
      ['topic', 'topic'],
    );
  });

  it('outline, fold and colour', async () => {
    const symbols = await ask<vscode.DocumentSymbol[]>('vscode.executeDocumentSymbolProvider');
    const names = (list: readonly vscode.DocumentSymbol[]): string[] =>
      list.flatMap(one => [one.name, ...names(one.children ?? [])]);
    assert.ok(
      ['question', 'system', 'user'].every(name => names(symbols).some(shown => shown.includes(name))),
      names(symbols).join(),
    );
    const folds = await ask<vscode.FoldingRange[]>('vscode.executeFoldingRangeProvider');
    assert.ok(folds.length >= 2);
    const tokens = await ask<vscode.SemanticTokens>('vscode.provideDocumentSemanticTokens');
    assert.ok(tokens.data.length >= 5 * 4);
  });

  it('report what is wrong, and mend it', async () => {
    const found = await eventually(() => {
      const list = vscode.languages.getDiagnostics(uri);
      return list.length >= 2 ? list : undefined;
    });
    const unknown = found.find(({ range }) => document.getText(range).includes('qestion'));
    assert.ok(unknown, found.map(({ message }) => message).join());
    const actions = await ask<vscode.CodeAction[]>('vscode.executeCodeActionProvider', unknown.range);
    const mend = actions.find(({ edit }) => edit?.get(uri).some(({ newText }) => newText === 'question'));
    assert.ok(mend, actions.map(({ title }) => title).join());
    assert.ok(await vscode.workspace.applyEdit(mend.edit!));
    assert.match(document.getText(), /and \{\{ question \}\}/);
    await vscode.commands.executeCommand('undo');
    assert.equal(document.getText(), text);
  });

  it('format without changing what is asked', async () => {
    const edits = await ask<vscode.TextEdit[] | undefined>('vscode.executeFormatDocumentProvider', {
      tabSize: 2,
      insertSpaces: true,
    });
    assert.deepEqual(edits ?? [], [], 'it is in order already');
  });

  it('offer to run it', async () => {
    const lenses = await ask<vscode.CodeLens[]>('vscode.executeCodeLensProvider', 10);
    assert.ok(lenses.some(({ command }) => command?.command === 'tunesmith.runTemplate'));
  });
});
