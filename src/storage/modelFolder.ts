/** Model files on disk: a Hugging Face folder or one file, opened for reading in parts. */
import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import type { FileFolder, RandomAccessFile } from '../base/randomAccess.ts';

class DiskFile implements RandomAccessFile {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;

  constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size))
      throw new RangeError('read past the end of a file');
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      // One read() call returns at most 2 GiB.
      const want = Math.min(length - done, 1 << 30);
      const { bytesRead } = await this.#handle.read(bytes, done, want, offset + done);
      if (bytesRead === 0) {
        throw new HumanError(l10n.t('The file became shorter while it was being read. Copy it again.'), {
          place: { file: this.path },
        });
      }
      done += bytesRead;
    }
    return bytes;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Opens one file. A missing or unreadable one is a HumanError. */
export async function openFile(path: string): Promise<RandomAccessFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const info = await handle.stat();
    if (!info.isFile()) throw new HumanError(l10n.t('This is not a file.'), { place: { file: path } });
    return new DiskFile(path, info.size, handle);
  } catch (error) {
    await handle?.close();
    if (error instanceof HumanError) throw error;
    throw unreadable(path, error);
  }
}

/** The folder as a flat set of files. Links are followed: Hugging Face caches consist of them. */
export async function openFolder(path: string): Promise<FileFolder> {
  const root = resolve(path);
  let names: string[];
  try {
    names = (await readdir(root)).sort();
  } catch (error) {
    throw unreadable(path, error);
  }
  return {
    path: root,
    names: async () => names,
    open: name => {
      if (name !== basename(name) || name === '..' || name === '.' || name === '') {
        throw new HumanError(l10n.t('A model may only name files in its own folder, not “{0}”.', name), {
          place: { file: root },
        });
      }
      return openFile(join(root, name));
    },
  };
}

/** Whether `path` is a folder, a file, or nothing. */
export async function kindOfPath(path: string): Promise<'folder' | 'file' | 'missing'> {
  try {
    const info = await stat(path);
    return info.isDirectory() ? 'folder' : 'file';
  } catch {
    return 'missing';
  }
}

const MATTERS = /^(config|generation_config|tokenizer|tokenizer_config|adapter_config)\.json$|\.(jinja|safetensors)$/;

/** The files that decide what a model computes. */
async function pathsOf(path: string): Promise<string[]> {
  if ((await kindOfPath(path)) !== 'folder') return [path];
  const folder = await openFolder(path);
  const names = (await folder.names()).filter(name => MATTERS.test(name));
  return names.map(name => join(folder.path, name));
}

/** The `fingerprint` of a model's files, and of those of its PEFT adapter. */
export async function modelRevision(location: { readonly base: string; readonly adapter?: string }): Promise<string> {
  const base = await pathsOf(location.base);
  return fingerprint(location.adapter === undefined ? base : [...base, ...(await pathsOf(location.adapter))]);
}

const HEAD = 1 << 16;
const SAMPLES = 16;
const SAMPLE = 4096;

/**
 * A short hash of the files' names, sizes, first 64 KiB and evenly spaced samples: tells two versions of a model under
 * one path apart without reading gigabytes (training moves every weight). Small files are read whole.
 */
export async function fingerprint(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of [...paths].sort()) {
    const file = await openFile(path);
    try {
      hash.update(`${basename(path)}\0${file.size}\0`);
      hash.update(await file.read(0, Math.min(file.size, HEAD)));
      const rest = file.size - HEAD;
      if (rest <= 0) continue;
      if (rest <= SAMPLES * SAMPLE) hash.update(await file.read(HEAD, rest));
      else {
        for (let i = 1; i <= SAMPLES; i++) {
          hash.update(await file.read(HEAD + Math.floor(((rest - SAMPLE) * i) / SAMPLES), SAMPLE));
        }
      }
    } finally {
      await file.close();
    }
  }
  return hash.digest('hex').slice(0, 16);
}

function unreadable(path: string, error: unknown): HumanError {
  const code = (error as NodeJS.ErrnoException).code;
  const message =
    code === 'ENOENT' || code === 'ENOTDIR'
      ? l10n.t('There is no such file or folder. Check the path, or add the model again.')
      : code === 'EACCES' || code === 'EPERM'
        ? l10n.t('This file may not be read by you. Change its permissions.')
        : l10n.t('This file cannot be read ({0}).', code ?? String(error));
  return new HumanError(message, { cause: error, place: { file: path } });
}
