/**
 * Downloads a model from the Hugging Face hub into the Hugging Face cache, where other programs find it too. Which revision,
 * which files and which hashes: the hub says; every file is checked against it before it gets its name.
 */
import { type FileHandle, mkdir, open, readFile, rename, stat, statfs, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { HubApiError, type ListFileEntry, listFiles, modelInfo } from '@huggingface/hub';
import { HumanError, isAbort, isHumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { downloadBlob, type HubFile } from './hubBlob.ts';
import { authorization, type KeyStore, originOf } from './keys.ts';
import type { Fetch } from './nodeFetch.ts';
import { sameOriginFetch } from './sameOriginFetch.ts';

export interface HubRequest {
  /** `organisation/name`. */
  readonly repository: string;
  /** Branch, tag or commit; the main branch if absent. */
  readonly revision?: string;
  /** One GGUF file of the repository; without it, the safetensors model. */
  readonly file?: string;
}

export interface DownloadProgress {
  readonly file: string;
  /** Bytes of all files together; what was there already counts. */
  readonly received: number;
  readonly total: number;
}

export interface HubOptions {
  readonly keys: KeyStore;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly fetch?: Fetch;
  /** Milliseconds before the first new attempt after a broken connection; doubles each time. */
  readonly retryMilliseconds?: number;
}

export interface DownloadedModel {
  /** The snapshot's folder, or the GGUF file in it. */
  readonly path: string;
  readonly repository: string;
  /** The commit. */
  readonly revision: string;
}

/** The hub's address: `HF_ENDPOINT` or huggingface.co. */
const hubAddress = (env: Readonly<Record<string, string | undefined>> = process.env): string =>
  (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');

/** The folder of the Hugging Face cache, as `huggingface_hub` finds it. */
export function hubCacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env.HF_HUB_CACHE) return env.HF_HUB_CACHE;
  if (env.HUGGINGFACE_HUB_CACHE) return env.HUGGINGFACE_HUB_CACHE;
  const home = env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface');
  return join(home, 'hub');
}

/**
 * Downloads what is missing of a model; an interrupted download goes on where it stopped. Rejects with a HumanError that says
 * what to do, or with the signal's reason.
 */
export async function downloadModel(request: HubRequest, options: HubOptions): Promise<DownloadedModel> {
  const { repository, revision = 'main' } = request;
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) {
    throw new HumanError(l10n.t('“{0}” is not a repository. Its form is organisation/name.', repository));
  }
  if (!/^[\w.-]+(\/[\w.-]+)*$/.test(revision) || revision.includes('..')) {
    throw new HumanError(l10n.t('“{0}” is not a revision. Give a branch, a tag or a commit.', revision));
  }
  const env = options.env ?? process.env;
  const hubUrl = hubAddress(env);
  originOf(hubUrl);
  try {
    const { commit, files } = await describe(request, hubUrl, options);
    const folder = join(hubCacheFolder(env), `models--${repository.replace('/', '--')}`);
    const snapshot = join(folder, 'snapshots', commit);
    await mkdir(join(folder, 'blobs'), { recursive: true });
    await mkdir(snapshot, { recursive: true });

    const total = files.reduce((sum, file) => sum + file.size, 0);
    await checkSpace(folder, files);
    let before = 0;
    for (const file of files) {
      const { signal, onProgress, retryMilliseconds } = options;
      await downloadBlob(file, {
        folder: join(folder, 'blobs'),
        address: `${hubUrl}/${repository}/resolve/${commit}/${encodeURIComponent(file.name)}`,
        headers: () => authorization(hubUrl, options.keys),
        fetch: options.fetch,
        signal,
        retryMilliseconds,
        onReceived: received => onProgress?.({ file: file.name, received: before + received, total }),
      });
      await point(join(snapshot, file.name), join(folder, 'blobs', file.hash));
      before += file.size;
    }
    await writeReference(join(folder, 'refs', revision), commit);
    return { path: request.file ? join(snapshot, request.file) : snapshot, repository, revision: commit };
  } catch (error) {
    if (options.signal?.aborted && (isAbort(error) || error === options.signal.reason)) throw error;
    throw explain(error, repository, hubUrl);
  }
}

/** Revision and files of the model, as the hub has them now. */
async function describe(
  { repository, revision, file }: HubRequest,
  hubUrl: string,
  options: HubOptions,
): Promise<{ readonly commit: string; readonly files: readonly HubFile[] }> {
  const ask: typeof fetch = async (input, init) => {
    const headers = {
      ...(init?.headers as Record<string, string> | undefined),
      ...(await authorization(hubUrl, options.keys)),
    };
    return sameOriginFetch(String(input), { ...init, headers, signal: options.signal }, options.fetch);
  };
  const info = await modelInfo({
    name: repository,
    revision: revision ?? 'main',
    hubUrl,
    fetch: ask,
    additionalFields: ['sha'],
  });
  const commit = info.sha;
  if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit)) {
    throw new HumanError(l10n.t('{0} did not say which revision it has. Check HF_ENDPOINT.', originOf(hubUrl)));
  }
  const entries: ListFileEntry[] = [];
  for await (const entry of listFiles({
    repo: { type: 'model', name: repository },
    revision: commit,
    hubUrl,
    fetch: ask,
  })) {
    if (entry.type === 'file') entries.push(entry);
  }
  return { commit, files: choose(entries, file, repository) };
}

