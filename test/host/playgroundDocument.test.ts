/** The text that the playground shares with the editor: undo, dirty state and other editors' changes stay true. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { changeOf } from '../../src/base/textChange.ts';
import { setFrontMatter } from '../../src/core/prompts/templateEdits.ts';
import { type DocumentChange, PlaygroundDocument } from '../../src/vscode/panels/playgroundDocument.ts';

const text = '---\nname: shared\nmodel:\n  options:\n    temperature: 1\n---\nuser:\nhello\n';

describe('PlaygroundDocument', () => {
  let shared: PlaygroundDocument;
  let document: vscode.TextDocument;
  let changes: DocumentChange[];
  let file: vscode.Uri;

  beforeEach(async () => {
    const folder = vscode.workspace.workspaceFolders![0]!.uri;
    file = vscode.Uri.joinPath(folder, `shared-${Math.random().toString(36).slice(2)}.prompty`);
    await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
    document = await vscode.workspace.openTextDocument(file);
    await vscode.window.showTextDocument(document);
    shared = new PlaygroundDocument(document);
    changes = [];
    shared.onDidChange(change => changes.push(change));
  });
  afterEach(async () => {
    shared.dispose();
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await vscode.workspace.fs.delete(file);
  });

  it('applies the page’s edit once, marks the file dirty, and undo takes it back', async () => {
    assert.equal(document.isDirty, false);
    assert.equal(await shared.edit(shared.version, [text.length - 1, ' world']), true);
    assert.equal(document.getText(), text.replace('hello', 'hello world'));
    assert.equal(document.isDirty, true);
    assert.deepEqual(
      changes.map(({ own, version }) => [own, version]),
      [[true, 2]],
    );
    await vscode.commands.executeCommand('undo');
    assert.equal(document.getText(), text);
    assert.equal(changes.at(-1)!.own, false, 'the page hears of the undo');
    assert.equal(shared.text, text);
  });

  it('refuses an edit on a version that is past, and says what happened', async () => {
    const version = shared.version;
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, document.lineAt(document.lineCount - 1).range.end, 'bye\n');
    await vscode.workspace.applyEdit(edit);
    assert.equal(await shared.edit(version, [0, 'x']), false);
    assert.equal(document.getText(), text + 'bye\n');
    assert.deepEqual(
      changes.map(({ own }) => own),
      [false],
    );
  });

  it('sets a key of the front matter with one undo step and leaves the rest as it was', async () => {
    const done = await shared.change(now => changeOf(setFrontMatter(now, ['model', 'options', 'seed'], 7)));
    assert.equal(done, true);
    assert.equal(document.getText(), text.replace('temperature: 1\n', 'temperature: 1\n    seed: 7\n'));
    await vscode.commands.executeCommand('undo');
    assert.equal(document.getText(), text);
  });

  it('keeps several cursors’ edits several places', async () => {
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, document.positionAt(text.indexOf('shared')), 'A');
    edit.insert(document.uri, document.positionAt(text.indexOf('hello')), 'B');
    await vscode.workspace.applyEdit(edit);
    assert.deepEqual(changes[0]!.change, [
      text.indexOf('shared'),
      'A',
      text.indexOf('hello') - text.indexOf('shared'),
      'B',
    ]);
  });

  it('serves edits in turn, however fast they come', async () => {
    const results = await Promise.all([
      shared.edit(1, [text.length, 'a']),
      shared.edit(2, [text.length + 1, 'b']),
      shared.edit(2, [text.length, 'late']),
    ]);
    assert.deepEqual(results, [true, true, false]);
    assert.equal(document.getText(), text + 'ab');
  });
});
