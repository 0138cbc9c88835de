/** Commands that add models: a folder or GGUF file on disk, one of the catalogue, a server. */
import * as vscode from 'vscode';
import { HumanError, isAbort } from '../../base/errors.ts';
import { setting, settingName } from '../config.ts';
import type { Services } from '../services.ts';

/** Asks where the model comes from, then adds it. */
export async function addModel(services: Services): Promise<void> {
  const ways = [
    {
      label: `$(file) ${vscode.l10n.t('GGUF File…')}`,
      detail: vscode.l10n.t('One file, as llama.cpp and Ollama use it'),
      run: addFile,
    },
    {
      label: `$(folder) ${vscode.l10n.t('Hugging Face Folder…')}`,
      detail: vscode.l10n.t('A folder with config.json, tokenizer.json and safetensors'),
      run: addFolder,
    },
    {
      label: `$(cloud-download) ${vscode.l10n.t('Download from the Catalogue…')}`,
      detail: vscode.l10n.t('Small models from the Hugging Face hub'),
      run: downloadModel,
    },
    {
      label: `$(plug) ${vscode.l10n.t('Server…')}`,
      detail: vscode.l10n.t('Any server with an OpenAI-compatible interface: Ollama, llama.cpp, vLLM, OpenAI'),
      run: addEndpoint,
    },
  ];
  const way = await vscode.window.showQuickPick(ways, {
    title: vscode.l10n.t('Add Model'),
    placeHolder: vscode.l10n.t('Where is the model?'),
  });
  await way?.run(services);
}

async function addFile(services: Services): Promise<void> {
  const [file] =
    (await vscode.window.showOpenDialog({
      title: vscode.l10n.t('GGUF File'),
      canSelectMany: false,
      filters: { GGUF: ['gguf'] },
    })) ?? [];
  if (file) await add(services, file.fsPath);
}

async function addFolder(services: Services): Promise<void> {
  const [folder] =
    (await vscode.window.showOpenDialog({
      title: vscode.l10n.t('Hugging Face Folder'),
      canSelectMany: false,
      canSelectFiles: false,
      canSelectFolders: true,
    })) ?? [];
  if (folder) await add(services, folder.fsPath);
}

async function add(
  services: Services,
  path: string,
  origin: { repository?: string; revision?: string } = {},
): Promise<void> {
  const registry = await services.models();
  const model = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Reading the model…') },
    () => registry.add(path, origin),
  );
  void vscode.window.showInformationMessage(vscode.l10n.t('“{0}” is now among the models.', model.label));
}

/** Downloads a model of the catalogue, or any other repository, into the Hugging Face cache; resumes what was interrupted. */
export async function downloadModel(services: Services): Promise<void> {
  const { readCatalog } = await import('../../providers/catalog.ts');
  const catalog = await readCatalog(services.root);
  const other = {
    label: `$(edit) ${vscode.l10n.t('Another Repository…')}`,
    detail: vscode.l10n.t('organisation/name on the Hugging Face hub'),
    repository: undefined,
  };
  const picked = await vscode.window.showQuickPick(
    [
      ...catalog.map(({ label, parameters, description, repository }) => ({
        label,
        description: parameters,
        detail: description,
        repository,
      })),
      other,
    ],
    {
      title: vscode.l10n.t('Download Model'),
      placeHolder: vscode.l10n.t('The model to download'),
      matchOnDetail: true,
    },
  );
  if (!picked) return;
  const repository =
    picked.repository ??
    (await vscode.window.showInputBox({
      title: vscode.l10n.t('Download Model'),
      prompt: vscode.l10n.t('Repository on the Hugging Face hub, in the form organisation/name'),
      validateInput: value =>
        /^[\w.-]+\/[\w.-]+$/.test(value.trim()) ? undefined : vscode.l10n.t('Its form is organisation/name.'),
    }));
  if (repository) await download(services, repository.trim());
}