const companions = new Set([
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'model.safetensors.index.json',
]);

/** The files that make up the model, small ones first, so that a wrong model is noticed early. */
function choose(entries: readonly ListFileEntry[], file: string | undefined, repository: string): HubFile[] {
  const flat = entries.filter(entry => /^[\w][\w.-]*$/.test(entry.path));
  const weights = flat.filter(entry => /^model(-\d+-of-\d+)?\.safetensors$/.test(entry.path));
  const ggufs = flat.filter(entry => entry.path.endsWith('.gguf')).map(entry => entry.path);
  let chosen: ListFileEntry[];
  if (file !== undefined) {
    chosen = flat.filter(entry => entry.path === file);
    if (chosen.length === 0) {
      throw new HumanError(l10n.t('{0} has no file “{1}”. It has: {2}.', repository, file, ggufs.join(', ') || '–'));
    }
  } else {
    if (weights.length === 0) {
      throw new HumanError(
        ggufs.length > 0
          ? l10n.t('{0} holds GGUF files. Choose one of them: {1}.', repository, ggufs.join(', '))
          : l10n.t(
              '{0} has neither safetensors nor GGUF files, so it cannot be used here. Choose another.',
              repository,
            ),
      );
    }
    chosen = [...flat.filter(entry => companions.has(entry.path)), ...weights];
  }
  return chosen
    .map((entry): HubFile => {
      const { path, lfs, oid } = entry;
      if (lfs && /^[0-9a-f]{64}$/.test(lfs.oid)) return { name: path, size: lfs.size, hash: lfs.oid, kind: 'sha256' };
      if (oid && /^[0-9a-f]{40}$/.test(oid)) return { name: path, size: entry.size, hash: oid, kind: 'git' };
      throw new HumanError(
        l10n.t('The hub gives no hash for {0}, so it cannot be checked. Choose another model.', path),
      );
    })
    .sort((a, b) => a.size - b.size);
}

async function checkSpace(folder: string, files: readonly HubFile[]): Promise<void> {
  let missing = 0;
  for (const file of files) {
    const there = await stat(join(folder, 'blobs', file.hash)).catch(() => undefined);
    if (!there) missing += file.size;
  }
  const { bavail, bsize } = await statfs(folder);
  if (missing <= bavail * bsize) return;
  throw new HumanError(
    l10n.t(
      'This model needs {0} MB, and the disk has {1} MB left. Free some space, or set HF_HOME to another disk.',
      Math.ceil(missing / 1e6),
      Math.floor((bavail * bsize) / 1e6),
    ),
    { place: { file: folder } },
  );
}

/** `snapshots/<commit>/<name>` → `../../blobs/<hash>`; a hard link or copy where links are not allowed. */
async function point(pointer: string, blob: string): Promise<void> {
  const { copyFile, link, rm, symlink } = await import('node:fs/promises');
  if (await stat(pointer).catch(() => undefined)) return;
  await rm(pointer, { force: true });
  const relative = join('..', '..', 'blobs', blob.slice(dirname(blob).length + 1));
  await symlink(relative, pointer)
    .catch(() => link(blob, pointer))
    .catch(() => copyFile(blob, pointer));
}

async function writeReference(path: string, commit: string): Promise<void> {
  if (/^[0-9a-f]{40}$/.test(path.slice(-40))) return;
  if ((await readFile(path, 'utf8').catch(() => '')) === commit) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  let handle: FileHandle | undefined;
  try {
    await writeFile(temporary, commit);
    handle = await open(temporary, 'r+');
    await handle.sync();
  } finally {
    await handle?.close();
  }
  await rename(temporary, path);
}

function explain(error: unknown, repository: string, hubUrl: string): unknown {
  if (isHumanError(error)) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC') {
    return new HumanError(
      l10n.t('The disk is full. What was downloaded is kept; free some space and start the download again.'),
      { cause: error },
    );
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    const place = { file: (error as NodeJS.ErrnoException).path };
    return new HumanError(l10n.t('You may not write here. Set HF_HOME to a folder of yours.'), { cause: error, place });
  }
  if (!(error instanceof HubApiError)) return error;
  const origin = originOf(hubUrl);
  switch (error.statusCode) {
    case 401:
    case 403:
      return new HumanError(
        l10n.t(
          '{0} does not give out {1} without your token. Accept its terms on its page if it has any, and enter a token for {0}.',
          origin,
          repository,
        ),
        { cause: error },
      );
    case 404:
      return new HumanError(l10n.t('{0} has no model {1} of this revision. Check the name.', origin, repository), {
        cause: error,
      });
    default:
      return new HumanError(
        l10n.t('{0} answered {1}: {2} Try again later.', origin, error.statusCode, error.message.slice(0, 300)),
        { cause: error },
      );
  }
}
