/** Command of a model in the tree: write it, its adapter merged in, for other programs. */
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { isAbort } from '../../base/errors.ts';
import type { Services } from '../services.ts';
import type { ModelNode } from '../views/modelsView.ts';

/** Asks for the kind of files and a new folder, then writes them, showing how far it is. */
export async function exportModel(services: Services, target: ModelNode | undefined): Promise<void> {
  if (target?.type !== 'model') return;
  const { id, label } = target.model;
  const title = vscode.l10n.t('Export “{0}”', label);
  const kind = await vscode.window.showQuickPick(kinds(), {
    title,
    placeHolder: vscode.l10n.t('What it is written as'),
  });
  if (!kind) return;
  const { format, type } = kind;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file(homedir());
  const place = await vscode.window.showSaveDialog({
    title: vscode.l10n.t('A folder that does not exist yet'),
    saveLabel: vscode.l10n.t('Export'),
    defaultUri: vscode.Uri.joinPath(folder, `${label.replace(/[^\w.-]+/g, '-')}-${type.toLowerCase()}`),
  });
  if (!place) return;
  const registry = await services.models();
  const made = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    async (progress, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      let shown = 0;
      const onProgress = (message: string, fraction = 0): void => {
        progress.report({ message, increment: 100 * fraction - shown });
        shown = 100 * fraction;
      };
      try {
        return await registry.export(id, { to: place.fsPath, format, type }, { signal: abort.signal, onProgress });
      } catch (error) {
        if (isAbort(error) || abort.signal.aborted) return undefined;
        throw error;
      }
    },
  );
  if (!made) return;
  const show = vscode.l10n.t('Show in Folder');
  const choice = await vscode.window.showInformationMessage(
    vscode.l10n.t('“{0}” was exported to {1}.', label, made.path),
    show,
  );
  if (choice === show) await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(made.path));
}

const kinds = () =>
  [
    {
      label: vscode.l10n.t('Folder for transformers'),
      description: 'safetensors, F32',
      detail: vscode.l10n.t('The numbers as they are'),
      format: 'safetensors',
      type: 'F32',
    },
    {
      label: vscode.l10n.t('Folder for transformers, half size'),
      description: 'safetensors, BF16',
      detail: vscode.l10n.t('As most models are published'),
      format: 'safetensors',
      type: 'BF16',
    },
    {
      label: vscode.l10n.t('GGUF file'),
      description: 'F16',
      detail: vscode.l10n.t('For llama.cpp, Ollama and others'),
      format: 'gguf',
      type: 'F16',
    },
    {
      label: vscode.l10n.t('GGUF file, eight bits'),
      description: 'Q8_0',
      detail: vscode.l10n.t('Half as large, nearly as good'),
      format: 'gguf',
      type: 'Q8_0',
    },
  ] as const;