async function download(services: Services, repository: string): Promise<void> {
  const { downloadModel: fetchModel } = await import('../../providers/hub.ts');
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
  const done = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('Downloading {0}', repository),
      cancellable: true,
    },
    async (progress, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      let shown = 0;
      try {
        return await fetchModel(
          { repository },
          {
            keys: services.keys,
            signal: abort.signal,
            onProgress: ({ received, total }) => {
              const percent = total > 0 ? (100 * received) / total : 0;
              progress.report({
                increment: percent - shown,
                message: vscode.l10n.t('{0} of {1} MB', megabytes(received), megabytes(total)),
              });
              shown = percent;
            },
          },
        );
      } catch (error) {
        // What was received stays in the cache, and the next download goes on from there.
        if (isAbort(error) || abort.signal.aborted) return undefined;
        throw error;
      }
    },
  );
  if (done) await add(services, done.path, { repository: done.repository, revision: done.revision });
}

/** Adds a server with an OpenAI-compatible interface to the user's settings; its key goes to the secret storage. */
export async function addEndpoint(services: Services): Promise<void> {
  const { originOf, isLoopback } = await import('../../providers/keys.ts');
  const title = vscode.l10n.t('Add Model Server');
  const address = await vscode.window.showInputBox({
    title,
    prompt: vscode.l10n.t('Address of the server, with its version, for example http://localhost:11434/v1'),
    value: 'http://localhost:11434/v1',
    ignoreFocusOut: true,
    validateInput: value => {
      try {
        originOf(value.trim());
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    },
  });
  if (!address) return;
  const baseUrl = address.trim().replace(/\/+$/, '');
  const origin = originOf(baseUrl);
  if (!isLoopback(baseUrl)) {
    const key = await vscode.window.showInputBox({
      title,
      prompt: vscode.l10n.t(
        'Key for {0}, empty for none. It is kept in the secret storage and sent to this server only.',
        origin,
      ),
      password: true,
      ignoreFocusOut: true,
    });
    if (key === undefined) return;
    if (key.trim()) await services.keys.set(origin, key.trim());
  }
  const models = await chooseModels(services, baseUrl, title);
  if (!models || models.length === 0) return;
  const others = setting('endpoints').filter(endpoint => endpoint.baseUrl !== baseUrl);
  await vscode.workspace
    .getConfiguration()
    .update(settingName('endpoints'), [...others, { baseUrl, models }], vscode.ConfigurationTarget.Global);
}

async function chooseModels(services: Services, baseUrl: string, title: string): Promise<string[] | undefined> {
  const { listEndpointModels } = await import('../../providers/openAiCompatible.ts');
  const offered = await vscode.window
    .withProgress(
      { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Asking {0} for its models…', baseUrl) },
      () => listEndpointModels(baseUrl, { keys: services.keys }),
    )
    .then(
      list => list,
      (error: unknown) => {
        services.showError(error);
        return [];
      },
    );
  if (offered.length > 0) {
    return vscode.window.showQuickPick(offered, {
      title,
      placeHolder: vscode.l10n.t('The models to show in the playground'),
      canPickMany: true,
    });
  }
  const name = await vscode.window.showInputBox({
    title,
    prompt: vscode.l10n.t('Name of the model on this server'),
    ignoreFocusOut: true,
  });
  return name?.trim() ? [name.trim()] : undefined;
}

/** Deletes keys from the secret storage. */
export async function forgetKeys(services: Services): Promise<void> {
  const origins = services.keys.origins();
  if (origins.length === 0) throw new HumanError(vscode.l10n.t('No keys are kept.'));
  const chosen = await vscode.window.showQuickPick(origins, {
    title: vscode.l10n.t('Forget API Keys'),
    placeHolder: vscode.l10n.t('The servers whose keys are deleted'),
    canPickMany: true,
  });
  for (const origin of chosen ?? []) await services.keys.delete(origin);
}

/** Templates must ask again for what they were allowed. */
export async function resetApprovals(services: Services): Promise<void> {
  await services.approvals.reset();
  void vscode.window.showInformationMessage(vscode.l10n.t('Templates of this workspace have to ask again.'));
}
