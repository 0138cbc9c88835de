import assert from 'node:assert/strict';
import * as vscode from 'vscode';

const id = 'tunesmith.tunesmith';

describe('the extension', () => {
  it('activates, and registers every command that its manifest declares', async () => {
    const extension = vscode.extensions.getExtension(id);
    assert.ok(extension, 'not installed');
    await extension.activate();
    const registered = new Set(await vscode.commands.getCommands(true));
    const declared: { command: string }[] = extension.packageJSON.contributes.commands;
    assert.ok(declared.length > 0);
    assert.deepEqual(
      declared.map(c => c.command).filter(command => !registered.has(command)),
      [],
    );
  });
});
