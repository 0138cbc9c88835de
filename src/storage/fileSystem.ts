/** The few primitives that every write goes through, so that a test can kill a process after each single one of them. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';

/** What tells a file from another one that took its place under the same name. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  /** Bytes. */
  readonly size: number;
}

export interface WritableFile {
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Returns when the bytes are on the disk. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  identity(): Promise<FileIdentity>;
  close(): Promise<void>;
}

/** Errors are those of `node:fs`; callers turn them into sentences by `diskError`. */
export interface Disk {
  /** With its parents; each new name is on the disk on return. */
  makeFolder(path: string): Promise<void>;
  /** A new, empty file; rejects when the name is taken. */
  create(path: string): Promise<WritableFile>;
  /** An existing file, or a new one. */
  openForAppend(path: string): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  /** Returns when the names in the folder are on the disk. */
  syncFolder(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  identity(path: string): Promise<FileIdentity | undefined>;
}

class NodeFile implements WritableFile {
  readonly #handle: FileHandle;
  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  async identity(): Promise<FileIdentity> {
    const { dev, ino, size } = await this.#handle.stat({ bigint: true });
    return { device: dev, inode: ino, size: Number(size) };
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException)?.code ?? '';
const isWindows = process.platform === 'win32';

export const nodeDisk: Disk = {
  async makeFolder(path) {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    const stop = dirname(first);
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      await nodeDisk.syncFolder(folder);
      if (folder === stop || folder === dirname(folder)) return;
    }
  },

  create: async path => new NodeFile(await open(path, 'wx')),

  async openForAppend(path) {
    // Not `a`: Linux ignores positions there, and the caller must know where its bytes land.
    try {
      return new NodeFile(await open(path, 'r+'));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      return new NodeFile(await open(path, 'w+'));
    }
  },

  async rename(from, to) {
    for (let attempt = 0; ; attempt++) {
      try {
        return await rename(from, to);
      } catch (error) {
        // On Windows a virus scanner or a reader may hold the target for a moment.
        if (!isWindows || attempt === 8 || !['EPERM', 'EACCES', 'EBUSY'].includes(codeOf(error))) throw error;
        await new Promise(resolve => setTimeout(resolve, 10 << attempt));
      }
    }
  },

  async syncFolder(path) {
    if (isWindows) return; // Folders cannot be opened there; NTFS journals names by itself.
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } catch (error) {
      if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes(codeOf(error))) throw error;
    } finally {
      await handle.close();
    }
  },

  remove: path => rm(path, { force: true, recursive: true }),

  async identity(path) {
    try {
      const { dev, ino, size } = await stat(path, { bigint: true });
      return { device: dev, inode: ino, size: Number(size) };
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined;
      throw error;
    }
  },
};

/** A list is written one piece after the other. */
export type FileContent = string | Uint8Array | readonly Uint8Array[];

/** Puts `content` in the place of `path` at once: a reader, or whoever comes after a crash, finds the old file or the new one, whole. */
export async function replaceFile(path: string, content: FileContent, disk: Disk = nodeDisk): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await disk.makeFolder(folder);
    await writeNewFile(temporary, content, disk);
    await disk.rename(temporary, path);
    await disk.syncFolder(folder);
  } catch (error) {
    await disk.remove(temporary).catch(() => {});
    throw diskError(error, path);
  }
}

/** `replaceFile` with indented JSON. */
export const replaceJsonFile = (path: string, value: unknown, disk: Disk = nodeDisk): Promise<void> =>
  replaceFile(path, JSON.stringify(value, null, 2) + '\n', disk);

/** A new file whose bytes are on the disk on return (its name is not: sync the folder). */
export async function writeNewFile(path: string, content: FileContent, disk: Disk = nodeDisk): Promise<void> {
  const file = await disk.create(path);
  try {
    const pieces =
      typeof content === 'string' ? [Buffer.from(content)] : content instanceof Uint8Array ? [content] : content;
    let position = 0;
    for (const piece of pieces) {
      await file.write(piece, position);
      position += piece.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A failure of the disk as one sentence that says what to do; anything else comes back as it is. */
export function diskError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof HumanError) return error;
  const say = (message: string) => new HumanError(message, { cause: error, place: { file: path } });
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return say(
        l10n.t(
          'The disk is full, so this was not saved. Nothing saved before was lost. Free some space and try again.',
        ),
      );
    case 'EFBIG':
      return say(
        l10n.t(
          'The file may not grow further on this disk, so this was not saved. Nothing saved before was lost. Raise the limit of file sizes, or use another disk.',
        ),
      );
    case 'EACCES':
    case 'EPERM':
      return say(
        l10n.t('You may not write here, so this was not saved. Change the permissions of the folder and try again.'),
      );
    case 'EROFS':
      return say(l10n.t('This disk is read-only, so this was not saved. Open a copy of the folder on another disk.'));
    case 'EIO':
      return say(
        l10n.t('The disk reported an error, so this was not saved. Nothing saved before was changed. Check the disk.'),
      );
    case 'EMFILE':
    case 'ENFILE':
      return say(l10n.t('Too many files are open, so this was not saved. Close some windows and try again.'));
    case 'ENOTDIR':
    case 'EEXIST':
      return say(l10n.t('A file is in the way of this name, so this was not saved. Move or rename it and try again.'));
    default:
      return error;
  }
}

/** Random lower-case hexadecimal characters, for names that must not meet. */
export const randomName = (characters: number): string =>
  randomBytes(Math.ceil(characters / 2))
    .toString('hex')
    .slice(0, characters);
