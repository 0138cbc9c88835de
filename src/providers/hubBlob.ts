/** One file of a model, downloaded by content hash: resumed where it stopped, checked before it gets its name. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { Fetch } from './nodeFetch.ts';

export interface HubFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of the content (large files), or git's own hash of it; also its name among the blobs. */
  readonly hash: string;
  readonly kind: 'sha256' | 'git';
}

export interface BlobOptions {
  /** The cache's `blobs` folder. */
  readonly folder: string;
  readonly address: string;
  /** Sent to the address's own origin only. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  readonly fetch?: Fetch;
  readonly signal?: AbortSignal;
  readonly retryMilliseconds?: number;
  readonly onReceived: (bytes: number) => void;
}

const Attempts = 6;

/** Resolves when the blob is complete under its name. What was received before a failure stays for the next time. */
export async function downloadBlob(file: HubFile, options: BlobOptions): Promise<void> {
  const path = join(options.folder, file.hash);
  const there = await stat(path).catch(() => undefined);
  if (there?.size === file.size) return options.onReceived(file.size);

  const incomplete = `${path}.incomplete`;
  let received = -1;
  for (let attempt = 1; ; ) {
    options.signal?.throwIfAborted();
    const before = received;
    try {
      const hash = await receive(file, incomplete, options, bytes => {
        received = bytes;
        options.onReceived(bytes);
      });
      if (hash !== file.hash) {
        await rm(incomplete, { force: true });
        throw new HumanError(
          l10n.t('{0} arrived damaged (its hash is wrong) and was thrown away. Start the download again.', file.name),
        );
      }
      await rename(incomplete, path);
      return;
    } catch (error) {
      if (!(error instanceof BrokenConnection)) throw error;
      options.signal?.throwIfAborted();
      // A connection that brings something each time may break as often as it likes.
      attempt = received > before ? 1 : attempt + 1;
      if (attempt > Attempts) {
        throw new HumanError(
          l10n.t(
            'The connection broke off while {0} was downloaded ({1}). What arrived is kept; start the download again.',
            file.name,
            error.message,
          ),
          { cause: error },
        );
      }
      await pause((options.retryMilliseconds ?? 500) * 2 ** (attempt - 1), options.signal);
    }
  }
}

class BrokenConnection extends Error {}

/** Receives what is missing of the file; the hash of the whole. */
async function receive(
  file: HubFile,
  incomplete: string,
  options: BlobOptions,
  onReceived: (bytes: number) => void,
): Promise<string> {
  let have = (await stat(incomplete).catch(() => undefined))?.size ?? 0;
  if (have > file.size) {
    await rm(incomplete, { force: true });
    have = 0;
  }
  let hash = await hashOfPart(file, incomplete, have);
  onReceived(have);
  if (have === file.size && have > 0) return hash.digest('hex');

  const response = await request(options, have);
  if (response.status === 416 || (have > 0 && response.status === 200)) {
    // The server does not continue: from the beginning.
    await rm(incomplete, { force: true });
    if (response.status === 416) {
      await response.body?.cancel();
      throw new BrokenConnection('416');
    }
    have = 0;
    hash = startHash(file);
  } else if (have > 0 && !response.headers.get('content-range')?.startsWith(`bytes ${have}-`)) {
    await response.body?.cancel();
    throw new BrokenConnection(`Content-Range ${response.headers.get('content-range')}`);
  }

  let handle: FileHandle | undefined;
  try {
    handle = await open(incomplete, have > 0 ? 'a' : 'w');
    for await (const bytes of chunks(response)) {
      if (have + bytes.length > file.size) {
        await handle.close();
        handle = undefined;
        await rm(incomplete, { force: true });
        throw new HumanError(
          l10n.t('{0} is longer than the hub says, so it was thrown away. Start the download again.', file.name),
        );
      }
      await handle.write(bytes);
      hash.update(bytes);
      have += bytes.length;
      onReceived(have);
    }
    await handle.sync();
  } finally {
    await handle?.close();
  }
  if (have < file.size) throw new BrokenConnection(l10n.t('{0} of {1} bytes', have, file.size));
  return hash.digest('hex');
}

/** The body's bytes; a connection that breaks is told apart from a disk that is full. */
async function* chunks(response: Response): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw new BrokenConnection((cause as Error).message, { cause });
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** GET from byte `have` on, following the hub to its storage; the key stays with the hub. */
async function request(options: BlobOptions, have: number): Promise<Response> {
  const home = new URL(options.address);
  let url = home;
  for (let hop = 0; hop < 6; hop++) {
    const key = url.origin === home.origin ? await options.headers() : {};
    let response: Response;
    try {
      response = await (options.fetch ?? fetch)(url.href, {
        headers: { ...key, ...(have > 0 && { Range: `bytes=${have}-` }), 'Accept-Encoding': 'identity' },
        redirect: 'manual',
        signal: options.signal,
      });
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      const cause = (error as { cause?: { code?: string } }).cause;
      throw new BrokenConnection(cause?.code ?? (error as Error).message, { cause: error });
    }
    const { status } = response;
    if (status === 200 || status === 206 || status === 416) return response;
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (status >= 300 && status < 400 && location) {
      const next = new URL(location, url);
      if (next.protocol !== 'https:' && next.protocol !== home.protocol) {
        throw new HumanError(l10n.t('{0} wants to send the model unencrypted. Check HF_ENDPOINT.', home.origin));
      }
      url = next;
      continue;
    }
    if (status >= 500 || status === 429 || status === 408) throw new BrokenConnection(String(status));
    throw new HumanError(
      status === 401 || status === 403
        ? l10n.t('{0} does not give out this file without your token. Enter a token for it.', home.origin)
        : l10n.t('{0} answered {1} for a file of the model. Try again later.', url.origin, status),
    );
  }
  throw new HumanError(l10n.t('{0} redirects in a way that leads nowhere. Check the address.', home.origin));
}

function startHash(file: HubFile): Hash {
  if (file.kind === 'sha256') return createHash('sha256');
  // Git hashes a file together with its kind and length.
  return createHash('sha1').update(`blob ${file.size}\0`);
}

async function hashOfPart(file: HubFile, incomplete: string, length: number): Promise<Hash> {
  const hash = startHash(file);
  if (length > 0) for await (const bytes of createReadStream(incomplete)) hash.update(bytes as Buffer);
  return hash;
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end, { once: true });
  });
}
